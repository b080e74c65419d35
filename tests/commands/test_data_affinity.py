"""`mereo data affinity` as a user meets it."""

import json
from pathlib import Path

import pytest
from PIL import Image

from mereo.commands.main import run
from mereo.reasoning.cooccurrence_file import read_cooccurrence

RECIPE = Path(__file__).parents[2] / "recipes" / "drawn_fcn.yaml"


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEREO_CACHE", str(tmp_path / "cache"))
    text = RECIPE.read_text().replace("count: 2000, seed: 0, size: [240, 320]", "count: 4, seed: 0, size: [24, 32]")
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    return path


def test_counts_picture_and_table(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(["data", "affinity", str(recipe), "--out", str(tmp_path / "out")]) == 0
    counted = read_cooccurrence(tmp_path / "out" / "affinity.safetensors")
    assert counted.num_images == 4 and counted.counts_KK.diagonal().max() <= 4
    content = json.loads((tmp_path / "out" / "affinity.json").read_text())
    assert content["classes"] == list(counted.class_names)
    assert Image.open(tmp_path / "out" / "affinity.png").size[0] > 300
    printed = capsys.readouterr().out
    assert "supporters" in printed and "opponents" in printed and "4 training images" in printed
    most = max(range(len(counted.class_names)), key=lambda k: int(counted.counts_KK[k, k]))
    assert printed.splitlines()[1].split()[0] == counted.class_names[most].split()[0]
    before = (tmp_path / "out" / "affinity.safetensors").read_bytes()
    assert run(["data", "affinity", str(recipe), "--out", str(tmp_path / "out"), "--normalise", "source"]) == 0
    assert (tmp_path / "out" / "affinity.safetensors").read_bytes() == before


def test_bad_arguments(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(["data", "affinity", str(tmp_path / "no.yaml")]) == 2
    assert "recipe must be a YAML file or a run folder" in capsys.readouterr().err
    assert run(["data", "affinity", str(recipe), "--out", str(recipe)]) == 2
    assert "--out must be a folder, but got a file" in capsys.readouterr().err
    assert run(["data", "affinity", str(recipe), "--normalise", "both"]) == 2
