"""Superpixels on cells: every region has one, whatever it was called, and both maps hold the same regions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.errors import BadInput
from mereo.regions.adjacency import region_adjacency
from mereo.regions.nearest_places import nearest_places
from mereo.regions.working_superpixels import MAX_REGIONS, working_superpixels


@st.composite
def maps(draw: st.DrawFn) -> tuple[np.ndarray, tuple[int, int]]:
    shape = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    values = draw(st.lists(st.integers(-1, 6), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    return np.array(values, dtype=np.int32).reshape(shape), tuple(-(-n // draw(st.integers(1, 4))) for n in shape)


@settings(deadline=None)
@given(maps(), st.permutations(range(7)))
def test_what_holds_for_every_map(case: tuple[np.ndarray, tuple[int, int]], names: list[int]) -> None:
    label_HW, size = case
    found = working_superpixels(label_HW, size)
    numbers = set(range(found.num_regions))
    assert set(np.unique(found.label_hw)) - {-1} == set(np.unique(found.label_HW)) - {-1} == numbers
    rows, columns = (nearest_places(n, m) for n, m in zip(label_HW.shape, size))
    np.testing.assert_array_equal(found.label_hw, found.label_HW[rows[:, None], columns])
    first = [np.flatnonzero(found.label_HW.ravel() == number)[0] for number in range(found.num_regions)]
    assert first == sorted(first)
    if (label_HW >= 0).any() and (found.label_HW >= 0).sum() != label_HW.size:  # Where something was told apart,
        assert not (found.label_HW[label_HW < 0] >= 0).any()  # no region stays no region,
    for region in np.unique(label_HW[label_HW >= 0]):  # and regions are joined, never cut.
        assert len(np.unique(found.label_HW[label_HW == region])) == 1
    renamed_HW = np.where(label_HW >= 0, np.array(names)[label_HW], -1)
    np.testing.assert_array_equal(working_superpixels(renamed_HW, size).label_HW, found.label_HW)


def test_a_lost_region_joins_the_neighbour_with_the_longest_border() -> None:
    label_HW = np.zeros((8, 8), dtype=np.int32)
    label_HW[:, 4:] = 1
    label_HW[2:4, 3:5] = 2  # No cell of 4x4 has its middle there; three sides to 0 and three to 1, see below.
    label_HW[4, 3] = 2
    found = working_superpixels(label_HW, (1, 2))
    assert found.num_regions == 2
    assert (found.label_HW[2:4, 3:5] == 0).all() and found.label_HW[4, 3] == 0


def test_a_chain_of_lost_regions_ends_in_one_that_has_a_cell() -> None:
    label_HW = np.array([[0, 1, 2, 3, 3, 3, 3, 3]])
    found = working_superpixels(label_HW, (1, 1))
    assert found.label_HW.tolist() == [[0] * 8] and found.num_regions == 1


def test_a_region_of_one_cell_survives_and_neighbours_are_kept() -> None:
    label_HW = np.kron(np.arange(6).reshape(2, 3), np.ones((4, 4), dtype=np.int32))
    found = working_superpixels(label_HW, (2, 3))
    np.testing.assert_array_equal(found.label_hw, np.arange(6).reshape(2, 3))
    np.testing.assert_array_equal(region_adjacency(found.label_HW), region_adjacency(label_HW))


@pytest.mark.parametrize("label", [-1, 5])
def test_a_map_that_tells_nothing_apart_is_one_region(label: int) -> None:
    found = working_superpixels(np.full((3, 5), label), (1, 2))
    assert found.num_regions == 1 and (found.label_HW == 0).all() and (found.label_hw == 0).all()


def test_what_cannot_be_superpixels() -> None:
    with pytest.raises(BadInput, match=r"superpixels must have pixels, but got a map of \(0, 4\)"):
        working_superpixels(np.zeros((0, 4), dtype=np.int32), (1, 1))
    many_HW = np.arange(MAX_REGIONS + 1)[None]
    with pytest.raises(BadInput, match=f"at most {MAX_REGIONS} superpixels, but got {MAX_REGIONS + 1}"):
        working_superpixels(many_HW, (1, many_HW.size))
