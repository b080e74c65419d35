"""Bands: a picture read a few rows at a time, so that it need not fit into memory."""

import math
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from mereo.data.pictures.decoding_bounds import MAKE_SMALLER
from mereo.data.pictures.image_reading import open_picture, read_image
from mereo.data.pictures.tiff_bands import TiffBands
from mereo.picture_sizes import MAX_PIXELS


class ImageBands(Protocol):
    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""

    def read(self, start: int, stop: int) -> np.ndarray:
        """Rows start..stop as H W 3 uint8. Cheapest when asked for from top to bottom."""


class ArrayBands:
    """A picture that is in memory already."""

    def __init__(self, image_HWC: np.ndarray) -> None:
        self.image_HWC = image_HWC

    @property
    def size(self) -> tuple[int, int]:
        return self.image_HWC.shape[0], self.image_HWC.shape[1]

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.image_HWC[start:stop]


def open_bands(path: str | Path, *, max_pixels: int = MAX_PIXELS, advice: str = MAKE_SMALLER) -> ImageBands:
    """A TIFF beyond the cap is read from its file band by band; anything else is decoded whole and stays capped."""
    with open_picture(path, max_pixels=None) as picture:
        is_read_in_bands = picture.format == "TIFF" and picture.width * picture.height > max_pixels
    return TiffBands(path) if is_read_in_bands else ArrayBands(read_image(path, max_pixels=max_pixels, advice=advice))


def resized_rows(bands: ImageBands, size: tuple[int, int], start: int, stop: int) -> np.ndarray:
    """Rows start..stop of the picture reduced to `size`, as if the whole had been resized: no seam between bands."""
    (height, width), (new_height, new_width) = bands.size, size
    if (height, width) == (new_height, new_width):
        return bands.read(start, stop)
    scale = height / new_height
    support = math.ceil(max(1.0, scale)) + 1  # The triangle filter's reach, antialiased.
    first = max(0, math.floor(start * scale) - support)
    last = min(height, math.ceil(stop * scale) + support)
    box = (0.0, start * scale - first, float(width), min(stop * scale, height) - first)
    rows = Image.fromarray(np.ascontiguousarray(bands.read(first, last)))
    return np.asarray(rows.resize((new_width, stop - start), Image.Resampling.BILINEAR, box=box))
