"""EXIF orientation: which way up a picture is, and arrays turned by it."""

import numpy as np
from PIL import ExifTags, Image

TURNED_BY_A_QUARTER = (5, 6, 7, 8)


def exif_orientation(picture: Image.Image) -> int:
    """1 to 8; a missing, broken or impossible tag counts as 1, as it does in viewers."""
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # broken EXIF fails in many ways, and the pixels are still good.
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def turned(array_HW: np.ndarray, orientation: int) -> np.ndarray:
    """The array (any trailing axes) as EXIF orientation 1 to 8 asks for.

    >>> turned(np.array([[1, 2], [3, 4]]), 6).tolist()
    [[3, 1], [4, 2]]
    """
    if orientation in TURNED_BY_A_QUARTER:
        array_HW = np.swapaxes(array_HW, 0, 1)
    # After the transposition, each orientation is a reflection of rows, columns, both or none.
    if orientation in (3, 4, 7, 8):
        array_HW = array_HW[::-1]
    if orientation in (2, 3, 6, 7):
        array_HW = array_HW[:, ::-1]
    return np.ascontiguousarray(array_HW)


def view_as_stored(turned_HW: np.ndarray, orientation: int) -> np.ndarray:
    """The steps of `turned` backwards, as a view: what is written to it as stored is turned where it lies.

    >>> view_as_stored(np.array([[3, 1], [4, 2]]), 6).tolist()
    [[1, 2], [3, 4]]
    """
    if orientation in (2, 3, 6, 7):
        turned_HW = turned_HW[:, ::-1]
    if orientation in (3, 4, 7, 8):
        turned_HW = turned_HW[::-1]
    return np.swapaxes(turned_HW, 0, 1) if orientation in TURNED_BY_A_QUARTER else turned_HW
