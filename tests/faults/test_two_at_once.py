"""Two `mereo train` on one run folder, and a loader whose worker dies: one line each, and nothing is harmed."""

import json
from pathlib import Path

import pytest
from killed_runs import NO_SYNC
from small_run import small_recipe, write_recipe
from warm_process import WarmProcess

pytestmark = pytest.mark.slow

WAITING = (
    NO_SYNC
    + """
import pathlib, time
from mereo.training import loop
forward = loop.StepModule.forward
def wait(self, tensors):
    pathlib.Path({folder!r}, "here").touch()
    while not pathlib.Path({folder!r}, "go").exists():
        time.sleep(0.01)
    return forward(self, tensors)
loop.StepModule.forward = wait
"""
)


def test_the_second_of_two_ends_at_once_and_names_the_first(warm: WarmProcess, tmp_path: Path) -> None:
    recipe, run = write_recipe(tmp_path, small_recipe(steps=2)), tmp_path / "run"
    first = warm.start("train", recipe, "--out", run, setup=WAITING.format(folder=str(tmp_path)))
    first.wait_until((tmp_path / "here").exists)
    before = {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()}
    for more in ([], ["--resume"]):
        second = warm.run("train", recipe, "--out", run, *more)
        assert second.code == 2
        (line,) = second.errors()
        assert f"must have one process that trains in it, but got a second one besides process {first.pid} on" in line
        assert line.endswith("wait for it, stop it, or choose another --out.")
    assert {path.name: path.read_bytes() for path in run.iterdir() if path.is_file()} == before
    (tmp_path / "go").touch()
    assert first.wait() == 0, first.errors()
    assert json.loads((run / "run.json").read_text())["is_finished"] and not (run / "run.lock").exists()


def test_only_the_first_process_of_a_run_takes_the_lock(warm: WarmProcess, tmp_path: Path) -> None:
    recipe, run = write_recipe(tmp_path, small_recipe(steps=2)), tmp_path / "run"
    setup = WAITING.format(folder=str(tmp_path))
    ranks = warm.start_ranks("train", recipe, "--out", run, setups=[setup, setup])
    ranks[0].wait_until((tmp_path / "here").exists)
    assert json.loads((run / "run.lock").read_text())["process"] == ranks[0].pid
    (tmp_path / "go").touch()
    assert [rank.wait() for rank in ranks] == [0, 0], [rank.errors() for rank in ranks]


def test_a_worker_that_dies_is_the_machines_fault_and_the_run_can_go_on(warm: WarmProcess, tmp_path: Path) -> None:
    recipe, run = write_recipe(tmp_path, small_recipe(steps=6, checkpoint_every=1)), tmp_path / "run"
    dying = """
from mereo.data import batches
get, calls = batches._CollatedSamples.__getitems__, []
def die(self, keys):
    calls.append(1)
    if len(calls) == 4:
        os.kill(os.getpid(), 9)
    return get(self, keys)
batches._CollatedSamples.__getitems__ = die
"""
    child = warm.run("train", recipe, "--out", run, "training.num_workers=1", setup=NO_SYNC + dying)
    assert child.code == 3, child.errors()
    (line,) = child.errors()
    assert "a worker that reads training data must stay alive" in line and "set training.num_workers=0" in line
    child = warm.run("train", recipe, "--out", run, "--resume", setup=NO_SYNC)
    assert child.code == 0, child.errors()
    rows = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert rows == [1, 2, 3, 4, 5, 6]
