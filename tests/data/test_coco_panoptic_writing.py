"""What is written is read back: by Mereo exactly, by Pillow and json as COCO describes it."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from mereo.data.formats.coco_panoptic_json_writing import WrittenImage, category_ids, write_panoptic_json
from mereo.data.formats.coco_panoptic_maps import CocoPanopticMaps
from mereo.data.formats.coco_panoptic_writing import PanopticWriter
from mereo.data.panoptic_map import MAX_SEGMENT_ID, PanopticMap, PanopticSegment
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadEnvironment, BadInput

STREET = Taxonomy("street", LabelTable(("sky", "car", "Straße"), {1: 0, 3: 1, 90: 2, 0: None}), (False, True, False))
ODD_NAMES = st.text(max_size=8).filter(lambda name: name.strip() and name.isprintable())


@st.composite
def taxonomies(draw):
    names = draw(st.lists(ODD_NAMES, min_size=1, max_size=5, unique=True))
    raw = draw(st.lists(st.integers(0, 200), min_size=len(names), max_size=len(names), unique=True))
    is_thing = draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names)))
    return Taxonomy("t", LabelTable(tuple(names), dict(zip(raw, range(len(names))))), tuple(is_thing))


@st.composite
def panoptic_maps(draw, num_classes):
    ids = draw(st.lists(st.integers(1, MAX_SEGMENT_ID), max_size=6, unique=True))
    shape = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    position_HW = draw(arrays(np.int64, shape, elements=st.integers(0, len(ids))))
    segments = [
        PanopticSegment(number, draw(st.integers(0, num_classes - 1)), draw(st.booleans()))
        for position, number in enumerate(ids, start=1)
        if (position_HW == position).any()
    ]
    return PanopticMap(np.array([0, *ids])[position_HW], tuple(segments))


@given(taxonomies(), st.data())
@settings(max_examples=30, deadline=None)
def test_round_trip(tmp_path_factory, taxonomy, data):
    maps = data.draw(st.lists(panoptic_maps(taxonomy.num_objects), min_size=1, max_size=3))
    path = tmp_path_factory.mktemp("round") / "panoptic.json"
    with PanopticWriter(path, taxonomy) as writer:
        for number, panoptic in enumerate(maps):
            writer.add(panoptic, stem=f"image {number}", file_name=f"in/{number}.jpg")
    again = CocoPanopticMaps(path, segments=path.with_suffix(""))
    assert again.taxonomy.object_names == taxonomy.object_names and again.taxonomy.is_thing == taxonomy.is_thing
    np.testing.assert_array_equal(again.taxonomy.objects.colours_K3, taxonomy.objects.colours_K3)
    assert again.image_ids == again.names == [f"image {number}" for number in range(len(maps))]
    assert again.image_file_names == [f"in/{number}.jpg" for number in range(len(maps))]
    for ours, written in zip(again, maps, strict=True):
        np.testing.assert_array_equal(ours.ids_HW, written.ids_HW)
        assert ours.segments == written.segments
        ours.positions()
    require_coco(path, maps, taxonomy)
    before = [one.read_bytes() for one in sorted(path.parent.rglob("*.*"))]
    # Read and written once more: the same bytes.
    with PanopticWriter(path, again.taxonomy) as writer:
        for name, file_name, panoptic in zip(again.names, again.image_file_names, again):
            writer.add(panoptic, stem=name, file_name=file_name)
    assert [one.read_bytes() for one in sorted(path.parent.rglob("*.*"))] == before


def require_coco(path, maps, taxonomy):
    """The format as COCO describes it, read without Mereo."""
    content = json.loads(path.read_text(encoding="utf-8"))
    name_of = {category["id"]: category["name"] for category in content["categories"]}
    for image, annotation, panoptic in zip(content["images"], content["annotations"], maps, strict=True):
        assert annotation["image_id"] == image["id"]
        picture = Image.open(path.with_suffix("") / annotation["file_name"])
        assert picture.size == (image["width"], image["height"])
        red, green, blue = np.asarray(picture).astype(int).transpose(2, 0, 1)
        ids_HW = red + 256 * green + 65536 * blue
        np.testing.assert_array_equal(ids_HW, panoptic.ids_HW)
        assert len(annotation["segments_info"]) == len(panoptic.segments)
        for listed, segment in zip(annotation["segments_info"], panoptic.segments):
            rows, columns = np.nonzero(ids_HW == listed["id"])
            assert listed["id"] == segment.id and listed["iscrowd"] == int(segment.is_crowd)
            assert listed["area"] == len(rows)
            x, y, width, height = listed["bbox"]
            assert (x, y) == (columns.min(), rows.min())
            assert (x + width - 1, y + height - 1) == (columns.max(), rows.max())
            assert name_of[listed["category_id"]] == taxonomy.object_names[segment.class_index]


def small(ids=((1, 7, 7),)) -> PanopticMap:
    return PanopticMap(np.array(ids), (PanopticSegment(1, 0), PanopticSegment(7, 1)))


def test_categories_and_ids_are_those_of_coco(tmp_path):
    with PanopticWriter(tmp_path / "answers.json", STREET) as writer:
        writer.add(small(), stem="000000142238", file_name="000000142238.jpg")
    content = json.loads((tmp_path / "answers.json").read_text(encoding="utf-8"))
    assert [(one["id"], one["name"], one["isthing"]) for one in content["categories"]] == [
        *((1, "sky", 0), (3, "car", 1), (90, "Straße", 0))
    ]
    assert content["images"] == [{"id": 142238, "file_name": "000000142238.jpg", "width": 3, "height": 1}]
    assert content["annotations"][0]["file_name"] == "000000142238.png"
    assert [one["category_id"] for one in content["annotations"][0]["segments_info"]] == [1, 3]


@pytest.mark.parametrize(
    ("raw_to_index", "is_colour_coded", "expected"),
    [
        ({}, False, (0, 1)),
        ({5: 0, 6: 1, 255: None, -1: None}, False, (5, 6)),
        ({6: 0, 5: 1}, False, (0, 1)),  # Falling: they would be read in the other order.
        ({5: 0, 6: 1, 7: 1}, False, (0, 1)),  # Two numbers of one class.
        ({5: 0}, False, (0, 1)),  # A class without a number.
        ({-2: 0, 5: 1}, False, (0, 1)),
        ({5: 0, 6: 1}, True, (0, 1)),
    ],
)
def test_category_ids(raw_to_index, is_colour_coded, expected):
    assert category_ids(LabelTable(("a", "b"), raw_to_index, is_colour_coded=is_colour_coded)) == expected


def test_an_empty_map_and_no_image(tmp_path):
    with PanopticWriter(tmp_path / "a.json", STREET) as writer:
        writer.add(PanopticMap(np.zeros((2, 2), int), ()), stem="a", file_name="a.jpg")
    assert CocoPanopticMaps(tmp_path / "a.json", segments=tmp_path / "a")[0].segments == ()
    with PanopticWriter(tmp_path / "b.json", STREET):
        pass
    assert json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))["images"] == []


def test_a_photograph_whose_name_is_no_text(tmp_path):
    with PanopticWriter(tmp_path / "a.json", STREET) as writer:
        writer.add(small(), stem="a", file_name="a\udcff\n.jpg")
    assert CocoPanopticMaps(tmp_path / "a.json", segments=tmp_path / "a").image_file_names == ["a\\udcff\n.jpg"]


def test_a_run_that_fails_leaves_the_old_json(tmp_path):
    for _ in range(2):
        with pytest.raises(RuntimeError), PanopticWriter(tmp_path / "a.json", STREET) as writer:
            writer.add(small(), stem="a", file_name="a.jpg")
            raise RuntimeError
        assert [path.name for path in tmp_path.rglob("*.*")] == ["a.png"]
    with PanopticWriter(tmp_path / "a.json", STREET) as writer:
        writer.add(small(), stem="a", file_name="a.jpg")
    whole = (tmp_path / "a.json").read_bytes()
    with pytest.raises(RuntimeError), PanopticWriter(tmp_path / "a.json", STREET):
        raise RuntimeError
    assert (tmp_path / "a.json").read_bytes() == whole


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"stem": "A"}, r"given once, but got 'A' twice for .*x.json"),
        ({"stem": "../a"}, r"plain file name, but got '\.\./a'"),
        ({"stem": ""}, "plain file name, but got ''"),
        ({"stem": "a\udcff"}, r"plain file name, but got 'a\\udcff'"),
        ({"stem": ".."}, r"plain file name, but got '\.\.'"),
        ({"file_name": "/etc/a.jpg"}, "into the folder of photographs, but got '/etc/a.jpg'"),
        ({"file_name": "../a.jpg"}, r"into the folder of photographs, but got '\.\./a.jpg'"),
        ({"file_name": ""}, "into the folder of photographs, but got ''"),
        ({"panoptic": PanopticMap(np.array([[1]]), (PanopticSegment(1, 3),))}, "one of 3 .* but got 3 for segment 1"),
        ({"panoptic": small([[1, 7, 9]])}, "listed among its segments, but got id 9"),
        ({"panoptic": small([[1, 1, 1]])}, "must have pixels, but got none of id 7"),
    ],
)
def test_refuses(changes, message, tmp_path):
    writer = PanopticWriter(tmp_path / "x.json", STREET)
    writer.add(small(), stem="a", file_name="a.jpg")
    arguments = {"panoptic": small(), "stem": "b", "file_name": "b.jpg"} | changes
    with pytest.raises(BadInput, match=message):
        writer.add(arguments.pop("panoptic"), **arguments)
    assert [path.name for path in tmp_path.rglob("*.*")] == ["a.png"]
    writer.close()
    assert CocoPanopticMaps(tmp_path / "x.json", segments=tmp_path / "x").names == ["a"]


def test_refuses_names_and_places(tmp_path):
    with pytest.raises(BadInput, match=r"must be named NAME.json, but got .*answers"):
        PanopticWriter(tmp_path / "answers", STREET)
    image = WrittenImage("a", "a.jpg", (1, 1), ())
    with pytest.raises(BadInput, match=r"id must occur once, but got 'a' twice for .*x.json"):
        write_panoptic_json(tmp_path / "x.json", [image, image], STREET)
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(BadEnvironment, match="must be writable"):
        PanopticWriter(tmp_path / "taken.json", STREET).add(small(), stem="a", file_name="a.jpg")


def test_the_real_example_survives(shared_folder, tmp_path):
    root: Path = shared_folder / "data" / "coco_panoptic"
    maps = CocoPanopticMaps(root / "panoptic_examples.json", segments=root / "panoptic_examples")
    with PanopticWriter(tmp_path / "again.json", maps.taxonomy) as writer:
        for name, file_name, panoptic in zip(maps.names, maps.image_file_names, maps):
            writer.add(panoptic, stem=name, file_name=file_name)
    ours, theirs = (json.loads(path.read_text()) for path in (tmp_path / "again.json", root / "panoptic_examples.json"))
    theirs["annotations"].sort(key=lambda one: one["file_name"])
    assert ours["annotations"] == theirs["annotations"]  # Ids, categories, areas, boxes, crowds.
    kept = ("id", "name", "isthing", "color")
    assert ours["categories"] == [{key: one[key] for key in kept} for one in theirs["categories"]]
    for path in (root / "panoptic_examples").glob("*.png"):
        np.testing.assert_array_equal(
            np.asarray(Image.open(path)), np.asarray(Image.open(tmp_path / "again" / path.name))
        )
