"""Tiles: a picture too large for one pass, cut into overlapping pieces whose answers are blended without a seam.

Along each axis every cell belongs to one or more tiles, whose weights there add up to 1. Near a tile's edge its parser
saw zeros instead of the picture, so a strip there (`MARGIN` of the overlap) counts for nothing; between the two strips
of an overlap the weights run straight from one tile to the other.
"""

from dataclasses import dataclass

import numpy as np

from mereo.errors import BadInput

MARGIN = 0.25  # Of the overlap, on either side.


@dataclass(frozen=True)
class AxisTile:
    """One tile along one axis, in pixels of the working image and in cells of the coarse answer."""

    start: int
    stop: int
    first_cell: int
    weight_c: np.ndarray

    @property
    def cells(self) -> slice:
        return slice(self.first_cell, self.first_cell + len(self.weight_c))


def tiles_along(length: int, *, tile: int, overlap: int, cell: int) -> tuple[AxisTile, ...]:
    """Tiles of `tile` pixels that cover `length`; they start on cells, and the last one lies against the end.

    >>> [(one.start, one.stop) for one in tiles_along(100, tile=64, overlap=16, cell=4)]
    [(0, 64), (36, 100)]
    >>> tiles_along(8, tile=64, overlap=16, cell=4)[0].weight_c.tolist()
    [1.0, 1.0]
    """
    _require_tiling(length, tile, overlap, cell)
    starts = [0]
    while starts[-1] + tile < length:
        starts.append(min(starts[-1] + tile - overlap, (length - tile + cell - 1) // cell * cell))
    num_cells = -(-length // cell)
    spans = [
        (start, num_cells if index == len(starts) - 1 else (start + tile) // cell) for index, start in enumerate(starts)
    ]
    spans = [(start // cell, end) for start, end in spans]
    raw = [_raw_weights(first, end, num_cells, overlap / cell) for first, end in spans]
    total_c = np.zeros(num_cells)
    for (first, end), weight_c in zip(spans, raw):
        total_c[first:end] += weight_c
    return tuple(
        AxisTile(
            start=first * cell,
            stop=min(end * cell, length),
            first_cell=first,
            weight_c=(weight_c / total_c[first:end]).astype(np.float32),
        )
        for (first, end), weight_c in zip(spans, raw)
    )


def _raw_weights(first: int, end: int, num_cells: int, overlap_cells: float) -> np.ndarray:
    """1 inside, falling to 0 towards each edge that is not the picture's own."""
    margin = MARGIN * overlap_cells
    ramp = max(overlap_cells - 2 * margin, 1.0)
    centre_c = np.arange(end - first) + 0.5
    weight_c = np.ones(end - first)
    if first > 0:
        weight_c = np.minimum(weight_c, (centre_c - margin) / ramp)
    if end < num_cells:
        weight_c = np.minimum(weight_c, (end - first - centre_c - margin) / ramp)
    return np.maximum(weight_c, 0.0)


def _require_tiling(length: int, tile: int, overlap: int, cell: int) -> None:
    if length < 1 or cell < 1 or tile < 2 * cell or tile % cell or overlap % cell:
        raise BadInput(
            f"tiles must hold at least two cells of {cell} pixels and, like their overlap, divide into them, "
            f"but got tile {tile} and overlap {overlap} for {length} pixels; round them."
        )
    if not cell <= overlap <= tile // 2:
        raise BadInput(
            f"overlap must lie between one cell and half a tile, but got {overlap} for tiles of {tile}; "
            f"e.g. {max(cell, tile // 8 // cell * cell)}."
        )
