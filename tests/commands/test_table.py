"""`mereo table` as a user calls it: on the terminal, into a file, and refused."""

import json
import subprocess
import sys

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from mereo.commands.table import table
from mereo.errors import BadInput
from mereo.evaluation.evaluation import Evaluation
from mereo.evaluation.evaluation_files import write_evaluation
from mereo.metrics.confusion import region_counts

app = typer.Typer()
app.command()(table)


@pytest.fixture
def run_folders(tmp_path):
    """Two rows; `better` with two seeds."""
    folders = []
    for name, row, seed, right in (
        ("f0", "FCN", 0, 50),
        ("b0", "better [bold]", 0, 80),
        ("b1", "better [bold]", 1, 82),
    ):
        folder = tmp_path / name
        confusions_NKK = np.stack([np.array([[right + i, 100 - right], [0, 100 + i]]) for i in range(6)])
        per_image_NK3 = np.stack([region_counts(one) for one in confusions_NKK]).astype(np.int32)
        write_evaluation(
            Evaluation(
                class_names=("sky", "road"),
                image_names=tuple("abcdef"),
                confusion_KK=confusions_NKK.sum(axis=0),
                boundary_K3=per_image_NK3.sum(axis=0, dtype=np.int64),
                per_image_NK3=per_image_NK3,
                seconds=1.0,
            ),
            folder,
        )
        (folder / "recipe.yaml").write_text("name: x\n")
        record = {
            "name": name, "row": row, "protocol": "small", "seed": seed, "steps": 10, "wall_seconds": 61.0,
            "machine": "2 cores", "commit": "abcdef", "command": "mereo train x.yaml", "parameters": 10,
        }  # fmt: skip
        (folder / "run.json").write_text(json.dumps(record))
        folders.append(str(folder))
    return folders


def test_prints(run_folders):
    result = CliRunner().invoke(app, [*run_folders, "--baseline", "FCN"], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    assert "protocol small, 6 images" in result.output
    assert "better [bold]" in result.output and "measurable gain" in result.output
    assert "- b1 (seed 1, 10 steps" in result.output
    result = CliRunner().invoke(app, [*run_folders, "--against", "better [bold]=FCN"], env={"COLUMNS": "200"})
    assert result.exit_code == 0 and "Beside its own host" in result.output


def test_writes_a_section_twice_with_the_same_text(run_folders, tmp_path):
    out = tmp_path / "results.md"
    arguments = [*run_folders, "--baseline", "FCN", "--out", str(out), "--section", "first"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "Wrote 2 rows of 3 runs into section 'first'" in result.output
    text = out.read_text()
    assert "<!-- table: first -->" in text and "| better [bold] | 0, 1 |" in text
    CliRunner().invoke(app, arguments)
    assert out.read_text() == text


def test_refusals_reach_the_command_line(run_folders, tmp_path):
    for arguments, message in (
        ([*run_folders, "--against", "FCN"], "--against must be ROW=HOST, but got 'FCN'"),
        ([*run_folders, "--baseline", "DeepLab"], "the baseline must be a row of these runs, but got 'DeepLab'"),
        ([str(tmp_path / "none")], "a run must be a folder"),
    ):
        error = CliRunner().invoke(app, arguments).exception
        assert isinstance(error, BadInput) and message in str(error)


def test_a_table_needs_no_torch(run_folders):
    """Reading numbers should not cost the seconds that importing torch takes."""
    code = (
        "import sys; from pathlib import Path; from mereo.commands.table import table; "
        "table([Path(p) for p in sys.argv[1:]]); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, *run_folders], check=True, capture_output=True, timeout=60)
