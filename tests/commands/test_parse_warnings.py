"""What `mereo parse` does with a parse's warnings: the terminal, report.json, the page, and a picture read in bands."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mereo.assembly.parse import Parse
from mereo.commands import parse as command
from mereo.commands.main import run
from mereo.drawing.parse_files import save_parse

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))
from test_familiarity_fit import NOISE_HWC, Pictures, kind_of
from tiny_mask_parser import mask_parser
from tiny_parser import tiny_parser

from mereo.evaluation.familiarity_fit import fit_familiarity
from mereo.parser.scene_parser import SceneParser

SENTENCE = "this picture is unlike those that the parser was trained on (distance"


@pytest.fixture(scope="module")
def knowing() -> SceneParser:
    parser = tiny_parser()
    parser.familiarity = fit_familiarity(parser, Pictures(0, 30), Pictures(100, 30)).familiarity
    return parser


@pytest.fixture
def parser(knowing: SceneParser, monkeypatch: pytest.MonkeyPatch) -> SceneParser:
    monkeypatch.setattr(command, "open_parser", lambda name, device: knowing)
    return knowing


def photographs(folder: Path, num_odd: int) -> Path:
    folder.mkdir()
    Image.fromarray(kind_of(500)).save(folder / "familiar.png")
    for number in range(num_odd):
        Image.fromarray(np.roll(NOISE_HWC, number, axis=0)).save(folder / f"odd {number}.png")
    return folder


def test_terminal_report_and_page(parser: SceneParser, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["parse", str(photographs(tmp_path / "in", 2)), "--out", str(tmp_path / "out")]) == 0
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert len(lines) == 2 and all(SENTENCE in line for line in lines)
    assert lines[0].startswith(f"warning: {tmp_path / 'in' / 'odd 0.png'}: ")
    assert captured.out.splitlines()[-1] == str(tmp_path / "out" / "index.html"), "the page stays the last line"
    familiar, *odd = json.loads((tmp_path / "out" / "report.json").read_text())["images"]
    assert familiar["warnings"] == [] and familiar["unfamiliarity"] < 2
    assert all(len(one["warnings"]) == 1 and one["unfamiliarity"] > 2 for one in odd)
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.count('class="warned">This picture is unlike') == 2
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    assert [len(image["warnings"]) for image in data["images"]] == [0, 1, 1]


def test_of_many_some_are_told(parser: SceneParser, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["parse", str(photographs(tmp_path / "in", 8)), "--out", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6 and lines[-1] == "warning: 3 more are in report.json"


def test_a_picture_in_bands(parser: SceneParser, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, image_HWC in (("odd", NOISE_HWC), ("familiar", kind_of(500))):
        Image.fromarray(image_HWC).save(tmp_path / f"{name}.tif")
        options = ["--tile", "64", "--max-pixels", "1000", "--out", str(tmp_path / name)]
        assert run(["parse", str(tmp_path / f"{name}.tif"), *options]) == 0
        assert (SENTENCE in capsys.readouterr().err) == (name == "odd")
        (image,) = json.loads((tmp_path / name / "report.json").read_text())["images"]
        assert image["files"]["labels"].endswith(".tif"), "it came in bands"
        whole = parser.parse(image_HWC)
        assert image["unfamiliarity"] == pytest.approx(whole.unfamiliarity, abs=1e-3)
        assert image["warnings"] == list(whole.warnings)


def test_a_picture_in_bands_says_that_its_things_are_merged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "open_parser", lambda name, device: mask_parser(answers="panoptic"))
    Image.fromarray(NOISE_HWC).save(tmp_path / "a.tif")
    told = "things were not told apart, since the picture was read in bands: those of one class are one segment"
    for max_pixels, is_in_bands in (("1000", True), ("1000000", False)):
        options = ["--tile", "64", "--max-pixels", max_pixels, "--out", str(tmp_path / max_pixels)]
        assert run(["parse", str(tmp_path / "a.tif"), *options]) == 0
        assert (told in capsys.readouterr().err) == is_in_bands
        (image,) = json.loads((tmp_path / max_pixels / "report.json").read_text())["images"]
        assert image.get("warnings", []) == ([told] if is_in_bands else [])


def test_a_saved_parse_has_them(parser: SceneParser, tmp_path: Path) -> None:
    parse = parser.parse(NOISE_HWC)
    content = json.loads(save_parse(parse, tmp_path, stem="a").description.read_text())
    assert content["warnings"] == list(parse.warnings) and content["unfamiliarity"] == round(parse.unfamiliarity, 3)
    silent = replace(parse, unfamiliarity=None, warnings=())
    assert "warnings" not in json.loads(save_parse(silent, tmp_path, stem="b").description.read_text())


def test_any_warning_is_shown_as_text(tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    class Warning:
        taxonomy, card = tiny_parser().taxonomy, None

        def parse(self, image_HWC: np.ndarray, **options: object) -> Parse:
            label_HW = np.zeros(image_HWC.shape[:2], np.int32)
            return Parse(image_HWC, label_HW, self.taxonomy, warnings=("<b>bold</b>",))

    monkeypatch.setattr(command, "open_parser", lambda name, device: Warning())
    Image.fromarray(NOISE_HWC).save(tmp_path / "a.png")
    assert run(["parse", str(tmp_path / "a.png"), "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().err.endswith("a.png: <b>bold</b>\n")
    page = (tmp_path / "out" / "index.html").read_text()
    assert "<b>bold" not in page and "&lt;b&gt;bold" in page
