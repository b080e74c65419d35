"""How well a segmentation without classes agrees with another, pixel by pixel: covering, Rand index, information.

Arbelaez et al. 2011, "Contour detection and hierarchical image segmentation", section 2.3. All rest on one table: how
many pixels each region of the one shares with each region of the other. Names of regions mean nothing, and every pixel
counts.
"""

import numpy as np

from mereo.errors import BadInput
from mereo.shapes import require_shapes


def shared_pixels(first_HW: np.ndarray, second_HW: np.ndarray) -> np.ndarray:
    """R x S int64: the pixels that region r of the first map shares with region s of the second.

    >>> shared_pixels(np.array([[4, 4, 9]]), np.array([[0, 1, 1]]))
    array([[1, 1],
           [0, 1]])
    """
    require_shapes(first_HW=first_HW, second_HW=second_HW)
    for map_HW in (first_HW, second_HW):
        if not np.issubdtype(map_HW.dtype, np.integer) or map_HW.size == 0:
            raise BadInput(
                f"a segmentation must hold a whole number for every pixel, but got {map_HW.dtype} of shape "
                f"{map_HW.shape}; pass a label map."
            )
    (first_P, num_first), (second_P, num_second) = (_numbered(map_HW) for map_HW in (first_HW, second_HW))
    counts = np.bincount(first_P * num_second + second_P, minlength=num_first * num_second)
    return counts.reshape(num_first, num_second).astype(np.int64, copy=False)


def covering(shared_RS: np.ndarray) -> float:
    """How well the regions s of the second map are covered by those of the first: the IoU of each with its best one,
    averaged over pixels. The truth is the second map: swapped, the answer is another.

    >>> covering(np.array([[1, 1], [0, 1]]))  # IoUs 1/2 of 1 pixel and 1/2 of 2, the second map's regions
    0.5
    """
    first_R1, second_S = shared_RS.sum(axis=1, keepdims=True), shared_RS.sum(axis=0)
    iou_RS = shared_RS / (first_R1 + second_S - shared_RS)
    return float((iou_RS.max(axis=0) * second_S).sum() / second_S.sum())


def rand_index(shared_RS: np.ndarray) -> float:
    """Share of all pairs of pixels that both maps put together or both put apart; 1 if there is no pair.

    Averaged over several annotators it is the probabilistic Rand index (Unnikrishnan et al. 2007).

    >>> rand_index(np.array([[1, 1], [0, 1]]))  # of three pairs one is apart in both
    0.3333333333333333
    """
    pairs = _pairs(int(shared_RS.sum()))
    together = _pairs_of_all(shared_RS)
    either = _pairs_of_all(shared_RS.sum(axis=0)) + _pairs_of_all(shared_RS.sum(axis=1))
    return (pairs - either + 2 * together) / pairs if pairs else 1.0


def variation_of_information(shared_RS: np.ndarray) -> float:
    """H(first | second) + H(second | first) in bits (Meila 2003); 0 for equal maps.

    >>> round(variation_of_information(np.array([[2, 0], [1, 1]])), 4)
    1.1887
    """
    r, s = shared_RS.nonzero()
    both, first, second = shared_RS[r, s], shared_RS.sum(axis=1)[r], shared_RS.sum(axis=0)[s]
    return float((both * (np.log2(first / both) + np.log2(second / both))).sum() / shared_RS.sum())


def _numbered(map_HW: np.ndarray) -> tuple[np.ndarray, int]:
    names, number_P = np.unique(map_HW.ravel(), return_inverse=True)
    return number_P, len(names)


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _pairs_of_all(counts: np.ndarray) -> int:
    return int((counts * (counts - 1) // 2).sum())
