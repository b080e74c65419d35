"""Killed anywhere and resumed, a run ends byte-equal to the unbroken one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_run import small_recipe, write_recipe

from mereo.recipe.recipe import load_recipe
from mereo.recipe.run_recipe import run_recipe

SCRIPT = "import sys; from mereo.commands.main import main; main()"


def run(recipe: Path, out: Path, *overrides: str, is_resumed: bool = False) -> None:
    run_recipe(load_recipe(recipe, overrides), recipe_folder=recipe.parent, out=out, is_resumed=is_resumed)


def contents(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in ("metrics.jsonl", "last.safetensors", "per_image.csv")}


class Killed(Exception):
    pass


@pytest.mark.parametrize("stop_at", [1, 3, 5])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_resumed_run_is_byte_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int, optimizer: str
) -> None:
    recipe = write_recipe(tmp_path, small_recipe(optimizer={"kind": optimizer}, ema_decay=0.9))
    run(recipe, tmp_path / "whole")

    from mereo.training import loop

    def kill_at_step(self: object, step: int, values: dict[str, float]) -> None:
        original(self, step, values)
        if step == stop_at:
            raise Killed

    original = loop.RunFolder.write_metrics
    with monkeypatch.context() as patch:
        patch.setattr(loop.RunFolder, "write_metrics", kill_at_step)
        with pytest.raises(Killed):
            run(recipe, tmp_path / "broken")
    run(recipe, tmp_path / "broken", is_resumed=True)
    assert contents(tmp_path / "broken") == contents(tmp_path / "whole")


def test_workers_change_nothing(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, small_recipe(steps=4))
    run(recipe, tmp_path / "alone")
    run(recipe, tmp_path / "workers", "training.num_workers=2")
    assert contents(tmp_path / "alone") == contents(tmp_path / "workers")


def test_resume_refuses_another_recipe(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, small_recipe(steps=2))
    run(recipe, tmp_path / "run")
    from mereo.errors import BadInput

    with pytest.raises(BadInput, match=r"must keep its recipe, but got changes at training\.batch_size"):
        run(recipe, tmp_path / "run", "training.batch_size=2", is_resumed=True)
    with pytest.raises(BadInput, match="run folder must be new"):
        run(recipe, tmp_path / "run")
    with pytest.raises(BadInput, match="--resume must find a run"):
        run(recipe, tmp_path / "nowhere", is_resumed=True)


def start(recipe: Path, out: Path, *more: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT, "train", str(recipe), "--out", str(out), *more]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def lines(out: Path) -> int:
    path = out / "metrics.jsonl"
    return len(path.read_bytes().splitlines()) if path.is_file() else 0


def wait_for_checkpoint(process: subprocess.Popen[bytes], out: Path) -> None:
    deadline = time.monotonic() + 60
    while not list((out / "checkpoints").glob("step_*/manifest.json")):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_signal_then_resume(tmp_path: Path, number: signal.Signals) -> None:
    recipe = write_recipe(tmp_path, small_recipe(steps=40))
    run(recipe, tmp_path / "whole")
    process = start(recipe, tmp_path / "broken")
    wait_for_checkpoint(process, tmp_path / "broken")
    process.send_signal(number)
    assert process.wait(timeout=60) == (130 if number == signal.SIGTERM else -9)
    resumed = start(recipe, tmp_path / "broken", "--resume")
    assert resumed.wait(timeout=120) == 0, resumed.communicate()
    assert contents(tmp_path / "broken") == contents(tmp_path / "whole")
