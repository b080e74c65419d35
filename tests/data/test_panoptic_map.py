import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.data.panoptic_map import MAX_SEGMENT_ID, PanopticMap, PanopticSegment
from mereo.errors import BadInput


@given(
    st.lists(st.integers(1, MAX_SEGMENT_ID), min_size=0, max_size=300, unique=True),
    st.lists(st.integers(0, 300), min_size=1, max_size=40),
)
@settings(max_examples=60, deadline=None)
def test_positions(ids, picks):
    """Also beyond 253 segments, where positions no longer fit into a byte."""
    everyone = [0, *ids]
    ids_HW = np.array([[*ids, *(everyone[pick % len(everyone)] for pick in picks)]])
    panoptic = PanopticMap(ids_HW, tuple(PanopticSegment(number, 0) for number in ids))
    assert panoptic.positions().tolist() == [[everyone.index(number) for number in ids_HW[0].tolist()]]


@pytest.mark.parametrize("count", [0, 1, 253, 254, 255, 256, 65533, 65534, 65535])
def test_positions_where_they_need_another_byte(count):
    ids_HW = np.arange(count + 1)[None]
    panoptic = PanopticMap(ids_HW, tuple(PanopticSegment(number, 0) for number in range(1, count + 1)))
    np.testing.assert_array_equal(panoptic.positions(), ids_HW)


ONE = (PanopticSegment(1, 0),)


@pytest.mark.parametrize(
    ("ids", "segments", "message"),
    [
        ([1, 1], ONE, r"whole numbers in rows and columns, but got int64 of shape \(2,\) in a map"),
        ([[1.0, 1.0]], ONE, "whole numbers in rows and columns, but got float64"),
        ([[True]], ONE, "whole numbers in rows and columns, but got bool"),
        (np.zeros((0, 3), dtype=int), (), r"whole numbers in rows and columns, but got int64 of shape \(0, 3\)"),
        ([[1, -1]], ONE, r"between 0 and 16777215, but got -1 at pixel \(row 0, column 1\) in a map"),
        ([[1], [2**24]], ONE, r"between 0 and 16777215, but got 16777216 at pixel \(row 1, column 0\) in a map"),
        ([[1]], (*ONE, PanopticSegment(0, 0)), "id must lie between 1 and 16777215, but got 0 in a map"),
        ([[1]], (*ONE, PanopticSegment(2**24, 0)), "id must lie between 1 and 16777215, but got 16777216 in a map"),
        ([[1]], (*ONE, PanopticSegment(1, 2)), "id must occur once, but got 1 more than once in a map"),
        ([[1]], (PanopticSegment(1, -1),), "class must be an index from 0 up, but got -1 for segment 1 in a map"),
    ],
)
def test_refuses(ids, segments, message):
    with pytest.raises(BadInput, match=message):
        PanopticMap(np.array(ids), segments, name="a map")


def test_ids_and_segments_must_fit_each_other():
    missing = PanopticMap(np.array([[0, 3, 2], [1, 3, 3]]), ONE, name="a map")
    with pytest.raises(BadInput, match=r"but got id 2 at pixel \(row 0, column 2\) in a map; list it"):
        missing.positions()
    empty = PanopticMap(np.array([[0, 1]]), (PanopticSegment(9, 0), *ONE, PanopticSegment(5, 0)), name="a map")
    with pytest.raises(BadInput, match="must have pixels, but got none of id 5 in a map"):
        empty.positions()
