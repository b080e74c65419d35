"""Which regions of a label map touch each other."""

import numpy as np

from mereo.errors import BadInput
from mereo.shapes import require_shapes

MAX_REGIONS = 1 << 14  # Squared, it is what the answer takes.


def region_adjacency(label_HW: np.ndarray) -> np.ndarray:
    """R x R bool, symmetric, False on the diagonal: True where pixels of two regions are neighbours along a side.

    Regions are numbered from 0; R is the highest number and 1.

    >>> region_adjacency(np.array([[0, 1], [2, 1]])).astype(int).tolist()
    [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    """
    require_shapes(label_HW=label_HW)
    if label_HW.size == 0 or label_HW.min() < 0 or label_HW.max() >= MAX_REGIONS:
        raise BadInput(
            f"regions must be numbered from 0 to at most {MAX_REGIONS - 1}, but got a map of shape {label_HW.shape}"
            f"{f' with {label_HW.min()} to {label_HW.max()}' if label_HW.size else ''}; renumber them."
        )
    num_regions = int(label_HW.max()) + 1
    touch_RR = np.zeros((num_regions, num_regions), dtype=bool)
    for first, second in ((label_HW[:, :-1], label_HW[:, 1:]), (label_HW[:-1], label_HW[1:])):
        touch_RR[first.ravel(), second.ravel()] = True
    touch_RR |= touch_RR.T
    np.fill_diagonal(touch_RR, False)
    return touch_RR
