"""Parse: validation, segments against a slow loop, names, and the two late imports."""

import json
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from mereo.assembly.parse import Parse
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput

TAXONOMY = Taxonomy(
    "street",
    LabelTable(("sky", "road", "car")),
    is_thing=(False, False, True),
    parts=LabelTable(("wheel",)),
    scenes=LabelTable(("city", "field")),
)


def parse_of(semantic: Any, **others: Any) -> Parse:
    semantic_HW = np.asarray(semantic)
    image_HWC = np.zeros((*semantic_HW.shape[:2], 3), dtype=np.uint8)
    return Parse(image_HWC, semantic_HW, others.pop("taxonomy", TAXONOMY), **others)


def slow_segments(semantic_HW: np.ndarray, instances_HW: np.ndarray) -> set[tuple]:
    """Pixel by pixel: (class, instance, area, box)."""
    pixels: dict[tuple, list] = {}
    for row in range(semantic_HW.shape[0]):
        for column in range(semantic_HW.shape[1]):
            instance = int(instances_HW[row, column])
            key = ("instance", instance) if instance else ("class", int(semantic_HW[row, column]))
            pixels.setdefault(key, []).append((row, column))
    found = set()
    for (kind, number), places in pixels.items():
        classes = [int(semantic_HW[place]) for place in places]
        rows, columns = [row for row, _ in places], [column for _, column in places]
        index = max(sorted(set(classes)), key=classes.count) if kind == "instance" else number
        box = (min(columns), min(rows), max(columns) + 1, max(rows) + 1)
        found.add((index, number if kind == "instance" else 0, len(places), box))
    return found


@settings(max_examples=80, deadline=None)
@given(st.data(), arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8))
def test_segments_equal_a_slow_loop(data: st.DataObject, shape: tuple[int, int]) -> None:
    semantic_HW = data.draw(arrays.arrays(np.int32, shape, elements=st.integers(0, 2)))
    instances_HW = data.draw(arrays.arrays(np.int32, shape, elements=st.sampled_from([0, 1, 4, 70000])))
    parse = parse_of(semantic_HW, instances=instances_HW)
    found = {(one.class_index, one.instance_id, one.area_pixels, one.box_xyxy) for one in parse.segments}
    assert found == slow_segments(semantic_HW, instances_HW)
    assert sum(one.share for one in parse.segments) == pytest.approx(1)
    areas = [one.area_pixels for one in parse.segments]
    assert areas == sorted(areas, reverse=True)


def test_segments_without_instances_are_classes() -> None:
    parse = parse_of([[0, 0, 0, 0], [2, 2, 0, 0]])
    assert [(one.name, one.is_thing, one.share, one.instance_id) for one in parse.segments] == [
        ("sky", False, 0.75, 0),
        ("car", True, 0.25, 0),
    ]
    assert parse.names_found == ("sky", "car")
    assert parse.segments is parse.segments  # Worked out once.


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int32, np.int64])
def test_whole_numbers_of_any_width(dtype: type) -> None:
    semantic_HW = np.array([[0, 1], [2, 2]], dtype=dtype)
    parse = parse_of(semantic_HW, instances=np.array([[0, 0], [1, 2]], dtype=dtype))
    assert [one.name for one in parse.segments] == ["sky", "road", "car", "car"]


def test_a_parse_is_frozen_and_compares_as_an_object() -> None:
    one, other = parse_of([[0]]), parse_of([[0]])
    assert one == one and one != other and len({one, other}) == 2
    with pytest.raises(FrozenInstanceError):
        one.name = "other"  # type: ignore[misc]


def test_scene_by_name() -> None:
    assert parse_of([[0]], scene=1).scene_name == "field"
    assert parse_of([[0]]).scene_name is None


