"""Segments like one of a photograph: the nearest of the index, the photograph itself left out, an index that grows."""

import base64
import io
import json
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("lancedb")
sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
sys.path.insert(0, str(Path(__file__).parents[1] / "retrieval"))
from tiny_index import build
from tiny_parser import random_image, tiny_parser

from mereo.errors import BadEnvironment, BadInput
from mereo.parser.scene_parser import SceneParser
from mereo.retrieval.nearest_segments import nearest_segments
from mereo.retrieval.parse_segments import ParseSegments
from mereo.retrieval.segment_index import SegmentIndex
from mereo.web import found_segments
from mereo.web.found_segments import SegmentFinder

PARSER = tiny_parser()


def save(path: Path, seed: int) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    image_HWC = random_image(48, 64, seed=seed)
    Image.fromarray(image_HWC).save(path)
    return image_HWC


def indexed(folder: Path, *, count: int = 5, parser: SceneParser = PARSER) -> Path:
    for seed in range(count):
        save(folder / "photographs" / f"{seed}.png", seed)
    build(folder / "index", folder / "photographs", source=ParseSegments(parser))
    return folder / "index"


class Loading:
    """Counts parsers that are loaded, and photographs that are parsed."""

    def __init__(self, parser: SceneParser = PARSER) -> None:
        self.parser, self.names, self.parses = parser, [], 0
        self.hook = parser.register_forward_hook(lambda *arguments: setattr(self, "parses", self.parses + 1))

    def __call__(self, name: str) -> Iterator[SceneParser]:
        self.names.append(name)
        yield self.parser


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return indexed(tmp_path)


def ask(finder: SegmentFinder, image_HWC: np.ndarray, **others: Any) -> dict[str, Any]:
    options: dict[str, Any] = {"x": 5, "y": 5, "top": 20, "class_name": None, "not_this": False}
    return finder.find(image_HWC, name="a.jpg", **options | others)


def test_what_is_found_is_what_the_index_finds(index: Path) -> None:
    finder, image_HWC = SegmentFinder(index, lambda name: [PARSER]), random_image(48, 64, seed=9)
    answer = ask(finder, image_HWC, top=6)
    segments = ParseSegments(PARSER)(image_HWC)
    position = segments.at(5, 5)
    wanted = nearest_segments(SegmentIndex.open(index), segments.vector_ND[position], top=6)
    assert json.loads(json.dumps(answer)) == answer
    names = PARSER.taxonomy.object_names
    assert answer["query"] == {
        "class": names[segments.class_index_N[position]],
        "box_xyxy": segments.box_N4[position].tolist(),
    }
    assert [(one["image"], one["class"], one["box_xyxy"]) for one in answer["found"]] == [
        (one.image, one.class_name, list(one.box_xyxy)) for one in wanted
    ]
    assert [one["distance"] for one in answer["found"]] == pytest.approx([one.distance for one in wanted], abs=1e-5)
    assert all(one["image_size"] == [64, 48] for one in answer["found"])
    with Image.open(io.BytesIO(base64.b64decode(answer["found"][0]["thumbnail"]))) as picture:
        assert picture.format == "JPEG"


def test_only_of_a_class(index: Path) -> None:
    finder, image_HWC = SegmentFinder(index, lambda name: [PARSER]), random_image(48, 64, seed=9)
    classes = {one["class"] for one in ask(finder, image_HWC)["found"]}
    assert len(classes) > 1 and classes <= set(finder.classes) == set(PARSER.taxonomy.object_names)
    for name in classes:
        assert {one["class"] for one in ask(finder, image_HWC, class_name=name)["found"]} == {name}
    with pytest.raises(BadInput, match="but got 'rode'; did you mean 'road'"):
        ask(finder, image_HWC, class_name="rode")


def test_the_photograph_itself_is_left_out_with_all_its_segments(index: Path) -> None:
    finder, image_HWC = SegmentFinder(index, lambda name: [PARSER]), random_image(48, 64, seed=2)
    everything = ask(finder, image_HWC, top=500)["found"]
    assert everything[0]["image"] == "2.png" and everything[0]["distance"] == 0
    others = ask(finder, image_HWC, top=500, not_this=True)["found"]
    assert others == [one for one in everything if one["image"] != "2.png"] and others
    for name in {one["class"] for one in everything}:
        found = ask(finder, image_HWC, top=500, not_this=True, class_name=name)["found"]
        assert found == [one for one in others if one["class"] == name], "also where the class is another"


def test_copies_of_other_bytes_are_the_photograph_too(tmp_path: Path) -> None:
    image_HWC = save(tmp_path / "photographs" / "copy.png", 2)
    Image.fromarray(image_HWC).save(tmp_path / "photographs" / "copy.bmp")
    Image.fromarray(image_HWC).save(tmp_path / "photographs" / "copy.tif")
    finder = SegmentFinder(indexed(tmp_path), lambda name: [PARSER])
    images = {one["image"] for one in ask(finder, image_HWC, top=500)["found"]}
    assert {"copy.bmp", "copy.tif"} < images and len(images) == 7
    for top in (1, 3, 500):
        found = ask(finder, image_HWC, top=top, not_this=True)["found"]
        assert {one["image"] for one in found} <= {"0.png", "1.png", "3.png", "4.png"}
        assert len(found) == min(top, finder.num_segments - 3 * len(ParseSegments(PARSER)(image_HWC)))


