"""A signal at any moment: what is trained is saved, the exit code is 130, and the run goes on to a byte-equal end."""

import os
import signal
import time
from pathlib import Path

import pytest
from killed_runs import NO_SYNC, contents, unbroken
from small_run import small_recipe, write_recipe
from warm_process import Child, WarmProcess

from mereo.training.checkpoint import checkpoint_folders, load_newest_checkpoint

pytestmark = pytest.mark.slow

# In the child: `there(name)` leaves a mark and waits until the test has sent its signal; each name once.
MARK = (
    NO_SYNC
    + """
import pathlib, time
def there(name):
    mark, go = pathlib.Path({folder!r}, name), pathlib.Path({folder!r}, name + ".go")
    if not mark.exists():
        mark.touch()
        while not go.exists():
            time.sleep(0.01)
def before(holder, function, name, is_due=lambda *arguments, **options: True):
    original = getattr(holder, function)
    def marked(*arguments, **options):
        if is_due(*arguments, **options):
            there(name)
        return original(*arguments, **options)
    setattr(holder, function, marked)
from mereo.recipe import run_recipe
from mereo.training import checkpoint, loop, step_module
calls = []
"""
)
FORWARD = "before(step_module.StepModule, 'forward', 'here', lambda *a, **o: calls.append(1) or len(calls) == 2)\n"
SAVE = "before(checkpoint, 'save_file', 'here')\n"
SCORE = "before(run_recipe, 'evaluate', 'here')\n"
MEASURE = "before(run_recipe, 'save_measured_parser', 'never')\nbefore(run_recipe, '_measure', 'here')\n"


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    content = small_recipe(steps=6, batch_size=2, checkpoint_every=4, evaluate_every=3)
    return write_recipe(tmp_path_factory.mktemp("recipe"), content)


@pytest.fixture(scope="module")
def whole(recipe: Path, warm: WarmProcess) -> dict[str, bytes]:
    return unbroken(warm, recipe)


def signalled(
    warm: WarmProcess, recipe: Path, run: Path, place: str, *numbers: int, to_group: bool = False, more: str = ""
) -> Child:
    """A run that got these signals where `place` says."""
    setup = MARK.format(folder=str(run.parent)) + place
    child = warm.start("train", recipe, "--out", run, *more.split(), setup=setup)
    child.wait_until((run.parent / "here").exists)
    for number in numbers:
        time.sleep(0.05)  # Two of one kind at once would arrive as one.
        os.killpg(child.pid, number) if to_group else child.kill(number)
    (run.parent / "here.go").touch()
    child.wait()
    return child


def finish(warm: WarmProcess, recipe: Path, run: Path) -> None:
    child = warm.run("train", recipe, "--out", run, "--resume", setup=NO_SYNC)
    assert child.code == 0, child.errors()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_during_a_step(
    warm: WarmProcess, recipe: Path, whole: dict[str, bytes], tmp_path: Path, number: signal.Signals
) -> None:
    child = signalled(warm, recipe, tmp_path / "run", FORWARD, number)
    assert child.code == 130 and not child.errors()
    assert child.out.read_text().startswith("stopped after step 2; go on with: mereo train ")
    assert [path.name for path in checkpoint_folders(tmp_path / "run" / "checkpoints")] == ["step_00000002"]
    assert not (tmp_path / "run" / "last.safetensors").exists()
    if number == signal.SIGTERM:
        finish(warm, recipe, tmp_path / "run")
        assert contents(tmp_path / "run") == whole


