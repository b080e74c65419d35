"""A confusion matrix as a picture: what each true class was taken for, in percent of its pixels.

Right answers (the diagonal) are blue, mistakes orange.
"""

from collections.abc import Sequence

import numpy as np

from mereo.drawing.legend import percent
from mereo.drawing.lettering import drawable
from mereo.drawing.matrix_picture import MatrixWords, draw_matrix
from mereo.errors import BadInput
from mereo.shapes import require_shapes

MAX_CLASSES = 200


def draw_confusion(confusion_KK: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """H W 3 uint8. Rows (truth) and columns (answer) from the most to the least frequent class of the truth.

    A class without a true pixel has a hatched row: n/a. Of more than 200 classes the most frequent are shown.
    """
    require_shapes(confusion_KK=confusion_KK)
    if len(names) != len(confusion_KK) or not len(names):
        raise BadInput(
            f"names must be one a class of the matrix, but got {len(names)} for {len(confusion_KK)}; pass the "
            "taxonomy's object names."
        )
    true_K = confusion_KK.sum(axis=1)
    order = np.argsort(-true_K, kind="stable")[:MAX_CLASSES]
    share_KK = np.divide(
        confusion_KK, true_K[:, None], out=np.full(confusion_KK.shape, np.nan), where=true_K[:, None] > 0
    )[np.ix_(order, order)]
    frequency_K = (true_K / max(1, true_K.sum()))[order].tolist()
    what = f" ({len(order)} most frequent of {len(names)})" if len(order) < len(names) else ""
    words = MatrixWords(
        title="What each class was taken for",
        line=f"percent of the true class's pixels; rows: truth, columns: answer{what}",
        bars=(("right", True), ("mistakes", False)),
        absent="no pixel of this class in the truth",
    )
    return draw_matrix(
        share_KK,
        np.eye(len(order), dtype=bool),
        names=[drawable(names[index], otherwise=f"class {index}") for index in order],
        notes=[percent(frequency) if frequency else "n/a" for frequency in frequency_K],
        words=words,
    )
