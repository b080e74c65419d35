"""A parser of five tasks from a recipe to a table: what a run leaves, what is printed, which parser is the best."""

import json
from pathlib import Path
from typing import Any

import pytest

from mereo.commands.main import run
from mereo.evaluation.evaluation_files import read_evaluation
from mereo.evaluation.perceptual_files import read_perceptual_measures
from mereo.strict_yaml import dump_yaml

TERMS = {f"perceptual_{task}" for task in ("objects", "parts", "materials", "scenes")}


def five_tasks_recipe() -> dict[str, Any]:
    source = {"format": "drawn_scenes", "size": [48, 64]}
    return {
        "name": "tasks",
        "train_data": {**source, "count": 4},
        "val_data": {**source, "count": 3, "seed": 1},
        "augmentation": {"crop": [32, 48], "scale": [0.8, 1.25]},
        "parser": {"backbone": {"name": "test_efficientnet"}, "heads": [{"head": "perceptual", "width": 8}]},
        "losses": [{"loss": "perceptual", "class_balance": 0.5}],
        "training": {"steps": 2, "batch_size": 2, "num_workers": 0, "device": "cpu", "num_threads": 1}
        | {"evaluate_every": 1},
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tasks")
    (folder / "recipe.yaml").write_text(dump_yaml(five_tasks_recipe()))
    assert run(["train", str(folder / "recipe.yaml"), "--out", str(folder / "run")]) == 0
    return folder / "run"


def test_what_a_run_leaves(trained: Path) -> None:
    found, evaluation = read_perceptual_measures(trained), read_evaluation(trained)
    assert found is not None and set(found.tasks) == {"objects", "parts", "materials", "scenes"}
    assert found.objects.mean_iou == evaluation.mean_iou and found.num_images == 3
    rows = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    scores = [row["score"] for row in rows if "score" in row]
    assert scores[-1] == found.score
    # No drawn scene says a texture of the whole picture: the term is not there, rather than 0.
    assert all(TERMS <= row.keys() and "perceptual_textures" not in row for row in rows if "loss" in row)


def test_the_card_names_each_task_with_its_images(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", str(trained / "last.safetensors")]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "on val: objects 3, parts 3, materials 3, scenes 3 images" in printed


def test_what_evaluate_prints_and_writes(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(trained), "--out", str(tmp_path), "--worst", "1"]) == 0
    printed = capsys.readouterr().out
    header = "task       images  classes  mIoU   pixel accuracy  top-1  balanced  majority"
    assert header.split() == next(line for line in printed.splitlines() if line.startswith("task")).split()
    assert "parts" in printed and "materials" in printed and ": rest" in printed and "calibration error" in printed
    again, found = read_perceptual_measures(tmp_path), read_perceptual_measures(trained)
    assert again is not None and found is not None and again.tasks.keys() == found.tasks.keys()
    assert again.score == pytest.approx(found.score, abs=0.02)  # best.safetensors may be of another step.


def test_a_table_has_the_tasks(trained: Path, tmp_path: Path) -> None:
    assert run(["table", str(trained), "--out", str(tmp_path / "results.md")]) == 0
    text = (tmp_path / "results.md").read_text()
    assert "Tasks, percent" in text and "| row | objects mIoU | objects pixel accuracy | parts mIoU |" in text
    assert "| textures top-1 |" not in text
