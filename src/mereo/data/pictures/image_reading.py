"""The one place where picture files are opened: known formats, size before decoding, EXIF turned, 8-bit RGB."""

import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from mereo.data.pictures.decoding_bounds import (
    MAKE_SMALLER,
    require_bounded_canvas,
    require_bounded_scans,
    require_bounded_size,
    require_bounded_tiles,
    too_many_pixels,
)
from mereo.data.pictures.eight_bit_rgb import upright_rgb_HW3
from mereo.data.pictures.orientation import TURNED_BY_A_QUARTER, exif_orientation
from mereo.data.pictures.picture_formats import FORMATS, START_BYTES, kind_of_content
from mereo.data.pictures.quiet_pillow import pixel_limit, quiet_pillow
from mereo.errors import BadEnvironment, BadInput
from mereo.picture_sizes import MAX_PIXELS

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif")


def read_image(path: str | Path, *, max_pixels: int = MAX_PIXELS, advice: str = MAKE_SMALLER) -> np.ndarray:
    """A picture as H W 3 uint8, the way a viewer shows it: turned by EXIF, transparency on white, first frame.

    `advice` ends the error about a picture beyond the cap.
    """
    with open_picture(path, max_pixels=max_pixels, advice=advice) as picture:
        return _decoded_HW3(picture, name=str(path))


def decode_image(content: bytes, *, name: str = "the upload", max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The same for bytes that never were a file."""
    with _opened(io.BytesIO(content), name=name, max_pixels=max_pixels) as picture:
        return _decoded_HW3(picture, name=name)


def decode_preview(content: bytes, *, side: int, name: str, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """The same with at most `side` pixels a side. Of a large JPEG only half, a quarter or an eighth of each side is
    decoded, which takes a fraction of the time."""
    with _opened(io.BytesIO(content), name=name, max_pixels=max_pixels) as picture:
        share = 2 * side / max(picture.size)  # Twice as large, so that the rest is averaged well.
        if share < 1:
            with decoding_errors_named(name):
                picture.draft(None, (max(1, round(picture.width * share)), max(1, round(picture.height * share))))
        preview = Image.fromarray(_decoded_HW3(picture, name=name))
    preview.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(preview).copy()


def image_size(path: str | Path, *, max_pixels: int | None = None) -> tuple[int, int]:
    """Height and width after EXIF turning, from the header alone."""
    with open_picture(path, max_pixels=max_pixels) as picture:
        width, height = picture.size
        # Pillow gives a TIFF's turned size already.
        is_quarter_turned = picture.format != "TIFF" and exif_orientation(picture) in TURNED_BY_A_QUARTER
    return (width, height) if is_quarter_turned else (height, width)


@contextmanager
def open_picture(
    path: str | Path, *, max_pixels: int | None = MAX_PIXELS, advice: str = MAKE_SMALLER
) -> Iterator[Image.Image]:
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
    with file, _opened(file, name=_shown(path), max_pixels=max_pixels, advice=advice) as picture:
        yield picture


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
            f"an image must be complete and undamaged, but got one that is not ({_first_line(error)}) in {name}; save "
            "or copy it again."
        ) from error


@contextmanager
def _opened(file: IO[bytes], *, name: str, max_pixels: int | None, advice: str = MAKE_SMALLER) -> Iterator[Image.Image]:
    with quiet_pillow():
        require_bounded_canvas(file, name=name, max_pixels=max_pixels, advice=advice)
        try:
            picture = _open_by_pillow(file, most_pixels=max_pixels or MAX_PIXELS)
        except Image.DecompressionBombError as error:
            raise too_many_pixels("more", name=name, max_pixels=max_pixels or MAX_PIXELS, advice=advice) from error
        except Image.UnidentifiedImageError as error:
            file.seek(0)
            kind = kind_of_content(file.read(START_BYTES))
            raise BadInput(
                f"an image must be {', '.join(FORMATS)}, but got {kind} in {name}; save it anew as one of these."
            ) from error
        except Exception as error:  # a broken header, in any of six formats.
            raise BadInput(
                f"an image must have a sound header, but got {_first_line(error)} in {name}; save or copy it again."
            ) from error
        with picture:
            require_bounded_size(*picture.size, name=name, max_pixels=max_pixels, advice=advice)
            require_bounded_tiles(picture, name=name, max_pixels=max_pixels)
            yield picture


def _open_by_pillow(file: IO[bytes], *, most_pixels: int) -> Image.Image:
    file.seek(0)
    is_gif = file.read(4) == b"GIF8"
    # Only of a GIF does Pillow, while it opens it, hold pixels: those that the first frame leaves behind.
    with pixel_limit(most_pixels) if is_gif else nullcontext():
        return Image.open(file, formats=FORMATS)


def _decoded_HW3(picture: Image.Image, *, name: str) -> np.ndarray:
    with decoding_errors_named(name):
        require_bounded_scans(picture, name=name)
        picture.load()
        # After load: Pillow turns a TIFF while loading it, and drops the tag.
        return upright_rgb_HW3(picture, exif_orientation(picture))


def _shown(path: Path) -> str:
    """A name for an error line: quoted where it would break the line, and shortened."""
    text = str(path)
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= 300 else f"{text[:140]}...{text[-140:]}"


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0][:200] if lines and lines[0] else type(error).__name__
