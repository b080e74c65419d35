"""Where no parser is named, the built-in one that answers all tasks and groups does."""

import json
from pathlib import Path

import pytest
from PIL import Image

from mereo.commands.main import run
from mereo.data.drawn_scenes import draw_scene
from mereo.evaluation.evaluate import pixels_of
from mereo.parser.weights import DEFAULT_PARSER, built_in_parsers


@pytest.fixture(scope="module")
def photograph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "street.png"
    Image.fromarray(pixels_of(draw_scene(3, 0, size=(120, 160), kind="street"))).save(path)
    return path


@pytest.mark.slow
def test_group_without_a_parser(photograph: Path, tmp_path: Path) -> None:
    assert run(["group", str(photograph), "--click", "80,100", "--out", str(tmp_path)]) == 0
    content = json.loads((tmp_path / "grouping.json").read_text())
    assert [one["level"] for one in content["levels"]] == [1, 2, 3, 4] and 0 < content["share"] <= 1
    assert "the terms of these data sets" in (tmp_path / "index.html").read_text(), "those of everyday"


@pytest.mark.slow
def test_explain_why_without_a_parser(photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", str(photograph), "--why", "object=vegetation", "--out", str(tmp_path)]) == 0
    assert "vegetation is" in capsys.readouterr().out, "a class of everyday, which street does not know"


def test_views_that_it_lacks_are_refused(photograph: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", str(photograph), "--tokens", "--out", str(tmp_path / "out")]) == 2
    assert "tokens" in capsys.readouterr().err


@pytest.mark.slow
def test_parse_without_a_parser(photograph: Path, tmp_path: Path) -> None:
    assert run(["parse", str(photograph), "--out", str(tmp_path)]) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert "vegetation" in report["taxonomy"]["classes"] and report["images"][0]["unfamiliarity"] > 0
    assert {"parts", "materials", "superpixels"} <= report["images"][0]["files"].keys()


def test_models_shows_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models"]) == 0
    out = capsys.readouterr().out
    assert DEFAULT_PARSER == "everyday" and set(built_in_parsers()) == {"concepts", "drawn", "everyday", "street"}
    assert out.startswith("everyday (default) - Everyday things")
    assert "\ndrawn - Drawn streets" in out and "\nstreet - Streets" in out
    assert "  parts       " in out and "  materials   " in out, "names of every task"
    assert "Twelve objects of streets, facades, cars and people" in " ".join(out.split())


@pytest.mark.parametrize("verb", ["parse", "group", "explain"])
def test_the_help_says_so(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([verb, "--help"]) == 0
    assert "everyday" in capsys.readouterr().out
