"""Rows of a TIFF that is too large to decode whole: only the tiles or strips that hold them are decoded.

Each tile is put into a small TIFF of its own, in memory, and read as any picture is: so every compression that Pillow
knows is known here, with the same checks.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import TiffImagePlugin

from mereo.data.pictures.image_reading import decode_image, open_picture
from mereo.errors import BadInput
from mereo.picture_sizes import MAX_PIXELS

MAX_SIDE = 200_000  # One band of tiles as wide as this still fits into a few GiB.
WIDTH, HEIGHT, BITS, COMPRESSION, ORIENTATION, PLANES = 256, 257, 258, 259, 274, 284
STRIP_OFFSETS, ROWS_PER_STRIP, STRIP_BYTES = 273, 278, 279
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 322, 323, 324, 325
SAMPLE_FORMAT = 339
# What a decoder must know of the pixels besides their number: colours, compression, bit order, JPEG tables, alpha.
COPIED_TAGS = (BITS, COMPRESSION, 262, 266, 277, PLANES, 292, 317, 320, 338, SAMPLE_FORMAT, 347, 529, 530, 531, 532)


@dataclass(frozen=True)
class _Grid:
    """Where pieces (tiles, or strips as wide as the picture) lie in the picture and in the file."""

    piece_height: int
    piece_width: int
    columns: int
    offsets: tuple[int, ...]
    num_bytes: tuple[int, ...]


class TiffBands:
    """`read` decodes each piece once if rows are asked for from top to bottom."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with open_picture(path, max_pixels=None) as picture:
            tags = getattr(picture, "tag_v2", None)
            if picture.format != "TIFF" or tags is None:
                raise BadInput(f"a picture to be read in bands must be a TIFF, but got {picture.format} in {path}.")
            self._tags = {tag: tags[tag] for tag in tags}
            self._types = dict(tags.tagtype)
            self._prefix: bytes = tags.prefix
        self._size = (int(self._tags[HEIGHT]), int(self._tags[WIDTH]))
        self._grid = self._checked_grid()
        self._decoded_rows: dict[int, np.ndarray] = {}

    @property
    def size(self) -> tuple[int, int]:
        return self._size

    def read(self, start: int, stop: int) -> np.ndarray:
        height = self._grid.piece_height
        needed = range(start // height, -(-stop // height))
        self._decoded_rows = {row: kept for row, kept in self._decoded_rows.items() if row in needed}
        with open(self.path, "rb") as file:
            for row in needed:
                if row not in self._decoded_rows:
                    self._decoded_rows[row] = self._decoded_row(file, row)
        parts = [self._decoded_rows[row][max(start - row * height, 0) : stop - row * height] for row in needed]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _decoded_row(self, file: Any, row: int) -> np.ndarray:
        grid, (height, width) = self._grid, self._size
        rows = min(grid.piece_height, height - row * grid.piece_height)
        row_HW3 = np.zeros((rows, width, 3), dtype=np.uint8)
        for column in range(grid.columns):
            number = row * grid.columns + column
            left = column * grid.piece_width
            if grid.num_bytes[number] == 0:
                continue  # A sparse file leaves empty pieces out; they are black.
            piece_HW3 = self._piece(file, number, rows)
            row_HW3[:, left : left + grid.piece_width] = piece_HW3[:rows, : width - left]
        return row_HW3

    def _piece(self, file: Any, number: int, rows: int) -> np.ndarray:
        grid = self._grid
        name = f"piece {number} of {self.path}"
        file.seek(grid.offsets[number])
        content = file.read(grid.num_bytes[number])
        if len(content) < grid.num_bytes[number]:
            raise BadInput(f"a TIFF must be complete, but got the file's end in {name}; copy it again.")
        # Tiles are stored whole, also over the picture's edge; the last strip is only as high as what is left.
        height = grid.piece_height if TILE_OFFSETS in self._tags else rows
        small = b"".join(self._small_tiff(content, width=grid.piece_width, height=height))
        return decode_image(small, name=name)

    def _small_tiff(self, content: bytes, *, width: int, height: int) -> Iterator[bytes]:
        directory = TiffImagePlugin.ImageFileDirectory_v2(prefix=self._prefix)
        for tag in COPIED_TAGS:
            if tag in self._tags:
                directory.tagtype[tag] = self._types[tag]
                directory[tag] = self._tags[tag]
        directory[WIDTH], directory[HEIGHT], directory[ROWS_PER_STRIP] = width, height, height
        directory[STRIP_OFFSETS], directory[STRIP_BYTES] = 0, len(content)
        yield self._prefix + struct.pack(">HI" if self._prefix == b"MM" else "<HI", 42, 8)
        yield directory.tobytes(8)  # Pillow adds where the directory ends to the strip's offset.
        yield content

    def _checked_grid(self) -> _Grid:
        (height, width), tags = self._size, self._tags
        if max(height, width) > MAX_SIDE:
            raise BadInput(f"a TIFF must have sides of at most {MAX_SIDE}, but got {width}x{height} in {self.path}.")
        bits, formats = _numbers(tags.get(BITS, 1)), _numbers(tags.get(SAMPLE_FORMAT, 1))
        if max(bits) > 16 or set(formats) != {1}:
            raise BadInput(
                f"a TIFF to be read in bands must hold whole numbers of up to 16 bits, but got {max(bits)} bits "
                f"(sample format {formats[0]}) in {self.path}; convert it."
            )
        if tags.get(PLANES, 1) != 1 or tags.get(ORIENTATION, 1) != 1:
            what = "separate planes" if tags.get(PLANES, 1) != 1 else f"orientation {tags[ORIENTATION]}"
            raise BadInput(
                f"a TIFF to be read in bands must be stored pixel by pixel and upright, but got {what} in {self.path}; "
                "convert it, or raise --max-pixels to have it read whole."
            )
        is_tiled = TILE_OFFSETS in tags
        piece_height = int(tags.get(TILE_HEIGHT, 0) if is_tiled else min(tags.get(ROWS_PER_STRIP, height), height))
        piece_width = int(tags.get(TILE_WIDTH, 0) if is_tiled else width)
        offsets = _numbers(tags.get(TILE_OFFSETS if is_tiled else STRIP_OFFSETS, ()))
        num_bytes = _numbers(tags.get(TILE_BYTES if is_tiled else STRIP_BYTES, ()))
        if not 0 < piece_height * piece_width <= MAX_PIXELS:
            raise BadInput(
                f"a TIFF to be read in bands must be stored in tiles or strips of at most {MAX_PIXELS:,} pixels, "
                f"but got {piece_width}x{piece_height} in {self.path}; rewrite it in tiles."
            )
        columns = -(-width // piece_width)
        expected = columns * -(-height // piece_height)
        if not expected == len(offsets) == len(num_bytes):
            raise BadInput(
                f"a TIFF must say where its {expected} tiles or strips lie, but got {len(offsets)} places and "
                f"{len(num_bytes)} lengths in {self.path}; write it again."
            )
        return _Grid(piece_height, piece_width, columns, offsets, num_bytes)


def _numbers(value: Any) -> tuple[int, ...]:
    return tuple(int(one) for one in value) if isinstance(value, tuple | list) else (int(value),)