def test_a_part_may_be_unknown_and_confidence_is_a_probability() -> None:
    parse = parse_of([[0, 2]], parts=np.array([[255, 0]]), confidence=np.array([[1.0, 0.25]], dtype=np.float16))
    assert parse.parts is not None and parse.parts[0, 0] == TAXONOMY.parts.ignore_index  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("semantic", "others", "words"),
    [
        ([[0, 3]], {}, "semantic must hold whole numbers from 0 to 2, but got 3"),
        ([[0, 255]], {}, "semantic must hold whole numbers from 0 to 2, but got 255"),
        ([[-1, 0]], {}, "semantic must hold whole numbers from 0 to 2, but got -1"),
        ([[0.0, 1.0]], {}, "semantic must hold whole numbers from 0 to 2, but got float64"),
        ([[True, False]], {}, "but got bool"),
        (np.zeros((1, 1), dtype=np.uint64), {}, "but got uint64"),
        ([[0, 1]], {"instances": np.zeros((2, 1), int)}, r"instances must have the image's size 2x1, .*\(2, 1\)"),
        ([[0, 1]], {"instances": np.array([[0, -1]])}, "instances must hold whole numbers from 0 to 16777215, but got"),
        ([[0, 1]], {"instances": np.array([[0, 2**24]])}, "but got 16777216"),
        ([[0, 1]], {"parts": np.array([[0, 1]])}, "parts must hold whole numbers from 0 to 0, but got 1"),
        ([[0, 1]], {"materials": np.array([[0, 0]])}, "materials must have a table in the taxonomy, but got none"),
        ([[0, 1]], {"confidence": np.array([[0.0, np.nan]])}, "confidence must be numbers from 0 to 1, but got others"),
        ([[0, 1]], {"confidence": np.array([[0.0, 1.5]])}, "confidence must be numbers from 0 to 1"),
        ([[0, 1]], {"answer_level": np.zeros((1, 3))}, "answer_level must have the image's size"),
        ([[0]], {"scene": 2}, "scene must be an index of the taxonomy's scenes, but got 2 with 2 scenes"),
        (
            [[0]],
            {"image_texture": 0},
            "image_texture must be an index of the taxonomy's textures, but got 0 with no te",
        ),
        (
            [[0]],
            {"scene": 0, "taxonomy": Taxonomy("plain", LabelTable(("sky",)))},
            "scene must be an index .* but got 0 with no scenes",
        ),
    ],
)
def test_what_is_refused(semantic: Any, others: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        parse_of(semantic, name="photo 7", **others)


@pytest.mark.parametrize(
    "image", [np.zeros((2, 2), np.uint8), np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2, 3)), np.zeros((0, 2, 3), "u1")]
)
def test_images_of_another_kind_are_refused(image: np.ndarray) -> None:
    with pytest.raises(BadInput, match="the image of a parse must be H x W x 3 uint8 with pixels in it, but got"):
        Parse(image, np.zeros((2, 2), dtype=np.int32), TAXONOMY)


def test_semantic_of_another_size_is_refused() -> None:
    with pytest.raises(BadInput, match="semantic must have the image's size 2x3, but got shape .* in photo"):
        Parse(np.zeros((3, 2, 3), np.uint8), np.zeros((2, 3), dtype=np.int32), TAXONOMY, name="photo")


def test_overlay_and_save(tmp_path: Path) -> None:
    parse = parse_of(np.repeat([[0], [1], [2], [2]], 30, axis=0).repeat(80, axis=1), name="a/b: c.d")
    overlay_HWC = parse.overlay(alpha=1.0, has_outlines=False, has_names=False)
    np.testing.assert_array_equal(overlay_HWC, TAXONOMY.objects.colours_K3[parse.semantic])
    assert parse.overlay(has_legend=True).shape[0] > 120
    files = parse.save(tmp_path / "new")
    assert [files.labels.name, files.overlay.name, files.description.name] == [
        *("b_ c.d.labels.png", "b_ c.d.overlay.jpg", "b_ c.d.json")
    ]
    np.testing.assert_array_equal(np.asarray(Image.open(files.labels)), parse.semantic)
    described = json.loads(files.description.read_text(encoding="utf-8"))
    assert [one["name"] for one in described["segments"]] == ["car", "sky", "road"]
    assert Image.open(files.overlay).size == (80, 120)
