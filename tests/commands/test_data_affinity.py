"""`mereo data affinity` as a user meets it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mereo.commands import data_affinity
from mereo.commands.main import run
from mereo.reasoning import cooccurrence_of_samples
from mereo.reasoning.cooccurrence import Cooccurrence
from mereo.reasoning.cooccurrence_file import read_cooccurrence

RECIPE = Path(__file__).parents[2] / "recipes" / "drawn_fcn.yaml"


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEREO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "300")  # No cell of the table is folded.
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
    assert content["source"].startswith("train_data of drawn_fcn: format drawn_scenes, count 4, seed 0, size [24, 32]")
    assert Image.open(tmp_path / "out" / "affinity.png").size[0] > 300
    printed = capsys.readouterr().out
    assert printed.splitlines()[0].split() == ["class", "images", "supporters,", "%", "opponents,", "%"]
    path = tmp_path / "out" / "affinity.safetensors"
    assert printed.splitlines()[-1] == f"4 training images; {path} (with .json and .png)"
    assert table_of(printed) == table_by_loops(counted, sums_over_targets=False)


def test_sums_over_sources_change_table_and_picture_not_counts(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    line = ["data", "affinity", str(recipe), "--out", str(tmp_path / "out"), "--normalise"]
    found = []
    for way in ("target", "source"):
        assert run([*line, way]) == 0
        files = [(tmp_path / "out" / name).read_bytes() for name in ("affinity.safetensors", "affinity.json")]
        picture_HWC = np.asarray(Image.open(tmp_path / "out" / "affinity.png"))
        found.append((files, picture_HWC, table_of(capsys.readouterr().out)))
    (files, picture_HWC, table), (files_of_source, picture_of_source_HWC, table_of_source) = found
    assert files_of_source == files and not np.array_equal(picture_of_source_HWC, picture_HWC)
    counted = read_cooccurrence(tmp_path / "out" / "affinity.safetensors")
    assert table_of_source == table_by_loops(counted, sums_over_targets=True) != table


def test_a_class_that_is_never_met_is_an_opponent(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """Five classes: bed is in a room alone, cat is nowhere."""
    counts_KK = torch.tensor([[9, 6, 2, 0, 0], [6, 7, 1, 0, 0], [2, 1, 3, 0, 0], [0, 0, 0, 4, 0], [0, 0, 0, 0, 0]])
    counted = Cooccurrence(counts_KK, ("sky", "road", "car", "bed", "cat"), 13)
    monkeypatch.setattr(cooccurrence_of_samples, "cooccurrence_of", lambda samples, **options: counted)
    assert run(["data", "affinity", str(recipe), "--out", str(tmp_path / "out")]) == 0
    assert table_of(capsys.readouterr().out) == [
        ["sky", "9", "road 75, car 25", "bed 0"],
        ["road", "7", "sky 86, car 14", "bed 0"],
        ["bed", "4", "-", "car 0, road 0, sky 0"],
        ["car", "3", "sky 67, road 33", "bed 0"],
        ["cat", "0", "-", "-"],
    ]


def test_the_source_of_joined_data_in_words() -> None:
    parts = {"sources": {"a": {"format": "folder", "split": "train"}, "b": {"format": "voc"}}}
    told = data_affinity.data_in_words({"format": "joined", **parts})
    assert told == "format joined, sources (a (format folder, split train), b (format voc))"


def table_of(printed: str) -> list[list[str]]:
    """The cells of each class's line."""
    lines = printed.split("\n\n")[0].splitlines()[1:]
    return [re.split(" {2,}", line.strip()) for line in lines]


def table_by_loops(counted: Cooccurrence, *, sums_over_targets: bool) -> list[list[str]]:
    counts, names = counted.counts_KK.tolist(), counted.class_names
    classes = range(len(names))
    there = [k for k in classes if counts[k][k]]
    rows = []
    for target in sorted(classes, key=lambda k: -counts[k][k]):
        share_of = {}
        for source in there:
            of = source if sums_over_targets else target
            total = sum(counts[of][k] for k in classes if k != of)
            if source != target:
                share_of[source] = counts[source][target] / total if total else 0.0
        order = sorted(share_of, key=lambda k: -share_of[k])
        upper = [k for k in order[: (len(order) + 1) // 2] if share_of[k] > 0]
        lower = [k for k in order if k not in upper]
        shown = []
        for those in (upper[:3], lower[::-1][:3]):
            words = [f"{names[k]} {percent(share_of[k])}" for k in those]
            shown.append(", ".join(words) if words and target in there else "-")
        rows.append([names[target], str(counts[target][target]), *shown])
    return rows


def percent(share: float) -> str:
    return f"{100 * share:.1f}" if 0 < share < 0.01 else f"{100 * share:.0f}"


def test_bad_arguments(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(["data", "affinity", str(tmp_path / "no.yaml")]) == 2
    assert "recipe must be a YAML file or a run folder" in capsys.readouterr().err
    assert run(["data", "affinity", str(recipe), "--out", str(recipe)]) == 2
    assert "--out must be a folder, but got a file" in capsys.readouterr().err
    assert run(["data", "affinity", str(recipe), "--normalise", "both"]) == 2
