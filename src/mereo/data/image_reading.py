"""The one place where picture files are opened: known formats, size before decoding, EXIF turned, 8-bit RGB."""

import io
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from PIL import ExifTags, Image

from mereo.errors import BadEnvironment, BadInput

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif")
MAX_PIXELS = 64_000_000
TURNED_BY_A_QUARTER = (5, 6, 7, 8)
_PILLOW_LIMIT_LOCK = threading.Lock()


def read_image(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """A picture as H W 3 uint8, the way a viewer shows it: turned by EXIF, transparency on white, first frame."""
    with open_picture(path, max_pixels=max_pixels) as picture:
        return _decoded_HW3(picture, name=str(path))


def decode_image(content: bytes, *, name: str = "the upload", max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The same for bytes that never were a file."""
    with _opened(io.BytesIO(content), name=name, max_pixels=max_pixels) as picture:
        return _decoded_HW3(picture, name=name)


def image_size(path: str | Path, *, max_pixels: int | None = None) -> tuple[int, int]:
    """Height and width after EXIF turning, from the header alone."""
    with open_picture(path, max_pixels=max_pixels) as picture:
        width, height = picture.size
        # Pillow gives a TIFF's turned size already.
        is_quarter_turned = picture.format != "TIFF" and exif_orientation(picture) in TURNED_BY_A_QUARTER
    return (width, height) if is_quarter_turned else (height, width)


@contextmanager
def open_picture(path: str | Path, *, max_pixels: int | None = MAX_PIXELS) -> Iterator[Image.Image]:
    """A checked, not yet decoded Pillow image. Everything that Mereo reads, label maps too, comes through here."""
    path = Path(path)
    try:
        mode = path.stat().st_mode
        # A named pipe or device would block or never end, so it is refused before it is opened.
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "a device, pipe or socket"
            raise BadInput(f"an image must be a regular file, but got {kind} in {str(path)!r}; name a picture file.")
        file = open(path, "rb")
    except (OSError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(
            f"an image must be a readable file, but got {reason} in {_shown(path)}; check its name and permissions."
        ) from error
    with file, _opened(file, name=_shown(path), max_pixels=max_pixels) as picture:
        yield picture


def exif_orientation(picture: Image.Image) -> int:
    """1 to 8; a missing, broken or impossible tag counts as 1, as it does in viewers."""
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # broken EXIF fails in many ways, and the pixels are still good.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


@contextmanager
def decoding_errors_named(name: str) -> Iterator[None]:
    """Pillow's decoders fail with almost any exception type on broken bytes; a user gets one kind, with the file."""
    try:
        yield
    except (BadInput, BadEnvironment):
        raise
    except MemoryError as error:
        raise BadEnvironment(
            f"memory must hold the decoded picture, but got none in {name}; close programs or shrink it."
        ) from error
    except Exception as error:
        raise BadInput(
            f"an image must be complete and undamaged, but got {_first_line(error)} in {name}; save or copy it again."
        ) from error


@contextmanager
def _opened(file: IO[bytes], *, name: str, max_pixels: int | None) -> Iterator[Image.Image]:
    try:
        with _without_pillow_limit():
            picture = Image.open(file, formats=FORMATS)
    except Image.UnidentifiedImageError as error:
        got = "an empty file" if file.seek(0, io.SEEK_END) == 0 else "bytes of no known format"
        raise BadInput(f"an image must be {', '.join(FORMATS)}, but got {got} in {name}; convert it first.") from error
    except Exception as error:  # a broken header, in any of six formats.
        raise BadInput(
            f"an image must have a sound header, but got {_first_line(error)} in {name}; save or copy it again."
        ) from error
    with picture:
        width, height = picture.size
        if width < 1 or height < 1:
            raise BadInput(f"an image must have at least one pixel, but got {width}x{height} in {name}; save it again.")
        if max_pixels is not None and width * height > max_pixels:
            raise BadInput(
                f"an image must have at most {max_pixels:,} pixels, but got {width}x{height} in {name}; "
                "raise --max-pixels, or parse it in pieces with --tile."
            )
        yield picture


@contextmanager
def _without_pillow_limit() -> Iterator[None]:
    """Pillow's own limit is global and its message names no file; ours is checked right after the header is read."""
    with _PILLOW_LIMIT_LOCK:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _decoded_HW3(picture: Image.Image, *, name: str) -> np.ndarray:
    with decoding_errors_named(name):
        picture.load()
        orientation = exif_orientation(picture)  # After load: Pillow turns a TIFF while loading it, and drops the tag.
        rgb_HW3 = _rgb_HW3(picture)
    return turned(rgb_HW3, orientation)


def turned(array_HW: np.ndarray, orientation: int) -> np.ndarray:
    """The array (any trailing axes) as EXIF orientation 1 to 8 asks for.

    >>> turned(np.array([[1, 2], [3, 4]]), 6).tolist()
    [[3, 1], [4, 2]]
    """
    if orientation in TURNED_BY_A_QUARTER:
        array_HW = np.swapaxes(array_HW, 0, 1)
    # After the transposition, each orientation is a reflection of rows, columns, both or none.
    if orientation in (3, 4, 7, 8):
        array_HW = array_HW[::-1]
    if orientation in (2, 3, 6, 7):
        array_HW = array_HW[:, ::-1]
    return np.ascontiguousarray(array_HW)


def _rgb_HW3(picture: Image.Image) -> np.ndarray:
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        grey_HW = _eight_bit_HW(np.asarray(picture))
        return np.repeat(grey_HW[..., None], 3, axis=-1)
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, rgba)
    return np.array(picture.convert("RGB"))


def _eight_bit_HW(wide_HW: np.ndarray) -> np.ndarray:
    """16-bit and whole-number pictures by the range of 16 bits; floats by 1, by 255, or else by their own range."""
    if wide_HW.dtype == np.uint16:
        return ((wide_HW.astype(np.uint32) + 128) // 257).astype(np.uint8)
    values_HW = np.nan_to_num(wide_HW.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values_HW.min()), float(values_HW.max())
    is_float = wide_HW.dtype.kind == "f"
    usual_ranges = (1.0, 255.0) if is_float else (255.0, 65535.0)
    scale = next((top for top in usual_ranges if low >= 0 and high <= top), None)
    if scale is None:
        values_HW, scale = values_HW - low, max(high - low, 1e-30)
    return np.rint(values_HW / scale * 255).clip(0, 255).astype(np.uint8)


def _shown(path: Path) -> str:
    """A name for an error line: quoted where it would break the line, and shortened."""
    text = str(path)
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= 300 else f"{text[:140]}...{text[-140:]}"


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0][:200] if lines and lines[0] else type(error).__name__
