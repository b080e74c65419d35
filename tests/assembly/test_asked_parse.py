"""Asking a parse: where something is, and what is at a pixel."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.assembly.asked_parse import PixelAnswer
from mereo.assembly.parse import Parse
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput

TAXONOMY = Taxonomy(
    "street",
    LabelTable(("sky", "car", "bus")),
    is_thing=(False, True, True),
    parts=LabelTable(("rest", "wheel", "door")),
    part_owners=((), ("car", "bus"), ("car",)),
    materials=LabelTable(("glass", "metal")),
)
NO = 255
SEMANTIC = np.array([[0, 0, 0, 1], [1, 1, 2, 2]])
INSTANCES = np.array([[0, 0, 0, 7], [3, 3, 4, 0]])
PARTS = np.array([[NO, NO, NO, 1], [1, 2, 1, 0]])
MATERIALS = np.array([[NO, NO, NO, 0], [1, 0, 1, NO]])


def parse_of(**others: Any) -> Parse:
    return Parse(np.zeros((2, 4, 3), dtype=np.uint8), SEMANTIC, TAXONOMY, name="a.jpg", **others)


FULL = parse_of(
    instances=INSTANCES, parts=PARTS, materials=MATERIALS, confidence=np.full((2, 4), 0.5, dtype=np.float16)
)


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"name": "car"}, SEMANTIC == 1),
        ({"part": "wheel"}, PARTS == 1),
        ({"material": "glass"}, MATERIALS == 0),
        ({"name": "car", "part": "wheel"}, (SEMANTIC == 1) & (PARTS == 1)),
        ({"name": "bus", "part": "wheel", "material": "metal"}, np.arange(8).reshape(2, 4) == 6),
        ({"name": "sky", "part": "door"}, np.zeros((2, 4), dtype=bool)),
    ],
    ids=str,
)
def test_masks_hold_all_that_was_asked(asked: dict[str, str], wanted: np.ndarray) -> None:
    mask_HW = FULL.mask(**asked)
    assert mask_HW.dtype == bool
    np.testing.assert_array_equal(mask_HW, wanted)


def test_masks_of_segments_share_the_picture_among_them() -> None:
    masks = [FULL.mask(segment) for segment in FULL.segments]
    np.testing.assert_array_equal(np.sum(masks, axis=0), 1)
    assert [int(mask_HW.sum()) for mask_HW in masks] == [segment.area_pixels for segment in FULL.segments]


def test_the_mask_belongs_to_the_caller() -> None:
    FULL.mask("sky")[:] = False
    FULL.mask(part="wheel")[:] = False
    assert FULL.mask("sky").any() and FULL.mask(part="wheel").any()


def test_a_pixel_is_asked() -> None:
    assert FULL.at(0, 1) == PixelAnswer("car", "wheel", "metal", 0.5, FULL.segments[1])
    assert FULL.segments[1].instance_id == 3
    sky = FULL.at(np.int64(2), 0)
    assert (sky.name, sky.part, sky.material, sky.segment.instance_id) == ("sky", None, None, 0)
    # A pixel of a class of things that belongs to none of them.
    assert (FULL.at(3, 1).segment.name, FULL.at(3, 1).segment.instance_id) == ("bus", 0)
    assert parse_of().at(3, 0) == PixelAnswer("car", None, None, None, parse_of().segments[1])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_pixel_lies_in_the_mask_of_its_segment(data: st.DataObject) -> None:
    height, width = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    semantic_HW = random.integers(0, 3, (height, width))
    instances_HW = random.integers(0, 3, (height, width)) if data.draw(st.booleans()) else None
    parse = Parse(np.zeros((height, width, 3), dtype=np.uint8), semantic_HW, TAXONOMY, instances=instances_HW)
    for y in range(height):
        for x in range(width):
            answer = parse.at(x, y)
            assert parse.mask(answer.segment)[y, x] and parse.mask(answer.name)[y, x]


@pytest.mark.parametrize("place", [(-1, 0), (4, 0), (0, 2), (0, -1)])
def test_points_off_the_picture(place: tuple[int, int]) -> None:
    with pytest.raises(BadInput, match=f"a point must lie in the picture of 4x2, but got {place[0]},{place[1]}"):
        FULL.at(*place)


def test_points_between_pixels() -> None:
    with pytest.raises(BadInput, match=r"a point must be at whole numbers of pixels, but got 1.5,0; round them down"):
        FULL.at(1.5, 0)  # type: ignore[arg-type]


def test_unknown_names() -> None:
    with pytest.raises(BadInput, match="an object must be one of the taxonomy street, but got 'cars'; did you mean 'c"):
        FULL.mask("cars")
    with pytest.raises(BadInput, match="a part must be one of the taxonomy street, but got 'x'; known are rest, wheel"):
        FULL.mask(part="x")
    with pytest.raises(BadInput, match="a material must be one of .* but got 'gless'; did you mean 'glass'"):
        FULL.mask(material="gless")


def test_what_the_parse_does_not_answer() -> None:
    with pytest.raises(
        BadInput, match="a parse must have parts to say where one is, but got none in a.jpg; parse with"
    ):
        parse_of().mask(part="wheel")
    with pytest.raises(BadInput, match="a parse must have materials to say where one is, but got none in a.jpg"):
        parse_of().mask("car", material="glass")


def test_segments_of_another_parse() -> None:
    with pytest.raises(BadInput, match="a segment must be one of this parse's, but got .* in a.jpg; take it from"):
        parse_of().mask(FULL.segments[1])


def test_nothing_is_asked() -> None:
    with pytest.raises(BadInput, match="a mask must be of an object, a part or a material, but got none of them"):
        FULL.mask()
