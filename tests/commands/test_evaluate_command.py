"""`mereo evaluate`: its files, its page, and a temperature that ends in a parser file."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from mereo.commands.main import run
from mereo.evaluation.evaluation_files import read_evaluation
from mereo.evaluation.level_files import read_level_measures
from mereo.evaluation.token_measures import read_token_measures
from mereo.parser.weights import load
from mereo.recipe.recipe import load_recipe

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from small_run import small_recipe, write_recipe


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    recipe = write_recipe(folder, small_recipe(steps=2))
    assert run(["train", str(recipe), "--out", str(folder / "run")]) == 0
    return folder


def test_all_files_of_an_evaluation(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(trained / "run"), "--out", str(tmp_path), "--worst", "2"]) == 0
    printed = capsys.readouterr().out
    assert "frequency-weighted IoU" in printed and "calibration error" in printed and str(tmp_path) in printed
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    pictures = [
        f"worst/00{rank}-{what}.jpg" for rank in (1, 2) for what in ("answer", "mistakes", "photograph", "truth")
    ]
    expected = ["confusion.png", "evaluation.json", "index.html", "per_image.csv", "reliability.png", *pictures]
    assert files == expected
    evaluation = read_evaluation(tmp_path)
    assert evaluation.conditions["temperature"] == 1.0 and evaluation.reliability_B3 is not None
    # The page's first image is the one with the lowest mean IoU.
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    intersection_NK, truth_NK, predicted_NK = np.moveaxis(evaluation.per_image_NK3.astype(float), -1, 0)
    with np.errstate(invalid="ignore"):
        mean_iou_N = np.nanmean(intersection_NK / (truth_NK + predicted_NK - intersection_NK), axis=1)
    assert f"<h3>{evaluation.image_names[int(mean_iou_N.argmin())]} <span>" in page


def test_rows_come_by_frequency(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(trained / "run")]) == 0
    lines = capsys.readouterr().out.splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith("class"))
    last = next(index for index, line in enumerate(lines) if line.startswith("mIoU"))
    shares = [float(line.split()[-3]) for line in lines[first + 1 : last]]
    assert len(shares) > 1 and shares == sorted(shares, reverse=True)


def test_what_the_tokens_mean(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run with tokens leaves tokens.json; `--tokens` gives the same numbers; without tokens nothing is begun."""
    recipe = small_recipe(steps=2)
    recipe["training"].pop("evaluate_every", None)  # No best parser but the last.
    recipe["parser"]["path"] += [{"stage": "global_reasoning_unit", "num_nodes": 4, "width": 8}]
    run_folder = tmp_path / "run"
    assert run(["train", str(write_recipe(tmp_path, recipe)), "--out", str(run_folder)]) == 0
    capsys.readouterr()
    assert run(["evaluate", str(run_folder), "--tokens", "--out", str(tmp_path / "out")]) == 0
    assert "4 tokens: S_C " in capsys.readouterr().out
    found, again = read_token_measures(run_folder), read_token_measures(tmp_path / "out")
    assert found is not None and again is not None and found.num_tokens == again.num_tokens == 4
    # The network just trained and the one from its file lie in memory in other orders, and sums round differently.
    assert found.class_semantics == pytest.approx(again.class_semantics, rel=1e-3)
    assert not (trained / "run" / "tokens.json").exists()
    assert run(["evaluate", str(trained / "run"), "--tokens"]) == 2
    captured = capsys.readouterr()
    assert "a parser must have tokens to look at, but got none" in captured.err and "mIoU" not in captured.out


