"""A label map as a tiled TIFF, written band by band: class indices with a palette, whatever the size of the picture."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from mereo.atomic_files import atomic_path
from mereo.drawing.label_png import MAX_PALETTE
from mereo.errors import BadInput

TILE = 512
CLASSIC_LIMIT = 2**32 - 2**24  # Offsets of a plain TIFF have 32 bits; beyond, BigTIFF has 64.
SHORT, LONG, LONG8 = 3, 4, 16
DEFLATE, MIN_IS_BLACK, PALETTE = 8, 1, 3


@contextmanager
def label_tiff(path: str | Path, size: tuple[int, int], colours_K3: np.ndarray) -> Iterator["LabelTiff"]:
    """`write` its rows from top to bottom; the file is in its place when the block ends, and not before."""
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        tiff = LabelTiff(file, size, colours_K3)
        yield tiff
        tiff.finish()


class LabelTiff:
    """Tiles go to the file as soon as their rows are whole; the directory that says where they lie comes last."""

    def __init__(self, file: IO[bytes], size: tuple[int, int], colours_K3: np.ndarray) -> None:
        self.file, self.size, self.colours_K3 = file, size, colours_K3
        self.has_palette = len(colours_K3) <= MAX_PALETTE
        self.dtype = np.dtype(np.uint8 if self.has_palette else "<u2")
        self.columns = -(-size[1] // TILE)
        num_tiles = self.columns * -(-size[0] // TILE)
        # Deflate never grows a tile by more than a thousandth.
        self.is_big = num_tiles * TILE * TILE * self.dtype.itemsize * 1.001 + 16 * num_tiles > CLASSIC_LIMIT
        self.offsets: list[int] = []
        self.num_bytes: list[int] = []
        self.rows_written = 0
        self._waiting = np.zeros((0, size[1]), dtype=self.dtype)
        file.write(b"II" + (struct.pack("<HHHQ", 43, 8, 0, 0) if self.is_big else struct.pack("<HI", 42, 0)))

    def write(self, label_HW: np.ndarray) -> None:
        """The next rows."""
        height, width = self.size
        if label_HW.ndim != 2 or label_HW.shape[1] != width or self.rows_written + len(label_HW) > height:
            raise BadInput(
                f"rows of a label map must fit into {width}x{height}, but got {label_HW.shape} after "
                f"{self.rows_written} rows; pass them from top to bottom."
            )
        if label_HW.size and not 0 <= int(label_HW.min()) <= int(label_HW.max()) < len(self.colours_K3):
            raise BadInput(
                f"a label map must hold indices from 0 to {len(self.colours_K3) - 1}, but got "
                f"{int(label_HW.min())}..{int(label_HW.max())}; pass the taxonomy it belongs to."
            )
        self.rows_written += len(label_HW)
        self._waiting = np.concatenate([self._waiting, label_HW.astype(self.dtype)])
        while len(self._waiting) >= TILE or (self.rows_written == height and len(self._waiting)):
            self._write_row_of_tiles(self._waiting[:TILE])
            self._waiting = self._waiting[TILE:]

    def finish(self) -> None:
        if self.rows_written != self.size[0]:
            raise BadInput(
                f"a label map must have all its rows, but got {self.rows_written} of {self.size[0]}; write the rest."
            )
        entries = self._entries()
        pointer, entry = ("<Q", "<HHQ") if self.is_big else ("<I", "<HHI")
        inline = struct.calcsize(pointer)
        placed = []
        for tag, kind, values in entries:
            content = struct.pack(f"<{len(values)}{ {SHORT: 'H', LONG: 'I', LONG8: 'Q'}[kind] }", *values)
            if len(content) > inline:
                content = struct.pack(pointer, self._append(content))
            placed.append(struct.pack(entry, tag, kind, len(values)) + content.ljust(inline, b"\0"))
        count = struct.pack("<Q" if self.is_big else "<H", len(placed))
        directory = self._append(count + b"".join(placed) + struct.pack(pointer, 0))
        self.file.seek(8 if self.is_big else 4)
        self.file.write(struct.pack(pointer, directory))

    def _write_row_of_tiles(self, rows_HW: np.ndarray) -> None:
        for left in range(0, self.size[1], TILE):
            part = rows_HW[:, left : left + TILE]
            # Tiles are stored whole; what lies over the picture's edge is 0.
            tile = np.zeros((TILE, TILE), dtype=self.dtype)
            tile[: part.shape[0], : part.shape[1]] = part
            content = zlib.compress(tile.tobytes(), 1)
            self.num_bytes.append(len(content))
            self.offsets.append(self._append(content))

    def _append(self, content: bytes) -> int:
        """Where it went: at the end, on an even byte, as the format asks."""
        offset = self.file.seek(0, 2)
        if offset % 2:
            self.file.write(b"\0")
            offset += 1
        self.file.write(content)
        return offset

    def _entries(self) -> list[tuple[int, int, list[int]]]:
        """(tag, type, values), by tag."""
        long = LONG8 if self.is_big else LONG
        entries = [
            (256, LONG, [self.size[1]]),
            (257, LONG, [self.size[0]]),
            (258, SHORT, [8 * self.dtype.itemsize]),
            (259, SHORT, [DEFLATE]),
            (262, SHORT, [PALETTE if self.has_palette else MIN_IS_BLACK]),
            (277, SHORT, [1]),
            (322, SHORT, [TILE]),
            (323, SHORT, [TILE]),
            (324, long, self.offsets),
            (325, long, self.num_bytes),
        ]
        if self.has_palette:
            colours = np.zeros((MAX_PALETTE, 3), dtype=np.int64)
            colours[: len(self.colours_K3)] = self.colours_K3
            # All reds, then all greens, then all blues, in 16 bits.
            entries.append((320, SHORT, (colours.T.ravel() * 257).tolist()))
        return sorted(entries)
