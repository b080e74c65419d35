"""POST /v1/why, /v1/tokens and /v1/find: answers of the network behind the queue, and what is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from asked_service import SIZE, Asked, application_of, error_of, png
from tiny_grouping_parser import tiny_grouping_parser
from tiny_parser import TAXONOMY, tiny_parser

from mereo.parser.config import ParserConfig
from mereo.parser.scene_parser import SceneParser
from mereo.strict_yaml import validated
from mereo.web.answer_shapes import FindAnswer, ParsersAnswer, TokensAnswer, WhyAnswer


def token_parser() -> SceneParser:
    torch.manual_seed(5)
    tokens = {"stage": "concept_tokens", "num_concepts": 6, "width": 8, "feedforward_width": 8, "num_heads": 2}
    content = {"backbone": {"name": "test_efficientnet"}, "path": [{"stage": "projection", "width": 8}, tokens]}
    return validated(ParserConfig, content, source="a test").build(TAXONOMY).eval()


class Finder:
    """Stands for an index; tests/web/test_found_segments.py asks a real one."""

    num_segments, classes = 7, ["sky", "car"]

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.found: list[str] = []
        self.image_folder = Path()

    def prepare(self) -> None:
        return

    def find(self, image_HWC: Any, **asked: Any) -> dict[str, Any]:
        self.asked = {"size": image_HWC.shape[:2], **asked}
        return {"query": {"class": "car", "box_xyxy": [0, 1, 2, 3]}, "found": list(map(self.segment, self.found))}

    def segment(self, image: str) -> dict[str, Any]:
        where = {"image": image, "image_size": [64, 48], "box_xyxy": [0, 1, 2, 3], "shown_xyxy": [0, 0, 4, 4]}
        return {"distance": 0.5, "class": "car", "thumbnail": "", **where}


@pytest.fixture(scope="module")
def ask() -> Iterator[Asked]:
    parsers = {"grouping": tiny_grouping_parser(), "tokens": token_parser(), "plain": tiny_parser()}
    with application_of(parsers) as application:
        yield Asked(application)


@pytest.fixture(scope="module")
def photograph(ask: Asked) -> str:
    return str(ask.parsed()["photograph"])


def test_why_tells_a_heat_for_each_superpixel_of_the_parse(ask: Asked) -> None:
    parse = ask.parsed(parser="grouping")
    answer = ask.post("/v1/why", {"photograph": parse["photograph"], "parser": "grouping", "question": "object=road"})
    told = WhyAnswer.model_validate_json(answer.content, strict=True)
    assert "road" in told.told and len(told.levels) >= 3
    for level in told.levels:
        assert len(level.heat) == parse["groups"]["levels"][0]["num"] and set(level.heat) <= set(range(101))


def test_tokens_the_heaviest_first_or_those_of_a_place(ask: Asked, photograph: str) -> None:
    asked = {"photograph": photograph, "parser": "tokens"}
    told = TokensAnswer.model_validate_json(ask.post("/v1/tokens", asked).content, strict=True)
    assert len(told.tokens) == 6
    assert [one.mass for one in told.tokens] == sorted((one.mass for one in told.tokens), reverse=True)
    at_place = ask.post("/v1/tokens", asked | {"x": 3, "y": 4}).json()["tokens"]
    assert {one["token"] for one in at_place} == {one.token for one in told.tokens}


@pytest.mark.parametrize(
    ("path", "change", "status", "match"),
    [
        ("/v1/why", {"parser": "plain", "question": "object=road"}, 400, "must have the stage deep_grouping"),
        ("/v1/why", {"parser": "grouping", "question": "object=cat"}, 400, "the class of a question must be one of"),
        ("/v1/why", {"parser": "grouping", "question": "road"}, 400, "a question must be TASK=CLASS"),
        (
            "/v1/why",
            {"parser": "none", "question": "object=road"},
            404,
            "parser must be one of grouping, tokens, plain",
        ),
        ("/v1/why", {"parser": "grouping"}, 422, "body.question must "),
        ("/v1/tokens", {"parser": "plain"}, 400, "a parser must gather tokens to explain them"),
        ("/v1/tokens", {"parser": "tokens", "x": 1}, 400, "x and y must be given together"),
        ("/v1/tokens", {"parser": "tokens", "x": SIZE[1], "y": 0}, 400, "a point must lie in the picture of 64x48"),
        ("/v1/find", {"x": 1, "y": 1}, 404, "the service must have an index to search"),
        ("/v1/find", {"x": 1, "y": 1, "top": 0}, 422, "body.top must "),
        ("/v1/find", {"x": 1, "y": 1, "top": 10**6}, 422, "body.top must "),
        ("/v1/find", {"x": 1}, 422, "body.y must "),
    ],
)
def test_questions_that_make_no_sense(
    ask: Asked, photograph: str, path: str, change: dict[str, Any], status: int, match: str
) -> None:
    assert match in error_of(ask.post(path, {"photograph": photograph} | change), status)


@pytest.mark.parametrize("path", ["/v1/why", "/v1/tokens", "/v1/find"])
def test_a_photograph_must_be_kept(ask: Asked, path: str) -> None:
    content = {"/v1/why": {"parser": "grouping", "question": "object=road"}, "/v1/tokens": {"parser": "tokens"}}
    asked = {"photograph": "gone"} | content.get(path, {"x": 0, "y": 0})
    assert "photograph must be one that is still kept" in error_of(ask.post(path, asked), 404)


def test_an_index_is_asked_and_told_of(ask: Asked, photograph: str, monkeypatch: pytest.MonkeyPatch) -> None:
    finder = Finder()
    monkeypatch.setattr(ask.service, "finder", finder)
    monkeypatch.setattr(ask.service, "index_parser", "grouping")
    told = ParsersAnswer.model_validate_json(ask.get("/v1/parsers").content, strict=True).index
    assert told is not None
    assert told.model_dump() == {"segments": 7, "parser": "grouping", "classes": ["sky", "car"]}
    assert ask.parsed(parser="plain")["can"]["find"] is True
    asked = {"photograph": photograph, "x": 3, "y": 4, "top": 5, "class": "car", "not_this": False}
    answer = ask.post("/v1/find", asked)
    assert FindAnswer.model_validate_json(answer.content, strict=True).query.class_name == "car"
    assert finder.asked | {"name": ""} == {
        "size": SIZE,
        "name": "",
        "x": 3,
        "y": 4,
        "top": 5,
        "class_name": "car",
        "not_this": False,
    }
    ask.post("/v1/find", {"photograph": photograph, "x": 0, "y": 0})
    assert (finder.asked["top"], finder.asked["class_name"], finder.asked["not_this"]) == (20, None, True)


def test_what_is_found_in_the_folder_is_told_by_its_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A photograph of the same name in another folder is another one."""
    photographs, other = tmp_path / "photographs", tmp_path / "other"
    for folder in (photographs, other):
        (folder / "b").mkdir(parents=True)
        (folder / "b" / "2.png").write_bytes(png())
    (photographs / "10.png").write_bytes(png())
    finder = Finder()
    with application_of(folder=photographs) as application:
        ask = Asked(application)
        monkeypatch.setattr(ask.service, "finder", finder)
        asked = {"photograph": ask.parsed()["photograph"], "x": 3, "y": 4}
        listed = {one["name"]: one["number"] for one in ask.get("/v1/folder").json()["photographs"]}
        finder.found = ["10.png", "b/2.png", "gone.png"]
        finder.image_folder = tmp_path / "other" / ".." / "photographs"
        told = FindAnswer.model_validate_json(ask.post("/v1/find", asked).content, strict=True).found
        assert [one.folder for one in told] == [listed["10.png"], listed["b/2.png"], None]
        finder.image_folder = other
        assert [one["folder"] for one in ask.post("/v1/find", asked).json()["found"]] == [None] * 3
