"""Context error: do two things stand among the same classes? Their eight neighbouring regions, compared share by share.

"Contextual image parsing via panoptic segment sorting" (PSS), section 4.2 and equation 4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mereo.errors import BadInput
from mereo.metrics.confusion import mean_over_classes
from mereo.shapes import require_shapes

# Of the eight regions. Rows first: above left, above, above right, left, right, below left, below, below right.
NEIGHBOURS = tuple((down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0))
NUM_REGIONS = len(NEIGHBOURS)


def surroundings(
    label_HW: np.ndarray, box_yxyx: tuple[int, int, int, int], num_classes: int, *, ignore_label: int = 255
) -> tuple[np.ndarray, np.ndarray]:
    """`share_8K`: what share of each of the eight regions around a box each class has; `is_inside_8`: who has any.

    The regions have the box's size (top, left, bottom, right; the last two exclusive) and touch it. What lies outside
    of the picture and ignored pixels do not count; a region of such alone is not inside, and its shares are 0.

    >>> share_8K, is_inside_8 = surroundings(np.array([[0, 1], [2, 255]]), (0, 0, 1, 1), 3)
    >>> is_inside_8.tolist()
    [False, False, False, False, True, False, True, False]
    >>> share_8K[[4, 6]].tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    require_shapes(label_HW=label_HW)
    top, left, bottom, right = (int(side) for side in box_yxyx)
    height, width = bottom - top, right - left
    if height < 1 or width < 1:
        raise BadInput(
            f"a box must have pixels, but got top, left, bottom, right {top}, {left}, {bottom}, {right}; "
            "bottom and right lie behind its last pixel."
        )
    share_8K, is_inside_8 = np.zeros((len(NEIGHBOURS), num_classes)), np.zeros(len(NEIGHBOURS), dtype=bool)
    for region, (down, across) in enumerate(NEIGHBOURS):
        y, x = top + down * height, left + across * width
        labels = label_HW[max(0, y) : max(0, y + height), max(0, x) : max(0, x + width)]
        labels = labels[labels != ignore_label]
        if labels.size == 0:
            continue
        if not 0 <= labels.min() <= labels.max() < num_classes:
            raise BadInput(
                f"labels must be from 0 to {num_classes - 1} or {ignore_label}, but got {labels.min()} to "
                f"{labels.max()}; pass the data's number of classes and its ignore label."
            )
        share_8K[region] = np.bincount(labels, minlength=num_classes) / labels.size
        is_inside_8[region] = True
    return share_8K, is_inside_8


def context_error(
    query_8K: np.ndarray,
    retrieved_N8K: np.ndarray,
    query_inside_8: np.ndarray,
    retrieved_inside_N8: np.ndarray,
    *,
    floor: float = 0.1,
) -> float:
    """Equation 4: the mean of D(p, q) + D(q, p) over regions and retrieved things, p and q the shares of one region.

    D(p, q) = sum over classes of p log(p / q), with q := `floor` where q = 0 and p > 0. The floor is not renormalised,
    so the error may be slightly below 0; of two regions of one class each, not the same, it is 2 ln 10. A region that
    one of the two does not have is not counted; NaN if they share none, or if nothing was retrieved.

    >>> road_8K, sky_8K = np.tile([1.0, 0.0], (8, 1)), np.tile([0.0, 1.0], (8, 1))
    >>> inside_8 = np.ones(8, dtype=bool)
    >>> float(context_error(road_8K, sky_8K[None], inside_8, inside_8[None]) / np.log(10))
    2.0
    """
    require_shapes(query_8K=query_8K, retrieved_N8K=retrieved_N8K, retrieved_inside_N8=retrieved_inside_N8)
    require_shapes(query_RK=query_8K, query_inside_R=query_inside_8)
    if not 0 < floor <= 1:
        raise BadInput(f"floor must be above 0 and at most 1, but got {floor}; e.g. 0.1.")
    is_counted_N8 = np.asarray(query_inside_8, dtype=bool) & np.asarray(retrieved_inside_N8, dtype=bool)
    if not is_counted_N8.any():
        return float("nan")
    error_N8 = _divergence(query_8K, retrieved_N8K, floor) + _divergence(retrieved_N8K, query_8K, floor)
    return float(error_N8[is_counted_N8].mean())


@dataclass(frozen=True, eq=False)
class ContextErrors:
    """`of_class_K` is the mean over the queries of each class, NaN without any; `mean` that over classes with one."""

    mean: float
    of_class_K: np.ndarray
    queries_K: np.ndarray


def mean_context_error(error_Q: Sequence[float], class_Q: Sequence[int], num_classes: int) -> ContextErrors:
    """Of many queries: the mean of each class, then over classes. A query without an error (NaN) does not count.

    >>> found = mean_context_error([1.0, 3.0, 5.0, float("nan")], [0, 0, 1, 2], 3)
    >>> found.mean, found.of_class_K.tolist()
    (3.5, [2.0, 5.0, nan])
    """
    errors, classes = np.asarray(error_Q, dtype=np.float64), np.asarray(class_Q, dtype=np.int64)
    require_shapes(error_Q=errors, class_Q=classes)
    is_known_Q = ~np.isnan(errors)
    errors, classes = errors[is_known_Q], classes[is_known_Q]
    queries_K = np.bincount(classes, minlength=num_classes)
    sum_K = np.bincount(classes, weights=errors, minlength=num_classes)
    of_class_K = np.divide(sum_K, queries_K, out=np.full(len(sum_K), np.nan), where=queries_K > 0)
    return ContextErrors(float(mean_over_classes(of_class_K)), of_class_K, queries_K)


def _divergence(p_8K: np.ndarray, q_8K: np.ndarray, floor: float) -> np.ndarray:
    """Over the last axis; where p is 0 a class adds nothing."""
    p_8K, q_8K = np.broadcast_arrays(p_8K, q_8K)
    safe_q_8K = np.where(q_8K > 0, q_8K, floor)
    quotient_8K = np.divide(p_8K, safe_q_8K, out=np.ones(p_8K.shape), where=p_8K > 0)
    divergence: np.ndarray = (p_8K * np.log(quotient_8K)).sum(axis=-1)
    return divergence
