"""Where a parse is unsure: hatched on the overlay, and as a mask of its own."""

from pathlib import Path

import numpy as np

from mereo.assembly.parse import Parse
from mereo.drawing.mask_png import write_mask_png
from mereo.shapes import require_shapes

LIGHT, DARK = 255.0, 12.0
STRENGTH = 0.62


def hatch(picture_HWC: np.ndarray, unsure_HW: np.ndarray) -> None:
    """Draw, in place, light and dark diagonal stripes where the mask is true: seen on every colour, by every reader.

    >>> picture_HWC = np.full((1, 8, 3), 100, dtype=np.uint8)
    >>> hatch(picture_HWC, np.ones((1, 8), dtype=bool))
    >>> picture_HWC[0, :, 0].tolist()
    [196, 196, 100, 100, 45, 45, 100, 100]
    """
    require_shapes(picture_HWC=picture_HWC, unsure_HW=unsure_HW)
    height, width = unsure_HW.shape
    quarter = stripe_pixels((height, width))
    # Row by row, since a picture may be huge; rows of one phase are alike.
    for phase in range(min(4 * quarter, height)):
        stripe_W = (np.arange(width) + phase) // quarter % 4
        rows = slice(phase, None, 4 * quarter)
        for which, grey in ((0, LIGHT), (2, DARK)):
            is_striped_hW = unsure_HW[rows] & (stripe_W == which)
            part = picture_HWC[rows]
            part[is_striped_hW] = np.rint(part[is_striped_hW] * (1 - STRENGTH) + grey * STRENGTH).astype(np.uint8)


def stripe_pixels(size: tuple[int, int]) -> int:
    """Width of one stripe, for height and width.

    >>> [stripe_pixels(size) for size in [(240, 320), (1000, 1500), (3000, 4000)]]
    [2, 3, 8]
    """
    return max(2, round(max(size) / 500))


def write_unsure_png(path: str | Path, parse: Parse, threshold: float) -> float:
    """The mask as a PNG of one bit a pixel (white: unsure); the share of pixels that are unsure."""
    unsure_HW = parse.unsure(threshold)
    write_mask_png(path, unsure_HW)
    return float(unsure_HW.mean())