def test_near_borders_and_by_level(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run of a pyramid leaves levels.json; `--levels` gives the same numbers, and a table shows them."""
    recipe = small_recipe(steps=2)
    recipe["parser"] |= {
        "path": [{"stage": "feature_pyramid", "width": 8}],
        "heads": [{"head": "semantic_pyramid", "num_levels": 3, "width": 8, "key_width": 4, "unity_width": 4}],
    }
    recipe["losses"] = [{"loss": "semantic_pyramid"}]
    recipe["parser"]["backbone"].pop("output_stride")
    path, folder = write_recipe(tmp_path, recipe), tmp_path / "run"
    assert run(["train", str(path), "--out", str(folder)]) == 0
    assert run(["evaluate", str(folder), "--levels", "--out", str(tmp_path / "again")]) == 0
    printed = capsys.readouterr().out
    assert "within 8 px of a border" in printed and "cells speak for an image" in printed
    assert (tmp_path / "again" / "levels.json").read_text() == (folder / "levels.json").read_text()
    found, evaluation = read_level_measures(folder), read_evaluation(folder)
    assert found is not None and found.mean_iou == evaluation.mean_iou and found.pyramid.cell_sizes == (16, 8, 4)
    assert run(["table", str(folder)]) == 0
    assert "Near borders, percent" in (shown := capsys.readouterr().out) and "answered by" in shown


def test_near_borders_without_a_pyramid(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not (trained / "run" / "levels.json").exists()
    assert run(["evaluate", str(trained / "run"), "--levels", "--out", str(tmp_path)]) == 0
    assert "nothing more to tell" in capsys.readouterr().out
    found = read_level_measures(tmp_path)
    assert found is not None and found.pyramid is None and found.band_mean_iou is not None


@pytest.mark.slow
def test_a_temperature_ends_in_a_parser_file(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(trained / "run"), "--out", str(tmp_path / "plain")]) == 0
    assert run(["evaluate", str(trained / "run"), "--fit-temperature", "--out", str(tmp_path / "fitted")]) == 0
    printed = capsys.readouterr().out
    assert "on images that the temperature has not seen" in printed and "which is optimistic" in printed
    calibrated = tmp_path / "fitted" / "calibrated.safetensors"
    temperature = load(calibrated).temperature
    assert temperature != 1.0 and f"temperature {temperature:g} (before: 1), fitted on" in printed
    card, before = load(calibrated).card, load(trained / "run" / "last.safetensors").card
    assert card is not None and before is not None and card.measured.items() > before.measured.items()
    assert f", {100 * card.measured['calibration_error']:.2f} after (" in printed
    plain, fitted = read_evaluation(tmp_path / "plain"), read_evaluation(tmp_path / "fitted")
    np.testing.assert_array_equal(fitted.confusion_KK, plain.confusion_KK)
    assert fitted.conditions["temperature"] == temperature
    assert not np.array_equal(fitted.reliability_B3, plain.reliability_B3)
    assert "which is optimistic" in (tmp_path / "fitted" / "index.html").read_text(encoding="utf-8")
    # The parser file alone gives the same confidences again.
    again = [str(calibrated), "--data", str(trained / "data"), "--out", str(tmp_path / "again")]
    assert run(["evaluate", *again]) == 0
    np.testing.assert_array_equal(read_evaluation(tmp_path / "again").reliability_B3, fitted.reliability_B3)


def test_a_temperature_without_a_folder_is_only_told(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["evaluate", str(trained / "run"), "--fit-temperature"]) == 0
    assert "temperature" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_old_evaluations_stay_readable_beside_new_ones(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A kept run, written before frequency-weighted IoU and calibration, goes into a table."""
    path = trained / "run" / "evaluation.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content.pop("frequency_weighted_iou")
    old = tmp_path / "old"
    old.mkdir()
    for name in ("recipe.yaml", "run.json", "per_image.csv"):
        (old / name).write_bytes((trained / "run" / name).read_bytes())
    (old / "evaluation.json").write_text(json.dumps(content), encoding="utf-8")
    assert run(["table", str(old)]) == 0
    assert "mIoU" in capsys.readouterr().out


def test_a_file_in_the_place_of_the_folder(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").write_text("")
    assert run(["evaluate", str(trained / "run"), "--out", str(tmp_path / "taken")]) == 2
    captured = capsys.readouterr()
    assert "--out must be a folder, but got a file in" in captured.err
    assert "mIoU" not in captured.out, "told before an hour of evaluating"


def test_a_negative_number_of_worst_images(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(trained / "run"), "--worst", "-1"]) == 2
    assert "worst" in capsys.readouterr().err


def options_in(folder: Path, names: list[str]) -> list[str]:
    """What a test writes as `@NAME` lies in the folder."""
    return [str(folder / name[1:]) if name.startswith("@") else name for name in names]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--split", "train"], "--split must go with a folder as --data, but got none; name it in the recipe's val_"),
        (["--split", "val"], "--split must go with a folder as --data, but got none"),
        (["--description", "camvid"], "--description must go with a folder as --data, but got none"),
        (["--data", "@recipe.yaml", "--split", "train"], "--split must go with a folder as --data, but got the recipe"),
        (
            ["--data", "@run/recipe.yaml", "--split", "train", "--description", "camvid"],
            "--split and --description must go with a folder as --data, but got the recipe",
        ),
    ],
)
def test_a_split_goes_with_a_folder_alone(
    trained: Path, options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", str(trained / "run"), *options_in(trained, options)]) == 2
    captured = capsys.readouterr()
    assert told in captured.err and "mIoU" not in captured.out


def test_a_parser_alone_with_a_split_asks_for_its_folder(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(trained / "run" / "last.safetensors"), "--split", "val"]) == 2
    assert "evaluate must know the data, but got only a parser" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "split"),
    [
        ([], None),
        (["--data", "@recipe.yaml"], None),
        (["--data", "@run/recipe.yaml"], None),
        (["--data", "@data"], "val"),
        (["--data", "@data", "--split", "train"], "train"),
    ],
)
def test_conditions_say_what_was_measured_on(
    trained: Path, tmp_path: Path, options: list[str], split: str | None
) -> None:
    """The working directory is not where the data is: a recipe's root is found beside where the recipe lay."""
    parser = str(trained / "run" / "best.safetensors") if options else str(trained / "run")
    assert run(["evaluate", parser, *options_in(trained, options), "--out", str(tmp_path)]) == 0
    conditions = dict(read_evaluation(tmp_path).conditions)
    assert conditions.pop("parser") == parser and conditions.pop("temperature") == 1.0
    if split is None:
        assert conditions == {"data": load_recipe(trained / "recipe.yaml").val_data.model_dump(mode="json")}
    else:
        assert conditions == {"split": split}
    assert ("split" in (tmp_path / "index.html").read_text(encoding="utf-8").split("<body>")[-1]) == (split is not None)


def test_panoptic_quality_of_a_run(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(trained / "run"), "--panoptic", "labelled", "--out", str(tmp_path)]) == 0
    assert "mean over" in capsys.readouterr().out
    found = json.loads((tmp_path / "panoptic_quality.json").read_text(encoding="utf-8"))
    assert 0 <= found["all"]["pq"] <= 1 and found["things"]["pq"] in (None, 0) and found["num_images"] > 0
