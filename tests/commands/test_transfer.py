"""`mereo transfer`: from options to a run folder, its table, its answers to wrong options."""

import json
import sys
from pathlib import Path

import pytest

from mereo.commands.main import run
from mereo.strict_yaml import load_yaml_file

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from small_transfer import small_transfer, write_transfer
from tiny_instance_parser import PROJECTION, tiny_source

from mereo.parser.weights import save_parser


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one step from a parser file; the recipe names a backbone."""
    folder = tmp_path_factory.mktemp("done")
    recipe = write_transfer(folder, small_transfer(steps=1))
    save_parser(tiny_source(PROJECTION), folder / "mine.safetensors")
    command = ["transfer", str(recipe), "--parser", "mine.safetensors", "--out", str(folder / "run")]
    assert run([*command, "--pictures", "1", "row=mine"]) == 0
    return folder


def test_the_run_folder_says_what_was_done(done: Path) -> None:
    out = done / "run"
    resolved = load_yaml_file(out / "recipe.yaml")
    assert resolved["transfer"]["parser"] == "mine.safetensors" and resolved["transfer"]["backbone"] is None
    assert resolved["row"] == "mine" and resolved["training"]["optimizer"]["momentum"] == 0.9
    facts = json.loads((out / "run.json").read_text())
    assert facts["row"] == "mine" and facts["is_finished"]
    assert [path.name for path in (out / "pictures").iterdir()] == ["0.png"]
    assert json.loads((out / "evaluation.json").read_text())["conditions"]["features"] == "mine.safetensors"


def test_a_finished_run_is_measured_again(done: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["transfer", str(done / "run"), "--evaluate", "--out", str(tmp_path), "--pictures", "0"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["class", "labelled", "found", "AP", "box", "AP", "mask"]
    assert {lines[1].split()[0], lines[2].split()[0]} == {"red", "green"}
    assert lines[3].split() == ["AP", "AP50", "AP75", "APS", "APM", "APL"]
    assert [line.split()[0] for line in lines[4:6]] == ["box", "mask"]
    again, first = (json.loads((folder / "evaluation.json").read_text()) for folder in (tmp_path, done / "run"))
    assert again["boxes"] == first["boxes"] and again["classes"] == first["classes"]


def test_a_run_is_measured_where_it_would_be_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the device that `auto` names, unless another is asked for."""
    asked: list[str] = []
    monkeypatch.setattr("mereo.recipe.run_transfer.measure_transfer", lambda *_, device, **__: asked.append(device))
    monkeypatch.setattr("mereo.commands.transfer.print_instance_evaluation", lambda *_: None)
    assert run(["transfer", "run", "--evaluate"]) == run(["transfer", "run", "--evaluate", "--device", "cpu"]) == 0
    assert asked == ["auto", "cpu"]


def test_a_run_folder_is_its_own_recipe(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["transfer", str(done / "run"), "--resume"]) == 0
    assert run(["show", str(done / "run")]) == 0
    assert "transfer:" in capsys.readouterr().out
    assert run(["transfer", str(done / "run")]) == 2
    assert "run folder must be new" in capsys.readouterr().err


def test_a_transfer_is_no_parser_yet_says_so(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", str(done / "run" / "last.safetensors")]) == 2
    assert "must be one that Mereo saved (mereo-parser-1)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--parser", "street", "--backbone", "resnet18"], "from a parser or from a backbone, but got options of both"),
        (["--weights", "w.safetensors"], "--weights must be those of a --backbone, but got no backbone"),
        (["--evaluate", "--resume"], "--evaluate must stand with a run folder alone, but got more"),
        (["--evaluate"], "a run to measure must be finished, but got no last.safetensors"),
        (["--parser", "nowhere"], "parser must be a built-in name, a parser file or a run folder, but got 'nowhere'"),
        (["--backbone", "resnet1"], "backbone must be a timm model, but got 'resnet1'"),
        (["training.step=3"], "key must be a known one, but got 'step'; did you mean 'steps'?"),
    ],
)
def test_wrong_options(tmp_path: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write_transfer(tmp_path, small_transfer())
    assert run(["transfer", str(recipe), *options, "--out", str(tmp_path / "run")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
