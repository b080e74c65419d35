"""Small files that ask for much: `BOMBS` must be refused for little memory, `HARMLESS` must be read for as little."""

import functools
import struct
import zlib
from collections.abc import Callable

import numpy as np
from bad_images import WHOLE
from picture_making import saved
from PIL import Image
from png_bytes import END, GREY, chunk, header, png_of_rows
from tiff_bytes import (
    ASCII,
    DEFLATE,
    JPEG,
    LONG,
    LZW,
    PACKBITS,
    STRIP_BYTES,
    STRIP_OFFSETS,
    grey_tiff,
    in_strips,
    in_tiles,
)

TOO_LARGE = "an image must have at most 64,000,000 pixels, but got {size} in .*; make it smaller.$"
TOO_MUCH = "an image must have at most 64,000,000 pixels, but got more in .*; make it smaller.$"
DAMAGED = "an image must (have a sound header|be complete and undamaged|be JPEG, PNG, WEBP, TIFF, BMP, GIF), but got "
ONE_ROW = b"\0\1\2\3"
HUGE = 2**32 - 1


@functools.cache
def packed_zeros(num_bytes: int) -> bytes:
    """Without ever holding them."""
    packer, block = zlib.compressobj(9), bytes(1 << 20)
    parts = [packer.compress(block[: min(len(block), num_bytes - at)]) for at in range(0, num_bytes, len(block))]
    return b"".join(parts) + packer.flush()


def _png_of_zeros(width: int, height: int) -> bytes:
    """A whole, valid, uniformly black PNG."""
    return header(width, height, colour=GREY) + chunk(b"IDAT", packed_zeros((width + 1) * height)) + END


def _png_with(before: bytes = b"", after: bytes = b"") -> bytes:
    return png_of_rows(ONE_ROW, 1, 1, before=before, after=after)


