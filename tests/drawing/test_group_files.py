"""Groups on disk: read again they are those of the parse, in single files and in a folder for the page."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.assembly.parse import Parse
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.drawing.parse_files import save_for_page, save_parse

GROUPS = tuple(np.array(group_R) for group_R in ([0, 1, 2], [0, 0, 1], [0, 0, 0]))


def parse() -> Parse:
    image_HWC = np.zeros((4, 8, 3), dtype=np.uint8)
    superpixel_hw = np.array([[0, 0, 1, 1], [2, 2, 2, -1]])
    groups = GroupedPhotograph(image_HWC, superpixel_hw, {"nearest": GROUPS, "product": GROUPS})
    semantic_HW = np.zeros((4, 8), dtype=np.int32)
    return Parse(image_HWC, semantic_HW, Taxonomy("t", LabelTable(("sky", "road"))), name="x", groups=groups)


def require_groups(superpixels: Path, levels: Path) -> None:
    number_HW = np.asarray(Image.open(superpixels))
    assert number_HW.dtype == np.uint16
    assert number_HW.tolist() == [[0] * 4 + [1] * 4] * 2 + [[2] * 6 + [65535] * 2] * 2
    content = json.loads(levels.read_text())
    assert content["superpixels"] == 3
    assert [(one["level"], one["groups"]) for one in content["levels"]] == [(2, 2), (3, 1)]
    assert [one["group_of_superpixel"] for one in content["levels"]] == [[0, 0, 1], [0, 0, 0]]


def test_beside_a_saved_parse(tmp_path: Path) -> None:
    files = save_parse(parse(), tmp_path)
    assert files.groups is not None
    require_groups(files.groups.superpixels, files.groups.groups)
    described = json.loads(files.description.read_text())
    assert described["files"]["superpixels"] == "x.superpixels.png" and described["files"]["groups"] == "x.groups.json"
    assert described["groups"]["levels"] == [{"level": 2, "groups": 2}, {"level": 3, "groups": 1}]


def test_in_a_folder_of_parses(tmp_path: Path) -> None:
    image = save_for_page(parse(), tmp_path, stem="x", source="x.jpg").to_dict()
    require_groups(tmp_path / image["files"]["superpixels"], tmp_path / image["files"]["groups"])
    assert image["groups"]["superpixels"] == 3


def test_nothing_without_groups(tmp_path: Path) -> None:
    plain = replace(parse(), groups=None)
    assert save_parse(plain, tmp_path).groups is None
    image = save_for_page(plain, tmp_path / "page", stem="x", source="x.jpg").to_dict()
    assert "superpixels" not in image["files"] and "groups" not in image
