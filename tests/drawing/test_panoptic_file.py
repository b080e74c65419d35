"""`panoptic/` and panoptic.json of a folder of parses: read back, they are the parses."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mereo.assembly.panoptic_segments import panoptic_map
from mereo.assembly.parse import Parse
from mereo.data.formats.coco_panoptic_format import CocoPanopticSamples
from mereo.data.formats.coco_panoptic_maps import CocoPanopticMaps
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.drawing.panoptic_file import names_within_one_folder, write_panoptic_file
from mereo.drawing.parse_files import save_for_page

TAXONOMY = Taxonomy("street", LabelTable(("sky", "car", "road")), (False, True, False))


def parse_of(seed: int, name: str, has_instances: bool = True) -> Parse:
    random = np.random.default_rng(seed)
    semantic_HW = np.kron(random.integers(0, 3, (4, 5)), np.ones((4, 4), int)).astype(np.uint8)
    instances_HW = np.where(semantic_HW == 1, np.kron(random.integers(0, 3, (4, 5)), np.ones((4, 4), int)), 0)
    image_HWC = random.integers(0, 256, (16, 20, 3)).astype(np.uint8)
    return Parse(image_HWC, semantic_HW, TAXONOMY, name=name, instances=instances_HW if has_instances else None)


def test_read_back(tmp_path: Path) -> None:
    parses = [parse_of(0, "a"), parse_of(1, "b", has_instances=False), parse_of(2, "a")]
    sources = ["in/a.jpg", "in/b.jpg", "in/deep/a.jpg"]
    images = [
        save_for_page(parse, tmp_path, stem=stem, source=source)
        for parse, stem, source in zip(parses, ("a", "000000000007", "a-2"), sources, strict=True)
    ]
    path = write_panoptic_file(tmp_path, images, TAXONOMY)
    assert path == tmp_path / "panoptic.json"
    maps = CocoPanopticMaps(path, segments=tmp_path / "panoptic")
    assert dict(zip(maps.image_ids, maps.image_file_names)) == {"a": "a.jpg", 7: "b.jpg", "a-2": "deep/a.jpg"}
    assert maps.taxonomy.object_names == TAXONOMY.object_names and maps.taxonomy.is_thing == TAXONOMY.is_thing
    for index, name in enumerate(maps.names):
        number = ("a", "000000000007", "a-2").index(name)
        expected = panoptic_map(parses[number])
        np.testing.assert_array_equal(maps[index].ids_HW, expected.ids_HW)
        assert maps[index].segments == expected.segments
        described = images[number].to_dict()
        assert described["files"]["panoptic"] == f"panoptic/{name}.png"
        for segment in described["segments"]:
            assert (maps[index].ids_HW == segment["panoptic_id"]).sum() == segment["area_pixels"]
    before = path.read_bytes()
    assert write_panoptic_file(tmp_path, images, TAXONOMY).read_bytes() == before


def test_parses_are_labels_to_train_on(tmp_path: Path) -> None:
    parse = parse_of(3, "a")
    image = save_for_page(parse, tmp_path, stem="a", source="photographs/a.jpg")
    path = write_panoptic_file(tmp_path, [image], TAXONOMY)
    (sample,) = CocoPanopticSamples(path, segments=tmp_path / "panoptic", images=tmp_path / "photographs")
    np.testing.assert_array_equal(sample.semantic_HW.numpy(), parse.semantic)


def test_images_without_a_panoptic_png_are_left_out(tmp_path: Path) -> None:
    images = [save_for_page(parse_of(5, stem), tmp_path, stem=stem, source=f"{stem}.jpg") for stem in ("a", "b")]
    images[0] = replace(images[0], panoptic=None, panoptic_segments=())
    path = write_panoptic_file(tmp_path, images, TAXONOMY)
    assert CocoPanopticMaps(path, segments=tmp_path / "panoptic").names == ["b"]
    assert "panoptic" not in images[0].to_dict()["files"]


def test_areas_and_boxes_of_the_json_are_those_of_the_pixels(tmp_path: Path) -> None:
    image = save_for_page(parse_of(4, "a"), tmp_path, stem="a", source="a.jpg")
    content = json.loads(write_panoptic_file(tmp_path, [image], TAXONOMY).read_text(encoding="utf-8"))
    ids_HW = CocoPanopticMaps(tmp_path / "panoptic.json", segments=tmp_path / "panoptic")[0].ids_HW
    assert len(content["annotations"][0]["segments_info"]) >= 4
    for listed in content["annotations"][0]["segments_info"]:
        rows, columns = np.nonzero(ids_HW == listed["id"])
        x, y, width, height = listed["bbox"]
        assert listed["area"] == len(rows) and listed["iscrowd"] == 0
        assert (x, y, x + width, y + height) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        ([], []),
        (["a.jpg"], ["a.jpg"]),
        (["in/z/a.jpg", "in/a.jpg"], ["z/a.jpg", "a.jpg"]),
        (["/data/x/a.jpg", "/data/y/a.jpg"], ["x/a.jpg", "y/a.jpg"]),
        (["../a.jpg", "b.jpg"], ["a.jpg", "{here}/b.jpg"]),
    ],
)
def test_names_within_one_folder(sources, names, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert names_within_one_folder(sources) == [name.format(here=tmp_path.name) for name in names]
