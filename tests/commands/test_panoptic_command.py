"""`mereo data quality`: the table that it prints, the file that it writes, and how it ends on bad input."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from mereo.commands.panoptic import panoptic_quality
from mereo.data.formats.coco_panoptic_writing import PanopticWriter
from mereo.data.panoptic_map import PanopticMap, PanopticSegment
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput

NAMES = ("sky", "[car]", "cat", *(f"class {number}" for number in range(20)))
STREET = Taxonomy("street", LabelTable(NAMES), (False, True, True, *[False] * 20))


def run(*arguments):
    app = typer.Typer()
    app.command()(panoptic_quality)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def write(path: Path, ids) -> Path:
    """1 and 2 are cars, 3 is sky."""
    segments = (PanopticSegment(1, 1), PanopticSegment(2, 1), PanopticSegment(3, 0))
    present = tuple(segment for segment in segments if np.isin(segment.id, ids))
    with PanopticWriter(path, STREET) as writer:
        writer.add(PanopticMap(np.array([ids]), present), stem="a", file_name="a.jpg")
    return path


@pytest.fixture
def files(tmp_path):
    return write(tmp_path / "labels.json", [1, 1, 1, 1, 2, 3, 3, 3]), write(
        tmp_path / "answers.json", [1, 1, 1, 0, 3, 3, 3, 3]
    )


def test_the_table(files):
    result = run(*files)
    lines = [line.split() for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert lines[:3] == [
        ["class", "kind", "segments", "PQ", "SQ", "RQ"],
        ["[car]", "thing", "2", "50.00", "75.00", "66.67"],
        ["sky", "stuff", "1", "75.00", "75.00", "100.00"],
    ]
    assert "n/a, neither true nor answered: 21 of 23 classes (cat, class 0, " in result.stdout
    assert ", class 10, and 9 more)" in " ".join(result.stdout.split())
    assert ["all", "2", "62.50", "75.00", "83.33"] in lines
    assert ["things", "1", "50.00", "75.00", "66.67"] in lines
    assert ["stuff", "1", "75.00", "75.00", "100.00"] in lines
    assert "in percent, on 1 image, in" in result.stdout


def test_nothing_to_measure(tmp_path):
    files = write(tmp_path / "labels.json", [0, 0]), write(tmp_path / "answers.json", [1, 0])
    result = run(*files)
    assert result.exit_code == 0 and ["all", "0", "n/a", "n/a", "n/a"] in [
        line.split() for line in result.stdout.splitlines()
    ]


def test_the_file(files, tmp_path):
    result = run(*files, "--json", tmp_path / "out" / "quality.json", "--by", "file_name")
    assert result.exit_code == 0 and f"written to {tmp_path}" in result.stdout
    content = json.loads((tmp_path / "out" / "quality.json").read_text(encoding="utf-8"))
    assert content["labels"] == str(files[0]) and content["all"]["pq"] == 0.625
    assert content["classes"][0]["name"] == "sky" and content["classes"][2]["pq"] is None


def test_folders_of_other_names(files, tmp_path):
    (tmp_path / "answers").rename(tmp_path / "somewhere else")
    assert isinstance(run(*files).exception, BadInput)
    assert run(*files, "--answers-folder", tmp_path / "somewhere else").exit_code == 0
    (tmp_path / "labels").rename(tmp_path / "true")
    result = run(*files, "--answers-folder", tmp_path / "somewhere else", "--labels-folder", tmp_path / "true")
    assert result.exit_code == 0


def test_bad_usage(files, tmp_path):
    assert run(*files, "--by", "guess").exit_code == 2
    result = run(tmp_path / "none.json", files[1])
    assert isinstance(result.exception, BadInput) and "annotations must be a readable file" in str(result.exception)
