"""Level counts: how well each level of a pyramid answers the pixels that were assigned to it, and all others.

"Specialize and fuse: pyramidal representation for semantic segmentation" (SaF), section 4.2: table 2c, figure 3.
"""

import numpy as np

from mereo.errors import BadInput
from mereo.metrics.confusion import require_label_maps
from mereo.shapes import require_shapes


def level_counts(
    label_HW: np.ndarray,
    level_HW: np.ndarray,
    answer_LHW: np.ndarray,
    *,
    num_classes: int,
    ignore_index: int | None,
) -> np.ndarray:
    """Intersection, truth and predicted pixels of each class (the last axis), L x L x K x 3 int64.

    The first axis is the level that a pixel is assigned to (`level_HW`), the second the level that answers. So the
    diagonal added up is the fused answer; a column added up (over the first axis) is one level alone on all pixels.

    >>> label_HW, level_HW = np.array([[0, 1]]), np.array([[0, 1]])
    >>> answer_LHW = np.array([[[0, 0]], [[1, 1]]])
    >>> level_counts(label_HW, level_HW, answer_LHW, num_classes=2, ignore_index=None)[..., 0].tolist()
    [[[1, 0], [0, 0]], [[0, 0], [0, 1]]]
    """
    require_shapes(label_HW=label_HW, level_HW=level_HW, answer_LHW=answer_LHW)
    num_levels = len(answer_LHW)
    if not num_levels or level_HW.min() < 0 or level_HW.max() >= num_levels:
        raise BadInput(
            f"levels must be 0 to {num_levels - 1}, but got {level_HW.min()} to {level_HW.max()}; "
            "pass the answers of all levels."
        )
    for answer_HW in answer_LHW:
        require_label_maps(label_HW, answer_HW, num_classes=num_classes, ignore_index=ignore_index)
    is_labelled_HW = label_HW != ignore_index if ignore_index is not None else np.ones(label_HW.shape, dtype=bool)
    label_P, level_P = label_HW[is_labelled_HW].astype(np.intp), level_HW[is_labelled_HW].astype(np.intp)
    counts_LLK3 = np.zeros((num_levels, num_levels, num_classes, 3), dtype=np.int64)

    def by_level_and_class(class_P: np.ndarray, assigned_P: np.ndarray) -> np.ndarray:
        found = np.bincount(assigned_P * num_classes + class_P, minlength=num_levels * num_classes)
        return found.reshape(num_levels, num_classes)

    counts_LLK3[..., 1] = by_level_and_class(label_P, level_P)[:, None]
    for answering, answer_HW in enumerate(answer_LHW):
        answer_P = answer_HW[is_labelled_HW].astype(np.intp)
        is_right_P = answer_P == label_P
        counts_LLK3[:, answering, :, 0] = by_level_and_class(label_P[is_right_P], level_P[is_right_P])
        counts_LLK3[:, answering, :, 2] = by_level_and_class(answer_P, level_P)
    return counts_LLK3
