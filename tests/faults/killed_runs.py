"""Runs that are killed again and again, and what must hold after each kill."""

import logging
import random
import time
from pathlib import Path

import pytest
from warm_process import Child, WarmProcess

from mereo.training.checkpoint import checkpoint_folders, load_newest_checkpoint

# Runs in the child before the command. A kill is no power cut: waiting for the disk would only cost time.
NO_SYNC = """
import os
from mereo.recipe import run_facts
os.fsync = lambda descriptor: None
run_facts.commit_of_source = lambda: ""
"""
# The child dies at its n-th file operation below the run folder.
DIE = (
    NO_SYNC
    + """
import sys
from pathlib import Path
from nth_operation import Operations, counted, die
sys.counting = counted(Operations(Path({folder!r}), n={n}, act=die))  # Kept: it would end with its last reference.
sys.counting.__enter__()
"""
)


def contents(run: Path) -> dict[str, bytes]:
    """Everything that must not depend on what happened to a run."""
    names = ("metrics.jsonl", "last.safetensors", "best.safetensors", "per_image.csv")
    return {name: (run / name).read_bytes() for name in names}


def unbroken(warm: WarmProcess, recipe: Path) -> dict[str, bytes]:
    child = warm.run("train", recipe, "--out", recipe.parent / "whole", setup=NO_SYNC, timeout=200)
    assert child.code == 0, child.errors()
    return contents(recipe.parent / "whole")


def resume(warm: WarmProcess, recipe: Path, run: Path, *, setup: str = NO_SYNC) -> Child:
    """Starts the run, or goes on with it."""
    is_begun = (run / "recipe.yaml").is_file()
    return warm.start("train", recipe, "--out", run, *["--resume"] * is_begun, setup=setup)


def require_readable(run: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The newest checkpoint that there is, is whole: nothing had to be fallen back from."""
    caplog.clear()
    with caplog.at_level(logging.WARNING, logger="mereo"):
        newest = load_newest_checkpoint(run / "checkpoints")
    assert "Falling back" not in caplog.text
    assert newest is None or checkpoint_folders(run / "checkpoints")[0].name == f"step_{newest.step:08d}"


def kill_again_and_again(
    warm: WarmProcess,
    recipe: Path,
    whole: dict[str, bytes],
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    *,
    num_kills: int,
    seed: int = 0,
) -> None:
    """Half of the kills by the clock, half at a random file operation, so that saving gets its share. A run that got
    through is compared, and the next one begun."""
    chance = random.Random(seed)
    kills, run = 0, folder / "run0"
    while True:
        is_last = kills == num_kills
        is_by_clock = chance.random() < 0.5 and not is_last
        setup = NO_SYNC if is_by_clock or is_last else DIE.format(folder=str(run), n=chance.randint(1, 250))
        child = resume(warm, recipe, run, setup=setup)
        if is_by_clock:
            time.sleep(chance.uniform(0.02, 0.8))
            if child.is_running():
                child.kill(9)
        if child.wait(timeout=200) == -9:
            kills += 1
            require_readable(run, caplog)
            continue
        assert child.code == 0, child.errors()
        assert contents(run) == whole, run
        assert not [path.name for path in run.rglob("*") if path.name.endswith((".tmp", ".lock"))]
        if is_last:
            return
        run = folder / f"run{kills}"
