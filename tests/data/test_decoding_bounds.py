"""Sizes and scans told from bytes, compared with what Pillow wrote."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mereo.data.pictures.decoding_bounds import (
    BLOCK_BYTES,
    MAX_JPEG_SCANS,
    START_OF_SCAN,
    require_bounded_scans,
    require_bounded_size,
    require_bounded_tiles,
    webp_size,
)
from mereo.data.pictures.image_reading import decode_image
from mereo.errors import BadInput, TooManyPixels


def saved(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, file_format, **options)
    return stream.getvalue()


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (16383, 2)])
@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {}),
        ("RGB", {"lossless": True}),
        ("RGBA", {}),
        ("RGBA", {"lossless": True}),
        ("RGB", {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}),
        ("RGB", {"save_all": True, "append_images": [Image.new("RGB", (1, 1))]}),
    ],
)
def test_webp_sizes(size: tuple[int, int], mode: str, options: dict[str, Any]) -> None:
    if "append_images" in options:
        options = options | {"append_images": [Image.new("RGB", size, (9, 9, 9))]}
    assert webp_size(saved(Image.new(mode, size), "WEBP", **options)[:30]) == size


def test_what_is_no_webp_has_no_size() -> None:
    whole = saved(Image.new("RGB", (5, 5)), "WEBP")
    for other in (b"", whole[:29], whole[:12] + b"VP8?" + whole[16:], saved(Image.new("RGB", (5, 5)), "PNG")):
        assert webp_size(other[:30]) is None


def test_sizes() -> None:
    require_bounded_size(4, 6, name="a", max_pixels=24)
    require_bounded_size(10**6, 10**6, name="a", max_pixels=None)
    with pytest.raises(TooManyPixels, match="at most 23 pixels, but got 4x6 in a; make it smaller."):
        require_bounded_size(4, 6, name="a", max_pixels=23)
    with pytest.raises(BadInput, match="at least one pixel, but got 0x6 in a"):
        require_bounded_size(0, 6, name="a", max_pixels=None)


def test_pixels_that_pillow_counts_are_told_alike() -> None:
    """Of a GIF it refuses what it would have to hold while it opens the file."""
    head = b"GIF89a" + (9).to_bytes(2, "little") * 2 + b"\x80\0\0" + bytes(6)
    frame = b"," + bytes(4) + (60_000).to_bytes(2, "little") * 2 + b"\0\x02\x02\x4c\x01\0"
    with pytest.raises(TooManyPixels, match="^an image must have at most 81 pixels, but got more in a; make it"):
        decode_image(head + frame + b";", name="a", max_pixels=81)


def test_tiles() -> None:
    picture = Image.open(io.BytesIO(saved(Image.new("RGB", (64, 64)), "TIFF", tiffinfo={322: 32, 323: 16})))
    picture.tag_v2[322], picture.tag_v2[323] = 30, 40  # type: ignore[attr-defined]
    require_bounded_tiles(picture, name="a", max_pixels=1200)
    require_bounded_tiles(picture, name="a", max_pixels=None)
    with pytest.raises(BadInput, match="tiles of a TIFF must have at most 1,199 pixels, but got 30x40 in a"):
        require_bounded_tiles(picture, name="a", max_pixels=1199)


@pytest.mark.parametrize("start", [2000, BLOCK_BYTES - 2, BLOCK_BYTES - 1, BLOCK_BYTES])
def test_scans_are_counted_wherever_they_lie(start: int) -> None:
    """Also where a marker lies on the seam of two blocks."""
    whole = saved(Image.fromarray(np.zeros((8, 8, 3), np.uint8)), "JPEG")
    padded = whole + bytes(start - len(whole))
    picture = Image.open(io.BytesIO(padded + START_OF_SCAN * MAX_JPEG_SCANS))
    assert picture.fp is not None
    picture.fp.seek(3)
    with pytest.raises(BadInput, match=f"at most {MAX_JPEG_SCANS} scans, but got {MAX_JPEG_SCANS + 1} in a"):
        require_bounded_scans(picture, name="a")
    assert picture.fp.tell() == 3
    assert decode_image(whole + START_OF_SCAN * (MAX_JPEG_SCANS - 1)).shape == (8, 8, 3)
    require_bounded_scans(Image.open(io.BytesIO(saved(Image.new("RGB", (2, 2)), "PNG"))), name="a")
