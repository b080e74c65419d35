"""TIFF files of one directory, written entry by entry, so that it may lie."""

import struct

WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, SAMPLES = 256, 257, 258, 259, 262, 277
STRIP_OFFSETS, ROWS_PER_STRIP, STRIP_BYTES = 273, 278, 279
TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, TILE_BYTES = 322, 323, 324, 325
NONE, LZW, JPEG, DEFLATE, PACKBITS = 1, 5, 7, 8, 32773
ASCII, LONG = 2, 4

Entry = tuple[int, int, int, int]


def tiff(entries: list[Entry], data: bytes = b"") -> bytes:
    """(tag, type, count, value or offset), little-endian; `data` follows the directory."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + bytes(4) + data


def grey_tiff(width: int, height: int, *more: Entry, compression: int = NONE, samples: int = 1) -> bytes:
    """8-bit grey with whatever layout `more` claims."""
    entries = [
        (WIDTH, LONG, 1, width),
        (LENGTH, LONG, 1, height),
        (BITS, LONG, 1, 8),
        (COMPRESSION, LONG, 1, compression),
    ]
    return tiff([*entries, (PHOTOMETRIC, LONG, 1, 1), (SAMPLES, LONG, 1, samples), *more], bytes(200))


def in_strips(rows: int, *, offset: int = 8, num_bytes: int = 100, count: int = 1) -> list[Entry]:
    return [
        (STRIP_OFFSETS, LONG, count, offset),
        (ROWS_PER_STRIP, LONG, 1, rows),
        (STRIP_BYTES, LONG, count, num_bytes),
    ]


def in_tiles(width: int, height: int) -> list[Entry]:
    sides = [(TILE_WIDTH, LONG, 1, width), (TILE_LENGTH, LONG, 1, height)]
    return [*sides, (TILE_OFFSETS, LONG, 1, 8), (TILE_BYTES, LONG, 1, 100)]
