"""A mask as other tools read it: COCO's compressed run lengths, rings around its pixels, or a PNG.

COCO writes each run length as its difference to the one before the last, five bits a letter, the lowest first: bit 6 of
a letter says that another one follows, and the topmost of the last five bits is the sign.
"""

from io import BytesIO

import numpy as np
from PIL import Image

from mereo.data.run_lengths import run_lengths
from mereo.shapes import require_shapes

FIRST_LETTER, BITS, MORE = 48, 5, 32


def compressed_counts(mask_HW: np.ndarray) -> str:
    """
    >>> compressed_counts(np.array([[0, 1], [1, 1]], dtype=bool))
    '13'
    """
    require_shapes(mask_HW=mask_HW)
    difference_R = run_lengths(mask_HW).counts
    # The first three stand as they are, the third too: COCO's own way.
    difference_R = np.concatenate([difference_R[:3], difference_R[3:] - difference_R[1:-2]])
    num_letters_R = np.ones(len(difference_R), dtype=np.int64)
    while (is_longer_R := (difference_R >> (BITS * num_letters_R - 1) != difference_R >> 63)).any():
        num_letters_R += is_longer_R
    place_L = np.arange(int(num_letters_R.max()))
    letter_RL = difference_R[:, None] >> BITS * place_L & MORE - 1
    letter_RL += np.where(place_L < num_letters_R[:, None] - 1, MORE, 0) + FIRST_LETTER
    return letter_RL[place_L < num_letters_R[:, None]].astype(np.uint8).tobytes().decode("ascii")


def polygons(mask_HW: np.ndarray) -> list[list[float]]:
    """Rings x0, y0, x1, y1, ... along the corners of pixels: pixel x, y reaches from x, y to x + 1, y + 1.

    A ring has corners only where it turns, and is not closed by its first one again. Outer rings run clockwise as one
    sees them, holes counter-clockwise, so that the shoelace sum (x0 * y1 - x1 * y0 + ...) of a hole is negative. Pixels
    that touch by a corner alone have rings of their own. Filled by the even-odd rule all rings together are the mask;
    whoever joins the rings, as COCO does, fills the holes.

    >>> polygons(np.array([[0, 0, 0], [0, 1, 1]], dtype=bool))
    [[1.0, 1.0, 3.0, 1.0, 3.0, 2.0, 1.0, 2.0]]
    """
    require_shapes(mask_HW=mask_HW)
    x_V, y_V, beside_V, below_V, is_hole_V = _corners(np.pad(np.asarray(mask_HW, dtype=bool), 1))
    beside, below, is_hole = beside_V.tolist(), below_V.tolist(), is_hole_V.tolist()
    is_done = bytearray(len(beside))
    rings = []
    for first in range(len(beside)):
        if is_done[first]:
            continue
        # Corners come row by row, so this one is the ring's topmost and there the leftmost.
        one_way, other_way = (below, beside) if is_hole[first] else (beside, below)
        ring, corner = [], first
        while not is_done[corner]:
            following = one_way[corner]
            ring += [corner, following]
            is_done[corner] = is_done[following] = 1
            corner = other_way[following]
        rings.append(np.stack([x_V[ring], y_V[ring]], axis=1).ravel().astype(float).tolist())
    return rings


def mask_png(mask_HW: np.ndarray) -> bytes:
    """One bit a pixel, white where it is true."""
    require_shapes(mask_HW=mask_HW)
    content = BytesIO()
    Image.fromarray(np.asarray(mask_HW, dtype=bool)).save(content, format="PNG")
    return content.getvalue()


def _corners(mask_hw: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """V corners where the border turns, row by row: x, y, the corner at the other end of its edge beside it and of its
    edge above or below it, and whether a ring that begins here runs around a hole. Where two pixels touch by a corner
    there are two, each with two edges of one of the pixels. The mask has an empty border of one pixel."""
    up_left, up_right, down_left, down_right = mask_hw[:-1, :-1], mask_hw[:-1, 1:], mask_hw[1:, :-1], mask_hw[1:, 1:]
    differs = up_left != up_right
    turns = differs != (down_left != down_right)
    touches = differs & (up_left == down_right) & (up_right == down_left)
    y_V, x_V = np.divmod(np.flatnonzero(turns | touches), turns.shape[1])
    is_double_V = touches[y_V, x_V]
    copy_V = np.concatenate([np.zeros(len(x_V), dtype=np.int64), np.ones(int(is_double_V.sum()), dtype=np.int64)])
    x_V, y_V = np.concatenate([x_V, x_V[is_double_V]]), np.concatenate([y_V, y_V[is_double_V]])
    order_V = np.lexsort((copy_V, x_V, y_V))
    x_V, y_V, copy_V = x_V[order_V], y_V[order_V], copy_V[order_V]
    # Of a double corner the first has the edge to its left, the second that to its right; which of them has the edge
    # above follows from the pixel whose corner it is.
    is_upper_last_V = touches[y_V, x_V] & up_right[y_V, x_V]
    down_V = np.lexsort((np.where(is_upper_last_V, 1 - copy_V, copy_V), y_V, x_V))
    return x_V, y_V, _other_ends(np.arange(len(x_V))), _other_ends(down_V), ~down_right[y_V, x_V]


def _other_ends(along_V: np.ndarray) -> np.ndarray:
    """Along a line the border begins at every other corner, and ends at the next."""
    other_V = np.empty(len(along_V), dtype=np.int64)
    other_V[along_V[0::2]], other_V[along_V[1::2]] = along_V[1::2], along_V[0::2]
    return other_V
