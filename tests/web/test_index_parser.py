"""The parser of an index is the one whose weights gave its vectors, whatever others are called."""

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lancedb")
sys.path.insert(0, str(Path(__file__).parents[1] / "retrieval"))
from asked_service import Asked, application_of, error_of, png
from tiny_index import save_photograph
from tiny_parser import TAXONOMY, random_image, tiny_parser

from mereo.errors import BadEnvironment
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import save_parser
from mereo.retrieval.index_building import add_to_index
from mereo.retrieval.index_facts import IndexFacts, relative_root
from mereo.retrieval.parse_segments import ParseSegments
from mereo.web.answer_shapes import ParsersAnswer


def indexed(folder: Path, parser: SceneParser, *, named: str) -> Path:
    index, photographs = folder / "index", folder / "photographs"
    paths = [save_photograph(photographs / f"{seed}.png", seed, size=(48, 64)) for seed in range(3)]
    source = ParseSegments(parser)
    facts = IndexFacts(source.fingerprint, named, relative_root(index, photographs), TAXONOMY, {})
    add_to_index(index, paths, source=source, facts=facts)
    return index


def unloadable() -> SceneParser:
    raise BadEnvironment("the hub must answer, but got nothing; try again later.")


def found_in(index: Path, parsers: dict[str, Any], *, default: str) -> Any:
    with application_of(parsers, index=index, default=default) as application:
        ask = Asked(application)
        photograph = ask.parsed(png(random_image(48, 64)), parser=default)["photograph"]
        return ask.post("/v1/find", {"photograph": photograph, "x": 5, "y": 5, "not_this": False})


def test_another_parser_of_that_name_is_passed_over_for_the_one_that_fits(tmp_path: Path) -> None:
    index = indexed(tmp_path, tiny_parser(seed=2), named="runs/everyday")
    parsers = {"everyday": tiny_parser(seed=1), "mine": tiny_parser(seed=2)}
    assert found_in(index, parsers, default="everyday").json()["found"]
    assert found_in(index, {**parsers, "everyday": unloadable}, default="mine").json()["found"]


def test_the_file_that_the_index_names_is_loaded_where_none_of_the_shelf_fits(tmp_path: Path) -> None:
    file = save_parser(tiny_parser(seed=3), tmp_path / "everyday.safetensors")
    index = indexed(tmp_path, tiny_parser(seed=3), named=str(file))
    assert found_in(index, {"everyday": tiny_parser(seed=1)}, default="everyday").json()["found"]


def test_where_nobody_has_the_parser_the_refusal_says_whose_vectors_they_are(tmp_path: Path) -> None:
    index = indexed(tmp_path, tiny_parser(seed=3), named="runs/everyday")
    refusal = error_of(found_in(index, {"everyday": tiny_parser(seed=1)}, default="everyday"), 503)
    assert "vectors must come from the index's own parser (everyday, fingerprint " in refusal
    assert str(tmp_path) not in refusal


def test_an_index_that_was_moved_away_leaves_the_list_of_parsers(tmp_path: Path) -> None:
    index = indexed(tmp_path, tiny_parser(), named="tiny")
    with application_of(index=index) as application:
        ask = Asked(application)
        photograph = ask.parsed(png(random_image(48, 64)))["photograph"]
        assert ask.get("/v1/parsers").json()["index"]["parser"] == "tiny"
        index.rename(tmp_path / "elsewhere")
        told = ParsersAnswer.model_validate_json(ask.get("/v1/parsers").content, strict=True)
        assert told.index is None and [one.name for one in told.parsers] == ["tiny"]
        assert not told.parsers[0].can.find and told.parsers[0].can.click
        refusal = error_of(ask.post("/v1/find", {"photograph": photograph, "x": 5, "y": 5}), 503)
        assert "an index must be a folder that" in refusal and str(tmp_path) not in refusal
        shutil.move(tmp_path / "elsewhere", index)
        assert ask.get("/v1/parsers").json()["index"]["segments"] > 0
