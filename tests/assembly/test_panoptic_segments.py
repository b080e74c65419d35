"""A parse as a panoptic map: the same segments in the same order, under ids that show the class as a colour."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mereo.assembly.panoptic_segments import MAX_SHIFT, panoptic_map, segment_ids
from mereo.assembly.parse import Parse
from mereo.data.taxonomy import LabelTable, Taxonomy

TAXONOMY = Taxonomy(
    "t", LabelTable(("sky", "car", "cat"), colours=("#000000", "#ff0080", "#ff0080")), (False, True, True)
)
SHAPE = (5, 6)


def parse_of(semantic_HW, instances_HW=None) -> Parse:
    return Parse(np.zeros((*semantic_HW.shape, 3), np.uint8), semantic_HW, TAXONOMY, instances=instances_HW)


@given(
    arrays(np.uint8, SHAPE, elements=st.integers(0, 2)),
    st.none() | arrays(np.int32, SHAPE, elements=st.sampled_from([0, 0, 1, 2, 700_000])),
)
@settings(max_examples=100, deadline=None)
def test_segments_are_those_of_the_parse(semantic_HW, instances_HW):
    parse = parse_of(semantic_HW, instances_HW)
    panoptic = panoptic_map(parse)
    assert (panoptic.ids_HW > 0).all()
    panoptic.positions()
    assert len(panoptic.segments) == len(parse.segments)
    of_no_instance_HW = np.ones(SHAPE, bool) if instances_HW is None else instances_HW == 0
    for ours, segment in zip(panoptic.segments, parse.segments):
        assert ours.class_index == segment.class_index and not ours.is_crowd
        if segment.instance_id:
            expected_HW = instances_HW == segment.instance_id
        else:
            expected_HW = of_no_instance_HW & (semantic_HW == segment.class_index)
        np.testing.assert_array_equal(panoptic.ids_HW == ours.id, expected_HW)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 90)])
def test_ids_are_different_and_close_to_the_colour_of_their_class(colour):
    ids = segment_ids([0] * 3000, np.array([colour]))
    assert len(set(ids)) == len(ids) and min(ids) > 0 and max(ids) < 2**24
    assert ids == segment_ids([0] * 3000, np.array([colour]))
    rgb_N3 = np.array(ids)[:, None] >> np.array([0, 8, 16]) & 255
    shift_N3 = np.abs(rgb_N3 - np.clip(colour, MAX_SHIFT, 255 - MAX_SHIFT))[1:]
    assert (shift_N3.max(axis=1) <= MAX_SHIFT).mean() > 0.99  # Where one is taken, it becomes the next free one.
    assert colour == (0, 0, 0) or tuple(rgb_N3[0]) == colour


def test_classes_of_one_colour_have_segments_of_their_own():
    panoptic = panoptic_map(parse_of(np.array([[1, 1, 2, 0]])))
    assert [f"{segment.id:06x}" for segment in panoptic.segments] == ["8000ff", "000001", "800100"]
