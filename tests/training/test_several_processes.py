"""Two processes see the samples of one, in its order, and lose the same."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from small_run import small_recipe, write_recipe
from warm_process import WarmProcess

SCRIPT = "import sys; from mereo.commands.main import main; main()"

pytestmark = pytest.mark.slow


def rows(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("processes", [2, 3])
def test_several_processes_lose_what_one_loses(warm: WarmProcess, tmp_path: Path, processes: int) -> None:
    """Batch norms are synchronised and each loss divides by the whole batch's weights; 4 samples on 3 processes are
    unequal shards. Dropout draws differ by process, so the recipe has none."""
    content = small_recipe(steps=6, optimizer={"kind": "sgd", "learning_rate": 0.002})
    content["parser"]["heads"] = [{"head": "pixel_classes"}]
    recipe = write_recipe(tmp_path, content)
    alone = warm.run("train", recipe, "--out", tmp_path / "one")
    assert alone.code == 0, alone.errors()
    ranks = warm.start_ranks("train", recipe, "--out", tmp_path / "several", setups=[""] * processes)
    assert [rank.wait() for rank in ranks] == [0] * processes, [rank.errors() for rank in ranks]
    assert json.loads((tmp_path / "several" / "run.json").read_text())["processes"] == processes
    for one, several in zip(rows(tmp_path / "one"), rows(tmp_path / "several"), strict=True):
        assert several["learning_rate"] == one["learning_rate"]
        assert several["loss"] == pytest.approx(one["loss"], abs=1e-5), one["step"]
    # The first one tells, the others say nothing.
    assert "mIoU" in ranks[0].out.read_text()
    assert [rank.out.read_text() for rank in ranks[1:]] == [""] * (processes - 1)
    assert [rank.errors() for rank in ranks] == [[]] * processes


def test_processes_stop_at_one_step_and_go_on_as_one(warm: WarmProcess, tmp_path: Path) -> None:
    """A signal to any of them; four numbers and the tensors are all that a run is, so one process may go on alone."""
    recipe = write_recipe(tmp_path, small_recipe(steps=300, checkpoint_every=1000, batch_size=2))
    ranks = warm.start_ranks("train", recipe, "--out", tmp_path / "run", setups=[""] * 2)
    ranks[1].wait_until((tmp_path / "run" / "metrics.jsonl").is_file)
    ranks[1].kill(15)
    assert [rank.wait() for rank in ranks] == [130, 130], [rank.errors() for rank in ranks]
    (checkpoint,) = (tmp_path / "run" / "checkpoints").iterdir()
    step = int(checkpoint.name.removeprefix("step_"))
    assert f"stopped after step {step}; go on with" in ranks[0].out.read_text() and not ranks[1].out.read_text()
    assert len(rows(tmp_path / "run")) == step < 300
    ranks = warm.start_ranks("train", recipe, "--out", tmp_path / "run", "--resume", setups=[""] * 2)
    ranks[0].wait_until(lambda: len(rows(tmp_path / "run")) > 0 and ranks[0].err.read_text().count("step ") > 0)
    ranks[0].kill(15)
    assert [rank.wait() for rank in ranks] == [130, 130], [rank.errors() for rank in ranks]
    assert [row["step"] for row in rows(tmp_path / "run")][:step] == list(range(1, step + 1))


def test_devices_option_starts_the_processes_itself(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, small_recipe(steps=2))
    script = tmp_path / "start.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), "train", str(recipe), "--out", str(tmp_path / "run"), "--devices", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["processes"] == 2
    assert done.stdout.count("mIoU") == 1 and all("steps/s" in line for line in done.stderr.splitlines())
