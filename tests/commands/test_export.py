"""mereo export: one file, or one sentence why not; and the example of docs/export.md."""

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_grouping_parser import tiny_grouping_parser
from tiny_parser import random_image, tiny_parser

import mereo
from mereo.commands.main import run
from mereo.data.drawn_scenes import DrawnScenes
from mereo.errors import BadEnvironment
from mereo.parser.export import onnx_file
from mereo.parser.weights import save_parser

PAGE = Path(__file__).parents[2] / "docs" / "export.md"


@pytest.fixture(scope="module")
def parser_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parser = tiny_parser(preprocessing={"working_side": 96})
    return save_parser(parser, tmp_path_factory.mktemp("parsers") / "tiny.safetensors")


def labels_of_the_example(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the page's first example leaves, run where its two files lie."""
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    imported = set(re.findall(r"^(?:import|from) (\w+)", example, flags=re.MULTILINE))
    assert imported == {"json", "numpy", "onnxruntime"}
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(example, str(PAGE), "exec"), names)
    return names["label_HW"]


@pytest.mark.slow
def test_a_parser_file_becomes_an_onnx_file_that_the_example_runs(
    parser_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "not" / "there"
    out = folder / "parser.onnx"
    assert run(["export", str(parser_file), "--out", str(out)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r".*parser\.onnx: 3 classes, 0\.\d MB", told[0])
    assert re.fullmatch(
        r"compared with the parser: 8 pictures, the same classes, scores within \S+ of their range", told[1]
    )
    assert told[2:] == ["terms: unknown"]
    assert [path.name for path in folder.iterdir()] == ["parser.onnx"]
    image_HWC = random_image(170, 250)
    np.save(folder / "photograph.npy", image_HWC)
    label_HW = labels_of_the_example(folder, monkeypatch)
    semantic = mereo.load(parser_file).parse(image_HWC).semantic
    assert label_HW.shape == semantic.shape and len(np.unique(semantic)) > 1
    # Pixels of the smaller picture are rounded to bytes there, and not here.
    assert np.mean(label_HW == semantic) > 0.99
    assert (folder / "labels.ppm").stat().st_size == len(b"P6 250 170 255\n") + image_HWC.size


@pytest.mark.slow
def test_the_built_in_parser_of_streets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["export", "street", "--out", str(tmp_path / "parser.onnx")]) == 0
    told = capsys.readouterr().out
    assert "11 classes" in told and "not in the file: the warning at unfamiliar photographs" in told
    assert "terms: non-commercial research use" in told
    image_HWC = np.ascontiguousarray(DrawnScenes(1, size=(300, 420))[0].image_CHW.permute(1, 2, 0).numpy())
    np.save(tmp_path / "photograph.npy", image_HWC)
    label_HW = labels_of_the_example(tmp_path, monkeypatch)
    assert np.mean(label_HW == mereo.load("street").parse(image_HWC).semantic) > 0.995


def test_a_refusal_is_one_line_and_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = save_parser(tiny_grouping_parser(), tmp_path / "grouping.safetensors")
    assert run(["export", str(file), "--out", str(tmp_path / "a.onnx")]) == 2
    error = capsys.readouterr().err
    assert "but got the stage deep_grouping" in error and error.count("\n") == 1
    assert not (tmp_path / "a.onnx").exists()


def test_a_graph_that_answers_otherwise_is_not_written_over_the_old_one(
    parser_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def differs(*_: object) -> None:
        raise BadEnvironment("an exported graph must answer as its parser does, but got nothing alike; report it.")

    monkeypatch.setattr(onnx_file, "onnx_graph", lambda parser: onnx_like())
    monkeypatch.setattr(onnx_file, "require_same_answers", differs)
    out = tmp_path / "a.onnx"
    out.write_bytes(b"old")
    assert run(["export", str(parser_file), "--out", str(out)]) == 3
    assert "got nothing alike" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.onnx"] and out.read_bytes() == b"old"


def onnx_like() -> Any:
    class Graph:
        def SerializeToString(self, deterministic: bool) -> bytes:
            return b"new"

    return Graph()


def test_wrong_places_are_told_before_any_work(
    parser_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mereo.commands.parse.open_parser", lambda *_: pytest.fail("loaded"))
    (tmp_path / "folder.onnx").mkdir()
    for out, reason in (
        (tmp_path / "a.safetensors", "--out must end in .onnx, but got"),
        (tmp_path / "folder.onnx", "--out must be a file, but got a folder"),
        (parser_file / "a.onnx", "--out must lie in a folder, but got a file"),
    ):
        assert run(["export", str(parser_file), "--out", str(out)]) == 2
        assert reason in capsys.readouterr().err


def test_a_parser_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "nobody", "--out", str(tmp_path / "a.onnx")]) == 2
    assert "parser must be a built-in name, a parser file or a run folder" in capsys.readouterr().err


def test_the_extra_that_is_missing_is_named(
    parser_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert run(["export", str(parser_file), "--out", str(tmp_path / "a.onnx")]) == 3
    assert "but got no onnx and no onnxruntime; pip install 'mereo[export]'" in capsys.readouterr().err
