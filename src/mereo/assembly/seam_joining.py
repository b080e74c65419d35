"""Segments joined across seams: one thing that several tiles saw in part becomes one instance again.

Neighbouring tiles overlap. Where both name the same pixels, an instance of the one and an instance of the other are the
same thing if they have one class and cover each other's share of the overlap by more than half.
"""

from dataclasses import dataclass

import numpy as np

from mereo.errors import BadInput

MIN_IOU = 0.5  # In the overlap; above one half at most one partner is possible.


@dataclass(frozen=True, eq=False)
class TileInstances:
    """Instances of one tile: ids (0: none) of the picture from row `top` and column `left` on; the class of each id."""

    top: int
    left: int
    ids_HW: np.ndarray
    class_of_id: dict[int, int]


@dataclass(frozen=True, eq=False)
class JoinedInstances:
    """Instances of the whole picture, numbered from 1; `class_of_id` says what each is."""

    ids_HW: np.ndarray
    class_of_id: dict[int, int]


def join_instances(tiles: list[TileInstances], size: tuple[int, int]) -> JoinedInstances:
    """A pixel that several tiles saw belongs to the tile in whose middle it lies, where edges matter least.

    >>> left = TileInstances(0, 0, np.array([[0, 5, 5]]), {5: 1})
    >>> right = TileInstances(0, 1, np.array([[2, 2, 2]]), {2: 1})
    >>> join_instances([left, right], (1, 4)).ids_HW.tolist()
    [[0, 1, 1, 1]]
    """
    for tile in tiles:
        _require_inside(tile, size)
    ids_of_tile = [[one for one in np.unique(tile.ids_HW).tolist() if one] for tile in tiles]
    keys = [(number, one) for number, ids in enumerate(ids_of_tile) for one in ids]
    parents = {key: key for key in keys}
    for number, tile in enumerate(tiles):
        for before in range(number):
            for partner, one in _matches(tiles[before], tile):
                first, second = _root(parents, (before, partner)), _root(parents, (number, one))
                # The earlier one leads, so that numbers do not depend on the order of joins.
                parents[max(first, second)] = min(first, second)
    roots = sorted({_root(parents, key) for key in keys})
    number_of_root = {root: number for number, root in enumerate(roots, start=1)}
    ids_HW = np.zeros(size, dtype=np.int32)
    depth_HW = np.full(size, -1, dtype=np.int32)
    for number, tile in enumerate(tiles):
        area = _area(tile)
        table = np.zeros(int(tile.ids_HW.max(initial=0)) + 1, dtype=np.int32)
        for one in ids_of_tile[number]:
            table[one] = number_of_root[_root(parents, (number, one))]
        depth_hw = _depth(tile, size)
        is_deeper = depth_hw > depth_HW[area]
        ids_HW[area] = np.where(is_deeper, table[tile.ids_HW], ids_HW[area])
        depth_HW[area] = np.maximum(depth_hw, depth_HW[area])
    classes = {number: tiles[root[0]].class_of_id[root[1]] for root, number in number_of_root.items()}
    kept = set(np.unique(ids_HW).tolist())
    return JoinedInstances(ids_HW, {number: index for number, index in classes.items() if number in kept})


def _matches(first: TileInstances, second: TileInstances) -> list[tuple[int, int]]:
    """Pairs of ids that are one thing."""
    top, left = max(first.top, second.top), max(first.left, second.left)
    bottom = min(first.top + first.ids_HW.shape[0], second.top + second.ids_HW.shape[0])
    right = min(first.left + first.ids_HW.shape[1], second.left + second.ids_HW.shape[1])
    if bottom <= top or right <= left:
        return []
    a, b = (
        tile.ids_HW[top - tile.top : bottom - tile.top, left - tile.left : right - tile.left].ravel().astype(np.int64)
        for tile in (first, second)
    )
    width = int(b.max()) + 1
    shared = np.bincount(a * width + b, minlength=1)
    area_a, area_b = np.bincount(a), np.bincount(b)
    found = []
    for joint in np.flatnonzero(shared).tolist():
        one, other = divmod(joint, width)
        if not one or not other or first.class_of_id[one] != second.class_of_id[other]:
            continue
        if shared[joint] > MIN_IOU * (area_a[one] + area_b[other] - shared[joint]):
            found.append((one, other))
    return found


def _depth(tile: TileInstances, size: tuple[int, int]) -> np.ndarray:
    """Distance of each pixel to the nearest edge of its tile that is not the picture's own."""
    height, width = tile.ids_HW.shape
    far = max(size) + 1
    y, x = np.arange(height), np.arange(width)
    down = np.minimum(y if tile.top else far, height - 1 - y if tile.top + height < size[0] else far)
    across = np.minimum(x if tile.left else far, width - 1 - x if tile.left + width < size[1] else far)
    return np.minimum(np.broadcast_to(down, (height,))[:, None], np.broadcast_to(across, (width,)))


def _root(parents: dict[tuple[int, int], tuple[int, int]], key: tuple[int, int]) -> tuple[int, int]:
    while parents[key] != key:
        parents[key] = parents[parents[key]]
        key = parents[key]
    return key


def _area(tile: TileInstances) -> tuple[slice, slice]:
    height, width = tile.ids_HW.shape
    return slice(tile.top, tile.top + height), slice(tile.left, tile.left + width)


def _require_inside(tile: TileInstances, size: tuple[int, int]) -> None:
    rows, columns = _area(tile)
    if tile.top < 0 or tile.left < 0 or rows.stop > size[0] or columns.stop > size[1]:
        raise BadInput(
            f"a tile must lie inside the picture of {size[1]}x{size[0]}, but got rows {rows.start}..{rows.stop} and "
            f"columns {columns.start}..{columns.stop}; cut it."
        )
    unknown = sorted({int(one) for one in np.unique(tile.ids_HW) if one} - set(tile.class_of_id))
    if unknown:
        raise BadInput(f"every instance of a tile must have a class, but got none for {unknown[:5]}; add it.")
