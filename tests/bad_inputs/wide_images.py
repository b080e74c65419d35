"""Pictures of more than 8 bits: PNGs written by hand, and TIFFs by tifffile, which is not what reads them."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import tifffile
from picture_making import HEIGHT, WIDTH, GoodImage, as_grey
from png_bytes import GREY, GREY_ALPHA, RGBA, png_of_array


def sixteen_bit_png(channels: int, colour: int) -> Callable:
    def make(random: np.random.Generator) -> GoodImage:
        wide_HWC = random.integers(0, 65536, (HEIGHT, WIDTH, channels)).astype(np.uint16)
        if colour in (GREY_ALPHA, RGBA):
            wide_HWC[..., -1] = 65535
        colours = wide_HWC[..., : 1 if colour in (GREY, GREY_ALPHA) else 3]
        shown_HW3 = np.broadcast_to(np.rint(colours / 257), (HEIGHT, WIDTH, 3)).astype(np.uint8)
        # Pillow takes the high byte of colours; dividing by 257 and rounding differs by one at most.
        return GoodImage("png", png_of_array(wide_HWC, colour=colour), shown_HW3, 1)

    return make


def tiff(dtype: str, top: float, **options: Any) -> Callable:
    """Written by tifffile: an independent writer, with kinds of TIFF that Pillow reads but does not write."""

    def make(random: np.random.Generator) -> GoodImage:
        shape = (HEIGHT, WIDTH, 3) if options.get("photometric") == "rgb" else (HEIGHT, WIDTH)
        share = random.random(shape)
        share.flat[:2] = 0, 1
        wide = (share * top).astype(dtype)
        planes = np.moveaxis(wide, -1, 0) if options.get("planarconfig") == "separate" else wide
        stream = io.BytesIO()
        tifffile.imwrite(stream, planes, metadata=None, **options)
        eight_bit = np.rint(wide.astype(np.float64) / top * 255).astype(np.uint8)
        return GoodImage("tif", stream.getvalue(), eight_bit if eight_bit.ndim == 3 else as_grey(eight_bit), 1)

    return make


def dark_sixteen_bit(byteorder: str) -> Callable:
    """Dark is dark: the brightest pixel of a 16-bit picture must not decide its scale, in either order of bytes."""

    def make(random: np.random.Generator) -> GoodImage:
        wide_HW = random.integers(0, 200, (HEIGHT, WIDTH)).astype(np.uint16)
        stream = io.BytesIO()
        tifffile.imwrite(stream, wide_HW, metadata=None, byteorder=byteorder)
        return GoodImage("tif", stream.getvalue(), as_grey(np.rint(wide_HW / 257)), 0)

    return make


def float_with_nan(random: np.random.Generator) -> GoodImage:
    values_HW = random.random((HEIGHT, WIDTH)).astype(np.float32)
    values_HW[0, 0], values_HW[5, 7], values_HW[9, 9] = np.nan, np.inf, -np.inf
    stream = io.BytesIO()
    tifffile.imwrite(stream, values_HW, metadata=None)
    finite_HW = np.where(np.isfinite(values_HW), values_HW, 0)
    return GoodImage("tif", stream.getvalue(), as_grey(np.rint(finite_HW * 255)))
