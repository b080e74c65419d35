"""Context error: how much what surrounds a retrieved object differs from what surrounds the query.

Equation 4 of "Panoptic Segment Sorting" (section "Context error"): eight boxes of the object's own size lie around its
box; in each, the shares of the classes are compared by the symmetric Kullback-Leibler divergence, and the mean over the
boxes and over what was retrieved is the error of a query.
"""

import numpy as np

from mereo.errors import BadInput
from mereo.shapes import require_shapes

NUM_REGIONS = 8
# Rows, then columns of the eight neighbours, in units of the box: from the top left along each row.
OFFSETS_82 = np.array([(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)])


def surroundings(
    label_HW: np.ndarray,
    box_yxyx: tuple[int, int, int, int] | np.ndarray,
    num_classes: int,
    *,
    ignore_label: int = 255,
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the classes in the eight boxes around a box (8 K), and which of these boxes have any labelled pixel.

    The box ends after its last pixel. The boxes are clipped to the image; pixels of `ignore_label` are not counted. The
    shares of a region without a pixel are 0.

    >>> label_HW = np.array([[0, 0, 0], [1, 1, 0], [1, 1, 0]])
    >>> share_8K, is_inside_8 = surroundings(label_HW, (1, 1, 2, 2), 2)
    >>> share_8K[:, 1].tolist(), bool(is_inside_8.all())
    ([0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0], True)
    """
    require_shapes(label_HW=label_HW)
    top, left, bottom, right = (int(side) for side in box_yxyx)
    height, width = label_HW.shape
    if not (0 <= top < bottom <= height and 0 <= left < right <= width):
        raise BadInput(
            f"a box must lie in its image and have pixels, but got {(top, left, bottom, right)} in {width}x{height}; "
            "give rows and columns, the ends exclusive."
        )
    share_8K = np.zeros((NUM_REGIONS, num_classes))
    is_inside_8 = np.zeros(NUM_REGIONS, dtype=bool)
    for region, (dy, dx) in enumerate(OFFSETS_82.tolist()):
        row, column = top + dy * (bottom - top), left + dx * (right - left)
        rows = slice(max(0, row), max(0, row + bottom - top))
        columns = slice(max(0, column), max(0, column + right - left))
        label_n = label_HW[rows, columns].ravel()
        label_n = label_n[label_n != ignore_label]
        if not label_n.size:
            continue
        if int(label_n.min()) < 0 or int(label_n.max()) >= num_classes:
            wrong = int(label_n[(label_n < 0) | (label_n >= num_classes)][0])
            raise BadInput(
                f"labels must be from 0 to {num_classes - 1}, but got {wrong}; map raw ids through the taxonomy first."
            )
        share_8K[region] = np.bincount(label_n, minlength=num_classes) / label_n.size
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
    """Equation 4: the mean over regions and over what was retrieved; NaN where no region can be compared.

    A region that is outside of either image is not counted. Where one share is 0 and the other is not, the logarithm
    takes `floor` instead of 0, and nothing is renormalised: the value may be slightly negative, and disjoint regions of
    one class each have 2 ln 10.

    >>> sky_8K, road_8K = np.tile([1.0, 0.0], (8, 1)), np.tile([0.0, 1.0], (8, 1))
    >>> float(context_error(sky_8K, road_8K[None], np.ones(8, bool), np.ones((1, 8), bool)) / np.log(10))
    2.0
    """
    query_8K, retrieved_N8K = np.asarray(query_8K, float), np.asarray(retrieved_N8K, float)
    require_shapes(query_8K=query_8K, retrieved_N8K=retrieved_N8K, retrieved_inside_N8=retrieved_inside_N8)
    if not 0 < floor <= 1:
        raise BadInput(f"floor must be above 0 and at most 1, but got {floor}; e.g. 0.1.")
    is_counted_N8 = np.asarray(retrieved_inside_N8, bool) & np.asarray(query_inside_8, bool)
    if not is_counted_N8.any():
        return float("nan")
    divergence_N8 = _divergence(query_8K, retrieved_N8K, floor) + _divergence(retrieved_N8K, query_8K, floor)
    return float(divergence_N8[is_counted_N8].mean())


def _divergence(share: np.ndarray, other: np.ndarray, floor: float) -> np.ndarray:
    """Sum of p log(p / q) over the classes, with q := `floor` where q = 0."""
    has = share > 0
    # Where p = 0 the term is 0, whatever q is.
    quotient = np.where(has, share, 1.0) / np.where(has, np.where(other > 0, other, floor), 1.0)
    return (share * np.log(quotient)).sum(axis=-1)
