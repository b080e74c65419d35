"""Neighbours of regions by a loop over pixels, and maps that are none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mereo.errors import BadInput
from mereo.regions.adjacency import region_adjacency


@given(arrays(np.int32, st.tuples(st.integers(1, 7), st.integers(1, 7)), elements=st.integers(0, 5)))
@settings(max_examples=100, deadline=None)
def test_by_a_loop(label_HW: np.ndarray) -> None:
    num_regions = int(label_HW.max()) + 1
    wanted_RR = np.zeros((num_regions, num_regions), dtype=bool)
    height, width = label_HW.shape
    for y in range(height):
        for x in range(width):
            for other_y, other_x in ((y + 1, x), (y, x + 1)):
                if other_y < height and other_x < width and label_HW[y, x] != label_HW[other_y, other_x]:
                    wanted_RR[label_HW[y, x], label_HW[other_y, other_x]] = True
                    wanted_RR[label_HW[other_y, other_x], label_HW[y, x]] = True
    np.testing.assert_array_equal(region_adjacency(label_HW), wanted_RR)


def test_corners_do_not_touch() -> None:
    assert not region_adjacency(np.array([[0, 1], [2, 3]]))[0, 3]


def test_one_region_has_no_neighbour() -> None:
    assert region_adjacency(np.zeros((3, 3), dtype=int)).tolist() == [[False]]


@pytest.mark.parametrize("label_HW", [np.zeros((0, 3), int), np.array([[-1, 0]]), np.array([[1 << 20]])])
def test_maps_that_are_none(label_HW: np.ndarray) -> None:
    with pytest.raises(BadInput, match="regions must be numbered from 0 to at most 16383, but got a map of shape"):
        region_adjacency(label_HW)
