"""Which class speaks for which, as a picture (region affinity, figure 3)."""

from collections.abc import Sequence

import numpy as np

from mereo.drawing.confusion_picture import MAX_CLASSES
from mereo.drawing.lettering import drawable
from mereo.drawing.matrix_picture import MatrixWords, draw_matrix
from mereo.errors import BadInput
from mereo.shapes import require_shapes


def draw_affinity(
    affinity_KK: np.ndarray, names: Sequence[str], images_K: np.ndarray, *, sums_over: str = "column"
) -> np.ndarray:
    """H W 3 uint8. Rows are sources, columns targets, the most frequent class first; `images_K`: images that hold it.

    Of more than 200 classes the most frequent are shown. The caption says that each `sums_over` (column or row) sums to
    100 where all that are shown do.
    """
    require_shapes(affinity_KK=affinity_KK, images_K=images_K)
    if len(names) != len(affinity_KK) or not len(names):
        raise BadInput(
            f"names must be one a class of the matrix, but got {len(names)} for {len(affinity_KK)}; pass the "
            "taxonomy's object names."
        )
    order = np.argsort(-images_K, kind="stable")[:MAX_CLASSES]
    share_KK = affinity_KK[np.ix_(order, order)].astype(np.float64)
    np.fill_diagonal(share_KK, np.nan)
    share_KK[images_K[order] == 0] = share_KK[:, images_K[order] == 0] = np.nan
    # Not where a class meets no other, nor where those that are left out give the rest.
    total_K = np.nansum(share_KK, axis=0 if sums_over == "column" else 1)[images_K[order] > 0]
    sums = f"; {sums_over}s sum to 100" if len(total_K) and np.allclose(total_K, 1, atol=1e-3) else ""
    what = f" ({len(order)} most frequent of {len(names)})" if len(order) < len(names) else ""
    words = MatrixWords(
        title="Which class speaks for which",
        line=f"percent; a row supports a column{sums}{what}",
        bars=(("support", True),),
        absent="the class itself, or it is in no image",
    )
    return draw_matrix(
        share_KK,
        np.ones(share_KK.shape, dtype=bool),
        names=[drawable(names[index], otherwise=f"class {index}") for index in order],
        notes=[str(int(images_K[index])) for index in order],
        words=words,
    )
