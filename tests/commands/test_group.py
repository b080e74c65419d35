"""`mereo group` as a user meets it."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_grouping_parser import tiny_grouping_parser
from tiny_parser import random_image, tiny_parser

from mereo.commands.main import run
from mereo.interaction.clicks import Click, clicked_mask, group_photograph
from mereo.parser.weights import save_parser

IMAGE_HWC = random_image(61, 83)


@pytest.fixture
def line(tmp_path: Path) -> list[str]:
    Image.fromarray(IMAGE_HWC).save(tmp_path / "photo.png")
    save_parser(tiny_grouping_parser(), tmp_path / "grouping.safetensors")
    parser = str(tmp_path / "grouping.safetensors")
    return ["group", str(tmp_path / "photo.png"), "--parser", parser, "--out", str(tmp_path / "out")]


def test_without_out_the_folder_is_called_grouped(
    line: list[str], tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([*line[: line.index("--out")], "--click", "3,4"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(Path("grouped") / "index.html")
    assert "mask" in stems(tmp_path / "grouped")


def stems(folder: Path) -> set[str]:
    return {path.name.split(".")[0] for path in folder.iterdir()}


def test_a_mask_pictures_and_a_page(line: list[str], tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "out"
    options = ["--click", "3,4", "--click", "70, 50,-", "--click", "5,30,+", "--level", "2", "--rule", "product"]
    assert run([*line, *options]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 3 and printed[0].startswith("level 1: ") and printed[2] == str(out / "index.html")
    assert stems(out) == {
        "index",
        "photograph",
        "mask",
        "chosen",
        "grouping",
        *(f"level_{one}" for one in (1, 2, 3, 4)),
    }
    clicks = [Click(3, 4), Click(70, 50, False), Click(5, 30)]
    photograph = group_photograph(tiny_grouping_parser(), IMAGE_HWC)
    wanted_HW = clicked_mask(photograph, clicks, level=2, rule="product")
    with Image.open(out / "mask.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), wanted_HW)
    content = json.loads((out / "grouping.json").read_text())
    assert content["share"] == pytest.approx(float(wanted_HW.mean()), abs=1e-6) and 0 < content["share"] < 1
    assert content["clicks"][1] == {"x": 70, "y": 50, "adds": False}
    assert (content["width"], content["height"], content["level"], content["rule"]) == (83, 61, 2, "product")
    wanted = [{"level": one, "groups": photograph.num_groups(one, rule="product")} for one in (1, 2, 3, 4)]
    assert content["levels"] == wanted


def test_without_clicks(line: list[str], tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(line) == 0 and len(capsys.readouterr().out.splitlines()) == 2
    assert stems(tmp_path / "out") == {"index", "photograph", "grouping", *(f"level_{one}" for one in (1, 2, 3, 4))}
    assert "clicks" not in json.loads((tmp_path / "out" / "grouping.json").read_text())


def test_without_clicks_nothing_of_an_earlier_choice_stays(line: list[str], tmp_path: Path) -> None:
    assert run([*line, "--click", "3,4"]) == 0
    (tmp_path / "out" / "mine.png").write_bytes(b"of somebody")
    assert {"mask", "chosen"} <= stems(tmp_path / "out")
    assert run(line) == 0
    assert not {"mask", "chosen"} & stems(tmp_path / "out") and "mine" in stems(tmp_path / "out")


def test_the_coarsest_level_if_none_is_named(line: list[str], tmp_path: Path) -> None:
    assert run([*line, "--click", "3,4"]) == 0
    assert json.loads((tmp_path / "out" / "grouping.json").read_text())["level"] == 4


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--click", "3"], "--click must be X,Y or X,Y,-, but got '3'; e.g. 120,80 or 120,80,-."),
        (["--click", "3,4,*"], "--click must be X,Y or X,Y,-, but got '3,4,*'"),
        (["--click", "3,4,-,5"], "--click must be X,Y or X,Y,-"),
        (["--click", "nan,4"], "--click must be X,Y or X,Y,-, but got 'nan,4'"),
        (["--click", "3,-4"], "--click must be X,Y or X,Y,-, but got '3,-4'"),
        (["--click", "83,0"], "a click must lie in the photograph of 83x61, but got 83,0; choose another."),
        (["--click", "3,4", "--level", "5"], "level must be 1 to 4, but got 5; 1 are the superpixels."),
        (["--level", "0"], "level must be 1 to 4, but got 0"),
        (["--max-pixels", "10"], "pixels"),
    ],
)
def test_bad_arguments(
    options: list[str], words: str, line: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert run([*line, *options]) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 1 and words in errors[0]
    assert not (tmp_path / "out").exists()


def test_other_failures(line: list[str], tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    save_parser(tiny_parser(), tmp_path / "plain.safetensors")
    assert run([*line[:3], str(tmp_path / "plain.safetensors"), *line[4:]]) == 2
    assert "a parser must have the stage deep_grouping on its path to group" in capsys.readouterr().err
    assert run([*line[:5], line[1]]) == 2
    assert "--out must be a folder, but got a file" in capsys.readouterr().err
    assert run([*line, "--rule", "best"]) == 2
