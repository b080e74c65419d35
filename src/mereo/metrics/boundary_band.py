"""Boundary band: the pixels within some distance of a border between two labels, where answers are hardest.

"Specialize and fuse: pyramidal representation for semantic segmentation" (SaF), section 4.1, compares the mean IoU of
these pixels ("within an eight-pixel range") with that of all pixels. Only the truth says which they are, so every
parser is asked about the same ones (unlike `boundary_iou`, where each map has its own).
"""

import numpy as np
from scipy import ndimage

from mereo.errors import BadInput
from mereo.shapes import require_shapes

BAND_PIXELS = 8


def boundary_band(label_HW: np.ndarray, *, distance_pixels: int = BAND_PIXELS, ignore_index: int | None) -> np.ndarray:
    """True where a border between labels is at most `distance_pixels` away (H W bool): so many pixels on either side.

    A border lies between two pixels that touch by a side and carry different labels; both are 1 pixel from it, and
    distances are straight lines. Ignored pixels are never in the band, and no border of anything.

    >>> boundary_band(np.array([[0, 0, 0, 1, 1, 255, 2]]), distance_pixels=2, ignore_index=255).astype(int)
    array([[0, 1, 1, 1, 1, 0, 0]])
    """
    require_shapes(label_HW=label_HW)
    if distance_pixels < 1:
        raise BadInput(f"distance_pixels must be at least 1, but got {distance_pixels}; the paper takes 8.")
    is_labelled_HW = np.ones(label_HW.shape, dtype=bool) if ignore_index is None else label_HW != ignore_index
    touches_HW = np.zeros(label_HW.shape, dtype=bool)
    for p, q in (((slice(None, -1),), (slice(1, None),)), ((..., slice(None, -1)), (..., slice(1, None)))):
        is_border = (label_HW[p] != label_HW[q]) & is_labelled_HW[p] & is_labelled_HW[q]
        touches_HW[p] |= is_border
        touches_HW[q] |= is_border
    if not touches_HW.any():  # Without any, there is no distance to it either.
        return touches_HW
    band_HW: np.ndarray = ndimage.distance_transform_edt(~touches_HW) <= distance_pixels - 1
    return band_HW & is_labelled_HW
