"""Answers beside labels: what they may leave out, and what must agree. (Reading itself: test_coco_panoptic_format.)"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mereo.data.formats.coco_panoptic_maps import CocoPanopticMaps
from mereo.data.formats.coco_panoptic_writing import PanopticWriter
from mereo.data.panoptic_map import PanopticMap, PanopticSegment
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput

STREET = Taxonomy("street", LabelTable(("sky", "car"), {4: 0, 9: 1}), (False, True))


def write(path: Path, stems=("a", "b")) -> dict[str, Any]:
    panoptic = PanopticMap(np.array([[0, 1, 7, 7]]), (PanopticSegment(1, 0), PanopticSegment(7, 1, is_crowd=True)))
    with PanopticWriter(path, STREET) as writer:
        for stem in stems:
            writer.add(panoptic, stem=stem, file_name=f"{stem}.jpg")
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def labels(tmp_path) -> CocoPanopticMaps:
    write(tmp_path / "labels.json")
    return CocoPanopticMaps(tmp_path / "labels.json", segments=tmp_path / "labels")


def answers(tmp_path: Path, labels: CocoPanopticMaps, content: dict[str, Any]) -> CocoPanopticMaps:
    (tmp_path / "answers.json").write_text(json.dumps(content))
    return CocoPanopticMaps(tmp_path / "answers.json", segments=tmp_path / "answers", labels=labels)


def test_answers_may_leave_out_images_and_categories(tmp_path, labels):
    content = write(tmp_path / "answers.json")
    found = answers(tmp_path, labels, {"annotations": content["annotations"]})
    assert found.taxonomy is labels.taxonomy and found.image_ids == ["a", "b"]
    assert found[1].segments == labels[1].segments
    assert labels.categories_of(0).tolist() == [[-1, 4, 9, 9]]


def test_answers_may_have_categories_of_their_own_that_they_do_not_use(tmp_path, labels):
    content = write(tmp_path / "answers.json")
    content["categories"] = [{"id": 1, "name": "moon", "isthing": 1}, *content["categories"]]
    found = answers(tmp_path, labels, content)
    assert found[0].segments == labels[0].segments and found.taxonomy.object_names == ["sky", "car"]


def test_one_number_must_mean_one_thing(tmp_path, labels):
    content = write(tmp_path / "answers.json")
    content["categories"][1]["name"] = "cat"
    with pytest.raises(BadInput, match="category 9 must be 'car' as in .*labels.json, but got 'cat' in .*answers.json"):
        answers(tmp_path, labels, content)


def test_a_category_that_the_labels_lack_is_named(tmp_path, labels):
    content = write(tmp_path / "answers.json")
    content["categories"].append({"id": 5, "name": "moon", "isthing": 1})
    content["annotations"][1]["segments_info"][1]["category_id"] = 5
    with pytest.raises(BadInput, match="one of those in .*labels.json, but got 5 for segment 7 of b.png in .*answers"):
        answers(tmp_path, labels, content)
    del content["categories"]
    with pytest.raises(BadInput, match="one of categories, but got 5 for segment 7 of b.png"):
        answers(tmp_path, labels, content)


def test_files_must_be_there(tmp_path, labels):
    content = write(tmp_path / "answers.json")
    (tmp_path / "answers" / "b.png").unlink()
    with pytest.raises(BadInput, match="must exist, but got none in .*b.png .*answers.json"):
        answers(tmp_path, labels, content)
    with pytest.raises(BadInput, match="at least one image, but got none in .*answers.json"):
        answers(tmp_path, labels, {"annotations": []})
    with pytest.raises(BadInput, match=r"must be valid, but got: \(top\)"):
        answers(tmp_path, labels, ["annotations"])
