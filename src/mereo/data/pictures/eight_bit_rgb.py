"""Any decoded picture as 8-bit RGB, upright: band by band, so that only the picture and the result are held whole."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from mereo.data.pictures.orientation import TURNED_BY_A_QUARTER, view_as_stored

BAND_PIXELS = 1 << 20


def upright_rgb_HW3(picture: Image.Image, orientation: int) -> np.ndarray:
    """Turned as EXIF orientation 1 to 8 asks for, transparency on white, wide numbers scaled to 0..255."""
    width, height = picture.size
    shape = (width, height) if orientation in TURNED_BY_A_QUARTER else (height, width)
    upright_HW3 = np.empty((*shape, 3), dtype=np.uint8)
    # A view of the result in which pixels lie as they are stored: what is written there is turned already.
    stored_HW3 = view_as_stored(upright_HW3, orientation)
    is_wide = picture.mode in ("I", "F") or picture.mode.startswith("I;16")
    low, span = _low_and_span(picture) if is_wide else (0.0, 255.0)
    for start, band in _bands(picture):
        rows = slice(start, start + band.size[1])
        if is_wide:
            stored_HW3[rows] = _eight_bit_HW(np.asarray(band), low, span)[..., None]
        else:
            stored_HW3[rows] = np.asarray(_on_white(band))
    return upright_HW3


def _bands(picture: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    width, height = picture.size
    rows = max(1, BAND_PIXELS // width)
    for start in range(0, height, rows):
        yield start, picture.crop((0, start, width, min(start + rows, height)))


def _on_white(band: Image.Image) -> Image.Image:
    if band.has_transparency_data:
        rgba = band.convert("RGBA")
        band = Image.alpha_composite(Image.new("RGBA", rgba.size, (255, 255, 255, 255)), rgba)
    return band if band.mode == "RGB" else band.convert("RGB")


def _low_and_span(picture: Image.Image) -> tuple[float, float]:
    """What becomes black, and how far white is above it. Whole numbers: the range of 8 or 16 bits; floats: up to 1 or
    up to 255; all else its own range.
    """
    if picture.mode.startswith("I;16"):
        return 0.0, 65535.0
    ends = [(float(values_HW.min()), float(values_HW.max())) for values_HW in _finite_bands(picture)]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    usual_spans = (1.0, 255.0) if picture.mode == "F" else (255.0, 65535.0)
    usual = next((span for span in usual_spans if low >= 0 and high <= span), None)
    return (0.0, usual) if usual is not None else (low, max(high - low, 1e-30))


def _finite_bands(picture: Image.Image) -> Iterator[np.ndarray]:
    return (_finite_HW(np.asarray(band)) for _, band in _bands(picture))


def _finite_HW(values_HW: np.ndarray) -> np.ndarray:
    """What is no number is dark, as 0 is; mended first, since converting some of them makes numpy warn."""
    return np.nan_to_num(values_HW, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float64)


def _eight_bit_HW(values_HW: np.ndarray, low: float, span: float) -> np.ndarray:
    return np.rint((_finite_HW(values_HW) - low) / span * 255).clip(0, 255).astype(np.uint8)
