"""Two processes see the samples of one, in its order, and lose the same; and nobody waits for the dead."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from small_run import small_recipe, write_recipe

SCRIPT = "import sys; from mereo.commands.main import main; main()"

pytestmark = pytest.mark.slow


def trained(recipe: Path, out: Path, *, processes: int) -> list[dict[str, Any]]:
    command = [sys.executable, "-c", SCRIPT, "train", str(recipe), "--out", str(out), "--devices", str(processes)]
    if processes > 1:
        # What a user types; the port is torchrun's own choice.
        module = "torch.distributed.run"
        script = recipe.parent / "start.py"
        script.write_text(SCRIPT)
        command = [
            sys.executable,
            "-m",
            module,
            "--standalone",
            f"--nproc-per-node={processes}",
            str(script),
            *command[3:],
        ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def test_two_and_three_processes_lose_what_one_loses(tmp_path: Path) -> None:
    """Batch norms are synchronised and each loss divides by the whole batch's weights; 4 samples on 3 processes are
    unequal shards. Dropout draws differ by process, so the recipe has none."""
    content = small_recipe(steps=6, optimizer={"kind": "sgd", "learning_rate": 0.002})
    content["parser"]["heads"] = [{"head": "pixel_classes"}]
    recipe = write_recipe(tmp_path, content)
    alone = trained(recipe, tmp_path / "one", processes=1)
    for processes in (2, 3):
        together = trained(recipe, tmp_path / f"of{processes}", processes=processes)
        for one, several in zip(alone, together, strict=True):
            assert several["learning_rate"] == one["learning_rate"]
            assert several["loss"] == pytest.approx(one["loss"], abs=1e-5), (processes, one["step"])


def test_devices_option_starts_the_processes_itself(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, small_recipe(steps=2))
    command = [sys.executable, "-c", SCRIPT, "train", str(recipe), "--out", str(tmp_path / "run"), "--devices", "2"]
    script = tmp_path / "start.py"
    script.write_text(SCRIPT)
    started = time.monotonic()
    done = subprocess.run([sys.executable, str(script), *command[3:]], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["processes"] == 2
    assert time.monotonic() - started < 60