def _webp(kind: bytes, data: bytes) -> bytes:
    body = b"WEBP" + kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _webp_canvas(width: int, height: int) -> bytes:
    return _webp(b"VP8X", bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"))


def _gif(width: int, height: int, frames: bytes) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + bytes(3) + b"\xff" * 3 + frames + b";"


def _gif_frame(left: int, top: int, width: int, height: int) -> bytes:
    return b"," + struct.pack("<HHHH", left, top, width, height) + b"\0\x02\x02\x44\x01\0"


def _bmp(width: int, height: int, *, bits: int = 24, compression: int = 0, colours: int = 0) -> bytes:
    return b"BM" + struct.pack(
        "<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, width, height, 1, bits, compression, 0, 0, 0, colours, 0
    )


def _jpeg_of_size(width: int, height: int) -> bytes:
    content = bytearray(WHOLE["jpg"](np.random.default_rng(0)))
    at = content.index(b"\xff\xc0") + 5
    content[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(content)


def _jpeg_of_scans(repeated: int) -> bytes:
    """Each scan is a pass over all pixels, and costs a hundred bytes where nothing is in it."""
    content = saved(Image.new("RGB", (64, 64)), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * repeated + content[-2:]


def _many_tags(count: int) -> list[tuple[int, int, int, int]]:
    """Each claims the same hundred thousand bytes."""
    return [(40000 + at, ASCII, 100_000, 8) for at in range(count)]


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "png of a huge header": (
        lambda: header(60000, 60000) + chunk(b"IDAT", b"") + END,
        TOO_LARGE.format(size="60000x60000"),
    ),
    "png of 2^31": (
        lambda: header(2**31 - 1, 2**31 - 1) + chunk(b"IDAT", b"") + END,
        TOO_LARGE.format(size="2147483647x2147483647"),
    ),
    "png of black": (lambda: _png_of_zeros(8001, 8000), TOO_LARGE.format(size="8001x8000")),
    "png of too much text": (lambda: _png_with(chunk(b"zTXt", b"a\0\0" + packed_zeros(4 * 10**7))), DAMAGED),
    "png of too much text behind": (
        lambda: _png_with(b"", chunk(b"zTXt", b"a\0\0" + packed_zeros(4 * 10**7))),
        DAMAGED,
    ),
    "png of too much unicode": (
        lambda: _png_with(chunk(b"iTXt", b"a\0\1\0\0\0" + packed_zeros(4 * 10**7))),
        DAMAGED,
    ),
    "png of a huge profile": (lambda: _png_with(chunk(b"iCCP", b"a\0\0" + packed_zeros(4 * 10**7))), DAMAGED),
    "png of many texts": (lambda: _png_with(chunk(b"zTXt", b"a\0\0" + packed_zeros(10**6)) * 70), DAMAGED),
    "png of a chunk of 2 GB": (lambda: header(1, 1) + struct.pack(">I", 2**31 - 1) + b"tEXta", DAMAGED),
    "webp canvas": (lambda: _webp_canvas(16384, 16384), TOO_LARGE.format(size="16384x16384")),
    "webp canvas of 2^24": (lambda: _webp_canvas(2**24, 2**24), TOO_LARGE.format(size="16777216x16777216")),
    "lossless webp": (
        lambda: _webp(b"VP8L", b"\x2f" + struct.pack("<I", 0x3FFF | 0x3FFF << 14) + bytes(20)),
        TOO_LARGE.format(size="16384x16384"),
    ),
    "lossy webp": (
        lambda: _webp(b"VP8 ", b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", 0x3FFF, 0x3FFF) + bytes(20)),
        TOO_LARGE.format(size="16383x16383"),
    ),
    "gif of a huge header": (lambda: _gif(65535, 65535, _gif_frame(0, 0, 1, 1)), TOO_MUCH),
    "gif that outgrows its header": (lambda: _gif(1, 1, _gif_frame(60000, 60000, 5000, 5000)), TOO_MUCH),
    "gif that leaves much behind": (
        lambda: _gif(1, 1, b"!\xf9\4\x08\0\0\0\0" + _gif_frame(0, 0, 65535, 65535)),
        TOO_MUCH,
    ),
    "bmp of a huge header": (lambda: _bmp(2**30, 2**30), TOO_LARGE.format(size="1073741824x1073741824")),
    "bmp of minus five columns": (lambda: _bmp(-5, 5), "an image must have at "),
    "bmp of two billion colours": (lambda: _bmp(5, 5, bits=8, colours=2**31), DAMAGED),
    "bmp of a huge info": (lambda: b"BM" + bytes(8) + b"\x36\0\0\0" + struct.pack("<I", HUGE) + bytes(40), DAMAGED),
    "bmp of runs": (lambda: _bmp(7000, 7000, bits=8, compression=1) + b"\0\2\xff\xff" * 50, DAMAGED),
    "jpeg of a huge header": (lambda: _jpeg_of_size(65500, 65500), TOO_LARGE.format(size="65500x65500")),
    "jpeg of many scans": (lambda: _jpeg_of_scans(3000), "a JPEG must have at most 500 scans, but got 30.. in "),
    "tiff of a huge header": (
        lambda: grey_tiff(60000, 60000, *in_strips(60000)),
        TOO_LARGE.format(size="60000x60000"),
    ),
    "tiff of 2^32": (lambda: grey_tiff(HUGE, HUGE, *in_strips(HUGE)), TOO_LARGE.format(size=f"{HUGE}x{HUGE}")),
    "tiff of too many samples": (lambda: grey_tiff(9, 9, *in_strips(9), samples=HUGE), DAMAGED),
    "tiff of too many strips": (
        lambda: grey_tiff(9, 9, *in_strips(1, count=HUGE, offset=8, num_bytes=8), compression=LZW),
        DAMAGED,
    ),
    "tiff of strips in another file": (
        lambda: grey_tiff(9, 9, (STRIP_OFFSETS, LONG, 1, HUGE), (STRIP_BYTES, LONG, 1, HUGE), compression=LZW),
        DAMAGED,
    ),
}
for _name, _compression in (("lzw", LZW), ("jpeg", JPEG), ("deflate", DEFLATE), ("packbits", PACKBITS)):
    BOMBS[f"tiff of huge tiles, {_name}"] = (
        functools.partial(grey_tiff, 10, 10, *in_tiles(16000, 16000), compression=_compression),
        "tiles of a TIFF must have at most 64,000,000 pixels, but got 16000x16000 in ",
    )
    BOMBS[f"tiff of a huge strip, {_name}"] = (
        functools.partial(grey_tiff, 10, 10, *in_strips(HUGE, num_bytes=HUGE), compression=_compression),
        DAMAGED,
    )

HARMLESS: dict[str, Callable[[], bytes]] = {
    "png with more pixels than it says": lambda: header(1, 1) + chunk(b"IDAT", packed_zeros(4 * 10**7)) + END,
    "gif of many frames": lambda: _gif(900, 900, _gif_frame(0, 0, 1, 1) * 20000),
    "gif that leaves little behind": lambda: _gif(9, 9, b"!\xf9\4\x08\0\0\0\0" + _gif_frame(0, 0, 1, 1)),
    "gif that outgrows itself later": lambda: _gif(
        1, 1, _gif_frame(0, 0, 1, 1) + _gif_frame(60000, 60000, 5000, 5000) * 99
    ),
    "jpeg of some scans": lambda: _jpeg_of_scans(400),
    "tiff of many tags": lambda: grey_tiff(10, 10, *in_strips(10), *_many_tags(3000)) + bytes(100_000),
    "tiff of a strip longer than itself": lambda: grey_tiff(10, 10, *in_strips(HUGE, num_bytes=HUGE)),
}
