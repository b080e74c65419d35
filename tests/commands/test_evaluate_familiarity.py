"""`mereo evaluate --fit-familiarity`: from a run, from a folder and from a recipe, beside a temperature or alone."""

import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from mereo.commands.main import run
from mereo.parser.weights import load

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from small_run import small_recipe, write_recipe


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    recipe = write_recipe(folder, small_recipe(steps=2))
    assert run(["train", str(recipe), "--out", str(folder / "run")]) == 0
    return folder


@pytest.mark.slow
def test_it_ends_in_a_parser_file_that_warns(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", str(trained / "run"), "--fit-familiarity", "--out", str(tmp_path / "one")]) == 0
    printed = capsys.readouterr().out
    assert "training pictures and" in printed and "times the usual distance on" in printed
    fitted = tmp_path / "one" / "calibrated.safetensors"
    assert f"parser: {fitted}" in printed
    loaded = load(fitted)
    assert loaded.familiarity is not None and loaded.temperature == 1.0
    noise_HWC = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    assert len(loaded.parse(noise_HWC).warnings) == 1
    # The folder, the recipe and what the run keeps of it lead to the same pictures.
    for number, name in enumerate(("data", "recipe.yaml", "run/recipe.yaml")):
        out, data = tmp_path / f"again {number}", str(trained / name)
        assert run(["evaluate", str(trained / "run"), "--data", data, "--fit-familiarity", "--out", str(out)]) == 0
        again, first = load_file(out / "calibrated.safetensors"), load_file(fitted)
        assert all(np.array_equal(again[name], first[name]) for name in first if name.startswith("familiarity."))


@pytest.mark.slow
def test_both_fits_go_into_one_file(trained: Path, tmp_path: Path) -> None:
    options = ["--fit-familiarity", "--fit-temperature", "--out", str(tmp_path)]
    assert run(["evaluate", str(trained / "run"), *options]) == 0
    loaded = load(tmp_path / "calibrated.safetensors")
    assert loaded.familiarity is not None and loaded.temperature != 1.0


def test_training_pictures_are_not_held_out(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--data", str(trained / "data"), "--split", "train", "--fit-familiarity"]
    assert run(["evaluate", str(trained / "run"), *options]) == 2
    captured = capsys.readouterr()
    assert "--split must be of pictures that the parser was not trained on to fit familiarity, but got train" in (
        captured.err
    )
    assert "mIoU" not in captured.out, "told before minutes of evaluating"


def test_a_file_that_is_no_recipe(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "recipe.yaml").write_text("[1, 2]")
    assert run(["evaluate", str(trained / "run"), "--data", str(tmp_path / "recipe.yaml")]) == 2
    assert "recipe must be a mapping of keys, but got list" in capsys.readouterr().err
