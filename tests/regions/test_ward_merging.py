"""Merging by a loop over all pairs of neighbours, with the variance written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.regions.ward_merging import merged_regions


def scatter(colour_PC: np.ndarray) -> float:
    """Squared distances to the mean."""
    return float(((colour_PC - colour_PC.mean(axis=0)) ** 2).sum())


def touch(label_HW: np.ndarray, one: int, other: int) -> bool:
    height, width = label_HW.shape
    for y in range(height):
        for x in range(width):
            for j, i in ((y + 1, x), (y, x + 1)):
                if j < height and i < width and {int(label_HW[y, x]), int(label_HW[j, i])} == {one, other}:
                    return True
    return False


def merged_by_a_loop(label_HW: np.ndarray, colour_HWC: np.ndarray, number: int) -> np.ndarray:
    """Of the joins from cheapest to dearest, the fewest that leave at most `number`, those of one height together. A
    join is no lower than those that made its two sides (where only neighbours join, its cost may be)."""
    joined_HW, joins, height = label_HW.copy(), [], {int(name): 0.0 for name in np.unique(label_HW)}
    while len(names := np.unique(joined_HW).tolist()) > 1:
        costs = []
        for one in names:
            for other in names:
                if one < other and touch(joined_HW, one, other):
                    parts = [colour_HWC[joined_HW == name] for name in (one, other)]
                    costs.append((scatter(np.concatenate(parts)) - sum(map(scatter, parts)), one, other))
        cost, one, other = min(costs)
        joined_HW[joined_HW == other] = one
        height[one] = max(cost, height[one], height[other])
        joins.append((height[one], joined_HW == one))
    for limit in [-1.0, *sorted(join[0] for join in joins)]:
        found_HW = label_HW.copy()
        for at, mask_HW in joins:  # Sides come before what they make: later masks hold earlier ones.
            if at <= limit:
                found_HW[mask_HW] = found_HW[mask_HW].min()
        if len(np.unique(found_HW)) <= number:
            return found_HW
    raise AssertionError


def same_partition(one_HW: np.ndarray, other_HW: np.ndarray) -> bool:
    pairs = np.unique(np.stack([one_HW.ravel(), other_HW.ravel()]), axis=1).shape[1]
    return pairs == len(np.unique(one_HW)) == len(np.unique(other_HW))


@given(st.integers(0, 10**6), st.integers(1, 12))
@settings(max_examples=25, deadline=None)
def test_by_a_loop(seed: int, number: int) -> None:
    random = np.random.default_rng(seed)
    cell_HW = np.arange(12).reshape(3, 4).repeat(2, axis=0).repeat(2, axis=1)
    # Colours of one piece: what a piece varies in itself is no matter.
    colour_HWC = random.random((12, 2))[cell_HW] + 0.1 * random.random((6, 8, 2))
    (found_HW,) = merged_regions(cell_HW, colour_HWC, [number])
    assert same_partition(found_HW, merged_by_a_loop(cell_HW, colour_HWC, number))


def test_pieces_that_do_not_touch_are_no_region() -> None:
    label_HW = np.array([[5, 0, 5], [0, 5, 0]])
    colour_HWC = np.zeros((2, 3, 1))
    (found_HW,) = merged_regions(label_HW, colour_HWC, [6])
    assert len(np.unique(found_HW)) == 6


def test_one_number_for_each() -> None:
    label_HW = np.arange(6).reshape(2, 3)
    colour_HWC = np.array([[0.0, 0.1, 5.0], [0.0, 0.1, 5.0]])[..., None]
    two_HW, all_HW = merged_regions(label_HW, colour_HWC, [2, 9])
    assert same_partition(two_HW, np.array([[0, 0, 1], [0, 0, 1]])) and same_partition(all_HW, label_HW)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1)])
def test_slivers(size: tuple[int, int]) -> None:
    label_HW = np.arange(size[0] * size[1]).reshape(size)
    (found_HW,) = merged_regions(label_HW, np.zeros((*size, 3)), [1])
    assert len(np.unique(found_HW)) == 1
