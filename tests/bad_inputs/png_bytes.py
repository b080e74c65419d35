"""PNG files written chunk by chunk, for kinds that Pillow does not write and for chunks that it would refuse."""

import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, GREY_ALPHA, RGBA = 0, 2, 4, 6
END = b"\0\0\0\0IEND\xaeB`\x82"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width: int, height: int, *, bits: int = 8, colour: int = RGB) -> bytes:
    return SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))


def png_of_rows(
    rows: bytes, width: int, height: int, *, bits: int = 8, colour: int = RGB, before: bytes = b"", after: bytes = b""
) -> bytes:
    """`rows` as in the file: each with its filter byte. `before` and `after` are chunks around the pixels."""
    pixels = chunk(b"IDAT", zlib.compress(rows, 9))
    return header(width, height, bits=bits, colour=colour) + before + pixels + after + END


def png_of_array(array_HWC: np.ndarray, *, colour: int, **others: bytes) -> bytes:
    """uint8 or uint16, with as many channels as `colour` has."""
    height, width = array_HWC.shape[:2]
    bits = 8 * array_HWC.dtype.itemsize
    big_endian = array_HWC.astype(array_HWC.dtype.newbyteorder(">"))
    rows = b"".join(b"\0" + row.tobytes() for row in big_endian)
    return png_of_rows(rows, width, height, bits=bits, colour=colour, **others)