def test_a_photograph_of_another_size_is_another_one(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finder, image_HWC = SegmentFinder(index, lambda name: [PARSER]), random_image(48, 64, seed=2)
    monkeypatch.setattr(found_segments, "SAME_DISTANCE", 2.0)
    assert ask(finder, image_HWC, not_this=True)["found"] == [], "all are of this size, and near enough now"
    assert ask(finder, image_HWC[:, :56], not_this=True)["found"]


def test_a_second_question_about_a_photograph_takes_no_parse(index: Path) -> None:
    load = Loading()
    finder = SegmentFinder(index, load)
    assert load.names == [] and finder.num_segments == len(SegmentIndex.open(index)), "no parser is loaded for that"
    images = [random_image(48, 64, seed=seed) for seed in range(9)]
    ask(finder, images[0])
    ask(finder, images[0].copy(), x=60, y=40, top=3)
    assert load.parses == 1 and load.names == ["stripes"]
    for image_HWC in images[1:]:
        ask(finder, image_HWC)
    ask(finder, images[1])
    assert load.parses == 9
    ask(finder, images[0])
    assert load.parses == 10, "eight are remembered, and it was the ninth"
    load.hook.remove()


def test_what_is_remembered_is_bounded_by_its_bytes(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = Loading()
    finder = SegmentFinder(index, load)
    images = [random_image(48, 64, seed=seed) for seed in range(3)]
    ask(finder, images[0])
    one = finder.remembered_bytes
    assert one >= 2 * 48 * 64, "the map of its segments"
    monkeypatch.setattr(found_segments, "MAX_REMEMBERED_BYTES", int(2.5 * one))
    for image_HWC in images[1:]:
        ask(finder, image_HWC)
    assert load.parses == 3 and finder.remembered_bytes <= 2.5 * one
    ask(finder, images[2])
    assert load.parses == 3
    ask(finder, images[0])
    assert load.parses == 4, "it went when the third came"
    monkeypatch.setattr(found_segments, "MAX_REMEMBERED_BYTES", 1)
    ask(finder, images[1])
    ask(finder, images[1])
    assert load.parses == 5, "the newest is remembered, whatever its size"
    load.hook.remove()


def test_an_index_that_grew_is_seen(index: Path) -> None:
    finder, image_HWC = SegmentFinder(index, lambda name: [PARSER]), random_image(48, 64, seed=77)
    before = finder.num_segments
    assert ask(finder, image_HWC)["found"][0]["distance"] > 0
    save(index.parent / "photographs" / "new.png", 77)
    build(index, index.parent / "photographs", source=ParseSegments(PARSER))
    assert finder.num_segments > before
    assert ask(finder, image_HWC)["found"][0]["image"] == "new.png"


def test_an_index_built_anew_with_another_parser_asks_that_one(tmp_path: Path) -> None:
    parsers = {"first": PARSER, "second": tiny_parser(seed=5)}
    current, index = ["first"], indexed(tmp_path)
    finder, image_HWC = SegmentFinder(index, lambda name: [parsers[current[0]]]), random_image(48, 64, seed=2)
    assert ask(finder, image_HWC)["found"][0]["distance"] == 0
    shutil.rmtree(index)
    indexed(tmp_path, parser=parsers["second"])
    with pytest.raises(
        BadEnvironment, match=r"vectors must come from the index's own parser .* for index; pass that parser"
    ):
        ask(finder, image_HWC)
    current[0] = "second"
    assert ask(finder, image_HWC)["found"][0]["distance"] == 0


def test_errors_name_no_path(index: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="a point must lie on the photograph"):
        ask(SegmentFinder(index, lambda name: [PARSER]), random_image(48, 64), x=64)
    with pytest.raises(BadInput, match="top must be from 1 to 10000, but got 0"):
        ask(SegmentFinder(index, lambda name: [PARSER]), random_image(48, 64), top=0)
    finder = SegmentFinder(index, lambda name: [PARSER])
    shutil.rmtree(index)
    for question in (lambda: finder.num_segments, lambda: ask(finder, random_image(48, 64))):
        with pytest.raises(BadEnvironment, match="an index must be a folder that .* but got 'index'") as raised:
            question()
        assert str(tmp_path) not in str(raised.value)
    with pytest.raises(BadInput, match="an index must be a folder that"):
        SegmentFinder(tmp_path, lambda name: [PARSER])


def test_many_may_ask_at_once(index: Path) -> None:
    finder, answers = SegmentFinder(index, lambda name: [PARSER]), []

    def question(seed: int) -> None:
        answers.append((seed, ask(finder, random_image(48, 64, seed=seed))["found"][0]["image"]))

    threads = [threading.Thread(target=question, args=(seed % 5,)) for seed in range(15)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted((seed % 5, f"{seed % 5}.png") for seed in range(15))
