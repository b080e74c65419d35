"""Small files that cost much to decode are refused by their headers: pixels, tiles and scans are bounded."""

import io
from typing import IO

from PIL import Image

from mereo.errors import BadInput, TooManyPixels

# Encoders write about ten; the format allows any number, and each costs a pass over all pixels.
MAX_JPEG_SCANS = 500
TILE_WIDTH, TILE_LENGTH = 322, 323
START_OF_SCAN = b"\xff\xda"
BLOCK_BYTES = 1 << 20
# What every user can do about a picture beyond the cap. A command that can raise the cap says how.
MAKE_SMALLER = "make it smaller"


def require_bounded_canvas(file: IO[bytes], *, name: str, max_pixels: int | None, advice: str = MAKE_SMALLER) -> None:
    """Before Pillow opens it: its WEBP decoder takes memory for the whole canvas at once."""
    file.seek(0)
    size = webp_size(file.read(30))
    if size is not None:
        require_bounded_size(*size, name=name, max_pixels=max_pixels, advice=advice)


def require_bounded_size(
    width: int, height: int, *, name: str, max_pixels: int | None, advice: str = MAKE_SMALLER
) -> None:
    if width < 1 or height < 1:
        raise BadInput(f"an image must have at least one pixel, but got {width}x{height} in {name}; save it again.")
    if max_pixels is not None and width * height > max_pixels:
        raise too_many_pixels(f"{width}x{height}", name=name, max_pixels=max_pixels, advice=advice)


def too_many_pixels(got: str, *, name: str, max_pixels: int, advice: str) -> TooManyPixels:
    return TooManyPixels(f"an image must have at most {max_pixels:,} pixels, but got {got} in {name}; {advice}.")


def require_bounded_tiles(picture: Image.Image, *, name: str, max_pixels: int | None) -> None:
    """A TIFF's tile is decoded whole, however little of it lies in the picture."""
    tags = getattr(picture, "tag_v2", {})
    width, length = tags.get(TILE_WIDTH), tags.get(TILE_LENGTH)
    if not isinstance(width, int) or not isinstance(length, int) or max_pixels is None:
        return
    if width * length > max_pixels:
        raise BadInput(
            f"tiles of a TIFF must have at most {max_pixels:,} pixels, but got {width}x{length} in {name}; "
            "save it again."
        )


def require_bounded_scans(picture: Image.Image, *, name: str) -> None:
    """Right before decoding, since the whole file is read."""
    file: IO[bytes] | None = getattr(picture, "fp", None)
    if picture.format not in ("JPEG", "MPO") or file is None:
        return
    scans = _count(file, START_OF_SCAN)
    if scans > MAX_JPEG_SCANS:
        raise BadInput(f"a JPEG must have at most {MAX_JPEG_SCANS} scans, but got {scans} in {name}; save it again.")


def webp_size(start: bytes) -> tuple[int, int] | None:
    """Width and height that the first 30 bytes of a WEBP tell; None for other files, and where they tell none."""
    if start[:4] != b"RIFF" or start[8:12] != b"WEBP" or len(start) < 30:
        return None
    kind = start[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(start[24:27], "little"), 1 + int.from_bytes(start[27:30], "little")
    if kind == b"VP8L" and start[20] == 0x2F:
        bits = int.from_bytes(start[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and start[23:26] == b"\x9d\x01\x2a":
        return int.from_bytes(start[26:28], "little") & 0x3FFF, int.from_bytes(start[28:30], "little") & 0x3FFF
    return None


def _count(file: IO[bytes], word: bytes) -> int:
    """How often two bytes stand in a file; its position stays."""
    position, count, before = file.tell(), 0, b""
    file.seek(0, io.SEEK_SET)
    while block := file.read(BLOCK_BYTES):
        count += (before + block).count(word)
        before = block[-1:]
    file.seek(position)
    return count