def test_during_saving(warm: WarmProcess, recipe: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    child = signalled(warm, recipe, tmp_path / "run", SAVE, signal.SIGTERM, signal.SIGTERM, signal.SIGHUP)
    assert child.code == 130 and not child.errors()
    newest = load_newest_checkpoint(tmp_path / "run" / "checkpoints")
    assert newest is not None and newest.step == 5  # Step 4 was being saved; the flag is seen at the next step's end.
    finish(warm, recipe, tmp_path / "run")
    assert contents(tmp_path / "run") == whole


def test_while_a_step_is_scored(warm: WarmProcess, recipe: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    """Scoring may take longer than a cluster's patience: it is left, and made up for when the run goes on."""
    child = signalled(warm, recipe, tmp_path / "run", SCORE, signal.SIGTERM)
    assert child.code == 130 and not child.errors()
    newest = load_newest_checkpoint(tmp_path / "run" / "checkpoints")
    assert newest is not None and newest.step == 3 and newest.numbers["is_score_due"] is True
    assert '"score"' not in (tmp_path / "run" / "metrics.jsonl").read_text()
    (tmp_path / "here").unlink()
    (tmp_path / "here.go").unlink()
    again = signalled(warm, recipe, tmp_path / "run", SCORE, signal.SIGTERM, more="--resume")
    assert again.code == 130 and not again.errors()
    finish(warm, recipe, tmp_path / "run")
    assert contents(tmp_path / "run") == whole


def test_while_the_end_is_measured(warm: WarmProcess, recipe: Path, whole: dict[str, bytes], tmp_path: Path) -> None:
    """Nothing trained is lost, and the next command only measures."""
    run = tmp_path / "run"
    child = signalled(warm, recipe, run, MEASURE, signal.SIGTERM)
    assert child.code == 130 and not child.errors()
    assert child.out.read_text().startswith("stopped while measuring; go on with: mereo train ")
    assert (run / "last.safetensors").is_file() and not (run / "evaluation.json").exists()
    metrics = (run / "metrics.jsonl").read_bytes()
    step = "def refuse(*arguments): raise AssertionError('trained again')\nloop.StepModule.forward = refuse\n"
    resumed = warm.run("train", run, "--resume", setup=MARK.format(folder=str(tmp_path)) + step)
    assert resumed.code == 0, resumed.errors()
    assert (run / "metrics.jsonl").read_bytes() == metrics and contents(run) == whole


def test_a_second_ctrl_c_ends_at_once_without_a_traceback(warm: WarmProcess, recipe: Path, tmp_path: Path) -> None:
    child = signalled(warm, recipe, tmp_path / "run", FORWARD, signal.SIGINT, signal.SIGINT)
    assert child.code in (130, -signal.SIGINT) and not child.errors()
    assert not (tmp_path / "run" / "checkpoints").exists()
    assert not list((tmp_path / "run").glob("*.lock"))


def test_what_the_starter_ignores_stays_ignored(warm: WarmProcess, recipe: Path, tmp_path: Path) -> None:
    """nohup: the terminal may go."""
    nohup = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    child = signalled(warm, recipe, tmp_path / "run", nohup + FORWARD, signal.SIGHUP)
    assert child.code == 0, child.errors()


def test_signals_for_the_whole_group_leave_the_workers_alive(
    warm: WarmProcess, recipe: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    """Clusters and service managers signal every process; the loader's workers are still needed until the save."""
    signals = (signal.SIGTERM, signal.SIGHUP)
    workers = "training.num_workers=1"
    child = signalled(warm, recipe, tmp_path / "run", FORWARD, *signals, to_group=True, more=workers)
    assert child.code == 130 and not child.errors()
    finish(warm, recipe, tmp_path / "run")
    assert contents(tmp_path / "run") == whole


def test_a_reader_that_goes_away_ends_no_run(warm: WarmProcess, recipe: Path, tmp_path: Path) -> None:
    """`mereo train ... 2>&1 | head -1`, a dead tee, a terminal that was closed."""
    broken = "import sys; read, write = os.pipe(); os.close(read); sys.stderr = open(write, 'w', buffering=1)\n"
    child = warm.run("train", recipe, "--out", tmp_path / "pipe", setup=NO_SYNC + broken)
    assert child.code == 0
