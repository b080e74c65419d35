"""EXIF blocks written by hand, whole and broken, and what an orientation means, pixel by pixel."""

import struct

import numpy as np

START = b"Exif\0\0"
ORIENTATION = 0x0112
SHORT = 3


def exif_of_orientation(orientation: int) -> bytes:
    return START + _tiff_block([(ORIENTATION, SHORT, 1, orientation << 16)])


def _tiff_block(entries: list[tuple[int, int, int, int]], *, count: int | None = None, next_one: int = 0) -> bytes:
    """Big-endian, as most cameras write it. `count` may lie about the number of entries."""
    block = b"MM\0*" + struct.pack(">IH", 8, len(entries) if count is None else count)
    return block + b"".join(struct.pack(">HHII", *entry) for entry in entries) + struct.pack(">I", next_one)


BROKEN_EXIF: dict[str, bytes] = {
    "of zero bytes": START,
    "without a byte order": START + b"XX\0*\0\0\0\x08",
    "cut in its header": START + b"MM\0",
    "that points behind itself": START + b"MM\0*\xff\xff\xff\xff" + b"\xff" * 40,
    "with more entries than bytes": START + _tiff_block([(ORIENTATION, SHORT, 1, 1 << 16)], count=60000),
    "that points to itself": START + _tiff_block([(ORIENTATION, SHORT, 1, 1 << 16)], next_one=8),
    "with orientation 0": exif_of_orientation(0),
    "with orientation 9": exif_of_orientation(9),
    "with a text as orientation": START + _tiff_block([(ORIENTATION, 2, 4, 0x36363636)]),
    "with a fraction as orientation": START + _tiff_block([(ORIENTATION, 5, 1, 8)]),
    "with two billion orientations": START + _tiff_block([(ORIENTATION, SHORT, 2**31, 8)]),
    "with an unknown type": START + _tiff_block([(ORIENTATION, 999, 1, 6 << 16)]),
    "of noise": START + np.random.default_rng(7).bytes(300),
}


def shown_by_orientation(stored_HW3: np.ndarray, orientation: int) -> np.ndarray:
    """By the words of the standard: where the stored first row and first column lie in what is seen."""
    first_row, first_column = {
        1: ("top", "left"),
        2: ("top", "right"),
        3: ("bottom", "right"),
        4: ("bottom", "left"),
        5: ("left", "top"),
        6: ("right", "top"),
        7: ("right", "bottom"),
        8: ("left", "bottom"),
    }[orientation]
    height, width = stored_HW3.shape[:2]
    is_upright = first_row in ("top", "bottom")
    shown_HW3 = np.zeros((height, width, 3) if is_upright else (width, height, 3), dtype=stored_HW3.dtype)
    for row in range(height):
        for column in range(width):
            # The distance of a stored pixel from the side on which its first row (first column) is seen.
            from_first_row = row if first_row in ("top", "left") else height - 1 - row
            from_first_column = column if first_column in ("top", "left") else width - 1 - column
            at = (from_first_row, from_first_column) if is_upright else (from_first_column, from_first_row)
            shown_HW3[at] = stored_HW3[row, column]
    return shown_HW3
