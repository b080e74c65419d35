"""Ids as the colours of a PNG (id = R + 256 G + 65536 B), written in bands of rows.

Not with Pillow: it tries five filters for each row, where "as the row above" is nearly always right for regions, and it
needs the whole picture at once. Here a map that is larger than memory may come band by band.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mereo.atomic_files import atomic_path
from mereo.errors import BadInput

MAX_ID = 2**24 - 1
BAND_PIXELS = 1 << 18
# Level 6 takes nearly twice as long, for files of some hundred kilobytes that become a third to a half smaller.
COMPRESSION_LEVEL = 1
_FILTER_UP = 2


def write_id_png(path: str | Path, ids_HW: np.ndarray) -> Path:
    """8-bit RGB. Equal maps give equal files."""
    if ids_HW.ndim != 2 or ids_HW.size == 0:
        raise BadInput(
            f"ids must stand in rows and columns, but got shape {ids_HW.shape} for {path}; pass one a pixel."
        )
    height, width = ids_HW.shape
    band_rows = max(1, BAND_PIXELS // width)
    with id_png(path, (height, width)) as png:
        for top in range(0, height, band_rows):
            png.write(ids_HW[top : top + band_rows])
    return Path(path)


@contextmanager
def id_png(path: str | Path, size: tuple[int, int]) -> Iterator["IdPng"]:
    """The same from bands of any height, top to bottom, that together have `size` (height, width)."""
    height, width = size
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        # 8 bits a channel, RGB, deflate, the five usual filters, not interlaced.
        file.write(_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)))
        png = IdPng(file, width=width, name=str(path))
        yield png
        if png.rows_written != height:
            raise BadInput(
                f"bands must add up to {height} rows, but got {png.rows_written} for {path}; pass each row once."
            )
        file.write(_chunk(b"IDAT", png.compressor.flush()))
        file.write(_chunk(b"IEND", b""))


class IdPng:
    """An open PNG of ids; see `id_png`."""

    def __init__(self, file: BinaryIO, *, width: int, name: str) -> None:
        self.file, self.width, self.name = file, width, name
        self.compressor = zlib.compressobj(COMPRESSION_LEVEL)
        self.rows_written = 0
        self._above_1N = np.zeros((1, 3 * width), dtype=np.uint8)

    def write(self, ids_hW: np.ndarray) -> None:
        rgb_hN = _colours(ids_hW, width=self.width, name=self.name)
        packed = self.compressor.compress(_filtered(rgb_hN, self._above_1N).data)
        if packed:
            self.file.write(_chunk(b"IDAT", packed))
        self._above_1N = rgb_hN[-1:]
        self.rows_written += len(rgb_hN)


def _colours(ids_hW: np.ndarray, *, width: int, name: str) -> np.ndarray:
    """Red, green, blue, red, ... of each row."""
    if ids_hW.dtype.kind not in "iu" or ids_hW.ndim != 2 or ids_hW.shape[1] != width or ids_hW.size == 0:
        raise BadInput(
            f"ids must be whole numbers in rows of {width}, but got {ids_hW.dtype} of shape {ids_hW.shape} for {name}; "
            "pass one id a pixel."
        )
    lowest, highest = int(ids_hW.min()), int(ids_hW.max())
    if lowest < 0 or highest > MAX_ID:
        raise BadInput(
            f"ids must lie between 0 and {MAX_ID} to be written as colours, but got {lowest}..{highest} for {name}; "
            "number the segments anew."
        )
    # The lowest byte of a little-endian number comes first, as red does in a pixel.
    bytes_hN = np.ascontiguousarray(ids_hW, dtype="<u4").view(np.uint8)
    return bytes_hN.reshape(-1, width, 4)[..., :3].reshape(-1, 3 * width)


def _filtered(rgb_hN: np.ndarray, above_1N: np.ndarray) -> np.ndarray:
    """Each row begins with its filter's number; then come the differences to the row above."""
    rows_hN = np.empty((len(rgb_hN), 1 + rgb_hN.shape[1]), dtype=np.uint8)
    rows_hN[:, 0] = _FILTER_UP
    np.subtract(rgb_hN[:1], above_1N, out=rows_hN[:1, 1:])
    np.subtract(rgb_hN[1:], rgb_hN[:-1], out=rows_hN[1:, 1:])
    return rows_hN


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
