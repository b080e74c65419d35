"""Superpixels at the resolution at which features are pooled: every region that is left has at least one cell there.

A region that loses all its cells joins the neighbour with the longest shared border, and the map at full resolution
follows. So both maps hold the same regions, whichever names a provider gave them.
"""

from dataclasses import dataclass

import numpy as np

from mereo.errors import BadInput
from mereo.regions.nearest_places import nearest_places
from mereo.regions.superpixels import in_raster_order
from mereo.shapes import require_shapes

MAX_REGIONS = 1 << 12  # Groups hold a number for each region and each of half as many groups.


@dataclass(frozen=True, eq=False)
class WorkingSuperpixels:
    """The same regions on pixels and on cells, named 0, 1, ... by their first pixels; -1 where there is none."""

    label_HW: np.ndarray
    label_hw: np.ndarray
    num_regions: int


def working_superpixels(label_HW: np.ndarray, size: tuple[int, int]) -> WorkingSuperpixels:
    """`size`: rows and columns of cells; each takes the region at its middle. Labels below 0 are no region.

    >>> found = working_superpixels(np.array([[0, 0, 1, 2, 2, 2]]), (1, 2))
    >>> found.label_HW.tolist(), found.label_hw.tolist()
    ([[0, 0, 0, 1, 1, 1]], [[0, 1]])
    """
    require_shapes(label_HW=label_HW)
    if label_HW.size == 0 or min(size) < 1:
        raise BadInput(f"superpixels must have pixels, but got a map of {label_HW.shape} for {size}; check the image.")
    rows, columns = (nearest_places(length, number) for length, number in zip(label_HW.shape, size))
    named_HW = _named(label_HW)
    if not (named_HW >= 0).any():
        named_HW = np.zeros_like(named_HW)  # Nothing is told apart: the whole picture is one region.
    num_regions = int(named_HW.max()) + 1
    if num_regions > MAX_REGIONS:
        raise BadInput(f"an image must have at most {MAX_REGIONS} superpixels, but got {num_regions}; ask for fewer.")
    has_cell_R = np.zeros(num_regions, dtype=bool)
    cells_hw = named_HW[rows[:, None], columns]
    has_cell_R[cells_hw[cells_hw >= 0]] = True
    if not has_cell_R.any():
        named_HW, has_cell_R = np.zeros_like(named_HW), np.ones(1, dtype=bool)
    if not has_cell_R.all():
        joined_R = _joined(_border_lengths(named_HW, len(has_cell_R)), has_cell_R)
        named_HW = _named(np.where(named_HW >= 0, joined_R[named_HW], -1))
    return WorkingSuperpixels(named_HW, named_HW[rows[:, None], columns], int(named_HW.max()) + 1)


def _named(label_HW: np.ndarray) -> np.ndarray:
    """In raster order of the regions alone; -1 for all that is none."""
    is_region_HW = label_HW >= 0
    if is_region_HW.all():
        return in_raster_order(label_HW)
    named_HW = np.full(label_HW.shape, -1, dtype=np.int32)
    if is_region_HW.any():
        named_HW[is_region_HW] = in_raster_order(label_HW[is_region_HW][None])[0]
    return named_HW


def _border_lengths(label_HW: np.ndarray, num_regions: int) -> np.ndarray:
    """R R: how many pairs of pixels, one above or beside the other, two regions share."""
    length_RR = np.zeros((num_regions, num_regions), dtype=np.int64)
    for one, other in ((label_HW[:, :-1], label_HW[:, 1:]), (label_HW[:-1], label_HW[1:])):
        is_border = (one != other) & (one >= 0) & (other >= 0)
        np.add.at(length_RR, (one[is_border], other[is_border]), 1)
    return length_RR + length_RR.T


def _joined(length_RR: np.ndarray, has_cell_R: np.ndarray) -> np.ndarray:
    """The region that each one ends in (itself, if it has a cell), -1 where nothing with a cell can be reached.

    In the order of names: a lost region joins its neighbour, and is lost with it until that has joined one in turn.
    """
    length_RR = length_RR.copy()
    joined_R = np.arange(len(has_cell_R))
    for region in np.flatnonzero(~has_cell_R):
        neighbour = int(length_RR[region].argmax())
        if length_RR[region, neighbour] == 0:
            joined_R[joined_R == region] = -1
            continue
        joined_R[joined_R == region] = neighbour
        length_RR[neighbour] += length_RR[region]
        length_RR[:, neighbour] += length_RR[:, region]
        length_RR[neighbour, neighbour] = 0
        length_RR[region], length_RR[:, region] = 0, 0
    return joined_R
