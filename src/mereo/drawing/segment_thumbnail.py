"""A segment as a small picture: its box and as much around it that one sees where it is."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from mereo.data.pictures.picture_bytes import picture_bytes
from mereo.picture_sizes import size_within

MAX_SIDE = 192
# Of the box's longer side, on each side of the box.
MARGIN = 0.4
LEAST_MARGIN_PIXELS = 8
JPEG_QUALITY = 82
# Averaging over more pixels than this a side costs time and shows nothing.
REDUCING_GAP = 3.0

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class SegmentCrop:
    """What a thumbnail shows of the photograph, and how large it is: x0, y0, x1, y1 and width, height."""

    box_xyxy: Box
    size: tuple[int, int]

    def place(self, box_xyxy: Box) -> tuple[float, float, float, float]:
        """A box of the photograph in pixels of the thumbnail."""
        left, top, right, bottom = self.box_xyxy
        x, y = self.size[0] / (right - left), self.size[1] / (bottom - top)
        x0, y0, x1, y1 = box_xyxy
        return (x0 - left) * x, (y0 - top) * y, (x1 - left) * x, (y1 - top) * y


def segment_crop(box_xyxy: Box, image_size: tuple[int, int], *, max_side: int = MAX_SIDE) -> SegmentCrop:
    """A function of box and photograph alone (height, width), so that it need not be kept.

    >>> segment_crop((100, 100, 200, 150), (480, 640), max_side=90)
    SegmentCrop(box_xyxy=(60, 60, 240, 190), size=(90, 65))
    """
    x0, y0, x1, y1 = (int(side) for side in box_xyxy)
    margin = max(LEAST_MARGIN_PIXELS, round(MARGIN * max(x1 - x0, y1 - y0)))
    height, width = image_size
    left, top, right, bottom = (
        max(0, x0 - margin),
        max(0, y0 - margin),
        min(width, x1 + margin),
        min(height, y1 + margin),
    )
    return SegmentCrop((left, top, right, bottom), size_within((right - left, bottom - top), max_side))


def segment_thumbnail(image_HWC: np.ndarray, box_xyxy: Box, *, max_side: int = MAX_SIDE) -> bytes:
    """JPEG, of pixels alone: nothing of the file's own metadata comes along. The image is upright already."""
    crop = segment_crop(box_xyxy, (image_HWC.shape[0], image_HWC.shape[1]), max_side=max_side)
    left, top, right, bottom = crop.box_xyxy
    picture = Image.fromarray(np.ascontiguousarray(image_HWC[top:bottom, left:right]))
    picture = picture.resize(crop.size, Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
    return picture_bytes(picture, "JPEG", quality=JPEG_QUALITY, optimize=True)
