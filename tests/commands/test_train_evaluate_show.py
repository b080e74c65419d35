"""The verbs train, evaluate and show as a user types them, with wrong arguments too."""

import json
import sys
from pathlib import Path

import pytest

from mereo.commands.main import run

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from small_run import small_recipe, write_recipe


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    recipe = write_recipe(folder, small_recipe(steps=2))
    assert run(["train", str(recipe), "--out", str(folder / "run"), "training.seed=3"]) == 0
    return folder


def test_train_prints_what_was_measured_and_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write_recipe(tmp_path, small_recipe(steps=2))
    assert run(["train", str(recipe), "--out", str(tmp_path / "run"), "training.steps=1"]) == 0
    printed = capsys.readouterr().out
    assert "mIoU" in printed and "green" in printed and "last.safetensors" in printed
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["steps"] == 1 and facts["command"].startswith("mereo")


def test_the_run_folder_holds_the_resolved_recipe(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", str(trained / "run")]) == 0
    shown = capsys.readouterr().out
    assert "seed: 3" in shown and "momentum: 0.9" in shown


def test_show_a_parser(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["show", str(trained / "run" / "last.safetensors")]) == 0
    shown = capsys.readouterr().out
    assert "mean_iou" in shown and "test_efficientnet" in shown and "- green" in shown


def test_evaluate_a_run_again_gives_its_numbers(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", str(trained / "run"), "--out", str(tmp_path)]) == 0
    again = json.loads((tmp_path / "evaluation.json").read_text())
    before = json.loads((trained / "run" / "evaluation.json").read_text())
    assert again["confusion"] == before["confusion"]
    data = ["--data", str(trained / "data"), "--scales", "0.5,1.0", "--flip"]
    assert run(["evaluate", str(trained / "run" / "last.safetensors"), *data]) == 0
    assert "on 6 images" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["train", "nowhere.yaml"], 2, "recipe must be a YAML file or a run folder"),
        (["train", "{recipe}", "training.stepz=3"], 2, "training.*did you mean 'steps'"),
        (["train", "{recipe}", "training.steps"], 2, "an override must be key.path=value"),
        (["train", "{recipe}", "train_data.root=nowhere", "--out", "{out}"], 2, "a data root must be a folder"),
        (["train", "{recipe}", "parser.backbone.name=mobilnet", "--out", "{out}"], 2, "must be a timm model"),
        (["train", "{recipe}", "--device", "cuda", "--out", "{out}"], 3, "device must be present"),
        (["train", "{recipe}", "--resume", "--out", "{out}"], 2, "--resume must find a run"),
        (["evaluate", "nobody"], 2, "parser must be a built-in name, a parser file or a run folder"),
        (["evaluate", "{parser}"], 2, "pass --data FOLDER"),
        (["evaluate", "{parser}", "--data", "{data}", "--scales", "big"], 2, "--scales must be numbers"),
        (["evaluate", "{parser}", "--data", "{data}", "--scales", "1,nan"], 2, "--scales must be numbers above 0"),
        (["evaluate", "{parser}", "--data", "{data}", "--fit-temperature", "--scales", "9"], 2, "--scales must be num"),
        (["evaluate", "{parser}", "--data", "{data}", "--device", "toaster"], 2, "device must be auto, cpu"),
        (["show", "{recipe}", "trainin.steps=3"], 2, "did you mean 'training'"),
        (["show", "{parser}", "a=b"], 2, "overrides must go with a recipe"),
    ],
)
def test_wrong_arguments_end_in_one_line(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    import re

    import torch

    if code == 3 and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    places = {"recipe": trained / "recipe.yaml", "parser": trained / "run" / "last.safetensors"}
    places |= {"data": trained / "data", "out": tmp_path / "out"}
    assert run([argument.format(**places) for argument in arguments]) == code
    error = capsys.readouterr().err.strip()
    assert re.search(message, error), error
    assert len(error.splitlines()) == 1, error
