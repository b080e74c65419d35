"""A mask as COCO's polygons: rings around its pixels, a ring for each piece, with its holes cut open.

COCO fills every ring by itself and joins them: a hole that had a ring of its own would be filled. So a ring goes along
a bridge to each hole of its piece, around the hole, and back the same way. A hole's topmost corner has the piece right
above it, so its bridge goes straight up to the first border that it meets: the piece's outer one, or another hole's.
"""

import numpy as np

from mereo.shapes import require_shapes


def polygons(mask_HW: np.ndarray) -> list[list[float]]:
    """Rings x0, y0, x1, y1, ... along the corners of pixels: pixel x, y reaches from x, y to x + 1, y + 1.

    A ring has corners only where it turns, and is not closed by its first one again. It runs clockwise as one sees it,
    around a hole the other way. Pixels that touch by a corner alone have rings of their own. Filled one by one, all
    rings together are the mask.

    >>> polygons(np.array([[0, 0, 0], [0, 1, 1]], dtype=bool))
    [[1.0, 1.0, 3.0, 1.0, 3.0, 2.0, 1.0, 2.0]]
    """
    require_shapes(mask_HW=mask_HW)
    mask_hw = np.pad(np.asarray(mask_HW, dtype=bool), 1)
    x_V, y_V, beside_V, below_V, is_hole_V = _corners(mask_hw)
    x, y, is_hole = x_V.tolist(), y_V.tolist(), is_hole_V.tolist()
    following, last_of_first = _rings(beside_V.tolist(), below_V.tolist(), is_hole)
    _cut_open(mask_hw, x, y, following, {first: last for first, last in last_of_first.items() if is_hole[first]})
    return [_turning_points(x, y, following, first) for first in last_of_first if not is_hole[first]]


def _rings(beside: list[int], below: list[int], is_hole: list[bool]) -> tuple[list[int], dict[int, int]]:
    """The corner that follows each one on its ring; of each ring the first corner, and the last."""
    following, last_of_first = [0] * len(beside), {}
    is_done = bytearray(len(beside))
    for first in range(len(beside)):
        if is_done[first]:
            continue
        # Corners come row by row, so this one is the ring's topmost and there the leftmost.
        one_way, other_way = (below, beside) if is_hole[first] else (beside, below)
        corner = first
        while not is_done[corner]:
            last_of_first[first] = turn = one_way[corner]
            following[corner], following[turn] = turn, other_way[turn]
            is_done[corner] = is_done[turn] = 1
            corner = following[turn]
    return following, last_of_first


def _cut_open(
    mask_hw: np.ndarray, x: list[int], y: list[int], following: list[int], last_of_hole: dict[int, int]
) -> None:
    """Joins each hole's ring to the one above it; corners come in row by row, and those of bridges are added."""
    width = mask_hw.shape[1]
    place_V = np.array(y, dtype=np.int64) * width + np.array(x, dtype=np.int64)
    bridges = []
    for hole in last_of_hole:
        column, row = x[hole], y[hole]
        # Of the mask with its empty border: the pixels to the left of the bridge, and those to its right.
        is_inside_h = mask_hw[: row + 1, column] & mask_hw[: row + 1, column + 1]
        top = int(np.flatnonzero(~is_inside_h)[-1])
        edge = column - 1 if mask_hw[top, column + 1] else column
        start = int(np.searchsorted(place_V, top * width + edge, side="right")) - 1
        bridges.append((start, column, top, hole))
    newest: dict[int, int] = {}
    for start, column, top, hole in sorted(bridges):  # Several on one edge: in the order in which the edge runs.
        before, down = newest.get(start, start), len(x)
        back, up = down + 1, down + 2
        x += [column, column, column]
        y += [top, y[hole], top]
        following += [hole, up, following[before]]
        following[before], following[last_of_hole[hole]] = down, back
        newest[start] = up


def _turning_points(x: list[int], y: list[int], following: list[int], first: int) -> list[float]:
    ring, corner = [first], following[first]
    while corner != first:
        ring.append(corner)
        corner = following[corner]
    corner_N2 = np.array([(x[one], y[one]) for one in ring])
    corner_N2 = corner_N2[(corner_N2 != np.roll(corner_N2, -1, axis=0)).any(axis=1)]
    way_N2 = np.sign(np.roll(corner_N2, -1, axis=0) - corner_N2)
    turning: list[float] = corner_N2[(way_N2 != np.roll(way_N2, 1, axis=0)).any(axis=1)].ravel().astype(float).tolist()
    return turning


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
