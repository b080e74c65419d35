"""One process of a run raises, is killed, or stops answering: all of them end, soon, and one line says why."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_run import small_recipe, write_recipe
from warm_process import Child, WarmProcess

pytestmark = pytest.mark.slow

SECONDS = 60  # What the project promises; the tests are content with nothing less.
SETUP = """
import os, time, pathlib
from mereo.errors import BadInput
from mereo.training import loop, process_watch
from mereo.recipe import run_recipe
process_watch.SECONDS_BETWEEN_BEATS, process_watch.SECONDS_WITHOUT_A_BEAT = 0.2, 2.0
calls, forward = [], loop.StepModule.forward
def at_step_two(do):
    def step(self, tensors):
        calls.append(1)
        if len(calls) == 2:
            do()
        return forward(self, tensors)
    loop.StepModule.forward = step
def raising(error):
    def do():
        raise error
    return do
"""
WAIT = "at_step_two(lambda: (pathlib.Path({mark!r}).touch(), time.sleep(0.3)))\n"
START = "import sys; from mereo.commands.main import main\n{patch}\nmain()\n"


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recipe(tmp_path_factory.mktemp("recipe"), small_recipe(steps=3000, batch_size=3))


def ended(ranks: list[Child]) -> tuple[list[int], list[str]]:
    """Exit codes, and what all of them said together."""
    deadline = time.monotonic() + SECONDS
    codes = [rank.wait(max(1.0, deadline - time.monotonic())) for rank in ranks]
    return codes, [line for rank in ranks for line in rank.errors()]


@pytest.mark.parametrize("who", [0, 1])
@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        ("BadInput('a label must be good, but got a bad one; mend it.')", 2, "mereo: a label must be good, but got a"),
        ("OSError(28, 'No space left on device', 'a.png')", 3, "mereo: a.png must be usable, but got: No space left"),
        ("FileNotFoundError(2, 'No such file', 'b.png')", 2, "mereo: b.png must be usable, but got: No such"),
        ("ValueError('wrong')", 1, "mereo: this is a bug in Mereo: ValueError: wrong"),
    ],
)
def test_one_raises(
    warm: WarmProcess, recipe: Path, tmp_path: Path, who: int, error: str, code: int, line: str
) -> None:
    setups = [SETUP, SETUP]
    setups[who] += f"at_step_two(raising({error}))\n"
    ranks = warm.start_ranks("train", recipe, "--out", tmp_path / "run", setups=setups)
    codes, lines = ended(ranks)
    assert codes == [code, code] and len(lines) == 1 and lines[0].startswith(line), (codes, lines)


def test_all_raise_the_same_and_one_tells(warm: WarmProcess, recipe: Path, tmp_path: Path) -> None:
    ranks = warm.start_ranks("train", recipe, "--out", tmp_path / "run", "train_data.root=nowhere", setups=[SETUP] * 3)
    codes, lines = ended(ranks)
    assert codes == [2, 2, 2] and len(lines) == 1 and "a data root must be a folder" in lines[0], (codes, lines)


@pytest.mark.parametrize("who", [0, 1])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_one_is_killed_or_stopped(
    warm: WarmProcess, recipe: Path, tmp_path: Path, who: int, number: signal.Signals
) -> None:
    setups = [SETUP, SETUP]
    setups[who] += WAIT.format(mark=str(tmp_path / "mark"))
    ranks = warm.start_ranks("train", recipe, "--out", tmp_path / "run", setups=setups)
    ranks[who].wait_until((tmp_path / "mark").exists)
    ranks[who].kill(number)
    codes, lines = ended([ranks[1 - who]])
    ranks[who].kill(signal.SIGKILL)
    ranks[who].wait()
    expected = "must stay alive, but got" if number == signal.SIGKILL else f"nothing from process {who} for 2 s"
    assert codes == [3] and len(lines) == 1 and expected in lines[0], (codes, lines)


def test_one_raises_while_another_is_busy_with_itself(warm: WarmProcess, recipe: Path, tmp_path: Path) -> None:
    """Before they first meet in a step, one reads its data for an hour."""
    busy = "run_recipe.build_run = lambda *arguments, **options: time.sleep(3600)\n"
    bad = "run_recipe.build_run = lambda *arguments, **options: raising(BadInput('wrong data'))()\n"
    ranks = warm.start_ranks("train", recipe, "--out", tmp_path / "run", setups=[SETUP + busy, SETUP + bad])
    codes, lines = ended(ranks)
    assert codes == [2, 2] and lines == ["mereo: wrong data"], (codes, lines)


def test_a_busy_process_is_not_taken_for_a_dead_one(warm: WarmProcess, recipe: Path, tmp_path: Path) -> None:
    """Twice the time that a silent one would get."""
    busy = "at_step_two(lambda: time.sleep(4))\n"
    out = tmp_path / "run"
    ranks = warm.start_ranks("train", recipe, "--out", out, "training.steps=3", setups=[SETUP, SETUP + busy])
    codes, lines = ended(ranks)
    assert codes == [0, 0] and not lines


def started(recipe: Path, tmp_path: Path, *, patch: str, torchrun: bool) -> subprocess.Popen[str]:
    """As a user types it: torchrun, or --devices 2."""
    script = tmp_path / "start.py"
    script.write_text(START.format(patch=patch))
    by_torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [
        sys.executable,
        *by_torchrun * torchrun,
        str(script),
        "train",
        str(recipe),
        "--out",
        str(tmp_path / "run"),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TEST_FOLDER": str(tmp_path)}
    return subprocess.Popen(
        [*command, *["--devices", "2"] * (not torchrun)], env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


OF_RANK_ONE = """
import os, pathlib
if os.environ.get("LOCAL_RANK") == "1":
    from mereo.errors import BadInput
    from mereo.training import loop
    forward, calls = loop.StepModule.forward, []
    def step(self, tensors):
        calls.append(1)
        if len(calls) == 2:
            {do}
        return forward(self, tensors)
    loop.StepModule.forward = step
"""
RAISE = OF_RANK_ONE.format(do="raise BadInput('a label must be good')")
DIE = OF_RANK_ONE.format(do="os.kill(os.getpid(), 9)")


@pytest.mark.parametrize(
    ("patch", "torchrun"), [(DIE, False), (RAISE, True)], ids=["devices, killed", "torchrun, raises"]
)
def test_as_a_user_starts_them(recipe: Path, tmp_path: Path, patch: str, torchrun: bool) -> None:
    process = started(recipe, tmp_path, patch=patch, torchrun=torchrun)
    try:
        _, errors = process.communicate(timeout=4 * SECONDS)  # Importing several times, on a busy machine.
    finally:
        left = remaining(process.pid)
    told = [line for line in errors.splitlines() if line.startswith("mereo: ")]
    if torchrun:
        assert told == ["mereo: a label must be good"] and process.returncode == 1, errors  # 1 is torchrun's own.
    else:
        assert len(told) == 1 and "must stay alive, but got process 1 (pid" in told[0] and process.returncode == 3, (
            errors
        )
        assert "killed by SIGKILL; look for the cause, then go on with --resume." in told[0]
    assert left == [], errors


def remaining(session: int) -> list[int]:
    """Processes of that session that live on; they are ended."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(status.parent.name))
            os.kill(found[-1], signal.SIGKILL)
    return found
