"""What a warm child runs to be in one place many times: it forks there, and each fork goes its own way to its end.

So a run is killed at every single file operation, and resumed from every state that this left, without building its
parser more than twice.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from nth_operation import Operations, counted, die

# They grow in place, and forks share the open file; in the last step nothing is added to them.
GROWING = ("metrics.jsonl", "events.*", "run.lock")


def kill_at_each_operation(run: Path, states: Path, *, last_step: int) -> None:
    """From the last step's saving to the end of the program: the n-th fork dies at the n-th operation, and the run
    folder that it leaves becomes states/n. One fork more gets through."""
    from mereo.training import loop

    save = loop.save_run

    def save_again_and_again(*arguments: Any, **options: Any) -> None:
        if arguments[4].step != last_step:
            return save(*arguments, **options)
        before = states.parent / "before"
        shutil.copytree(run, before, ignore=shutil.ignore_patterns(*GROWING))
        n, code = 0, -9
        while code == -9:
            n += 1
            pid = os.fork()
            if pid == 0:
                sys.counting = counted(Operations(run, n=n, act=die))  # type: ignore[attr-defined]
                sys.counting.__enter__()  # type: ignore[attr-defined]
                return save(*arguments, **options)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            shutil.copytree(run, states / f"{n:03d}")
            put_back(before, run)
        (states / f"{n:03d}").rename(states.parent / f"through_{code}")
        os._exit(0)

    loop.save_run = save_again_and_again


def resume_from_each(run: Path, states: Path, ends: Path) -> None:
    """Each of `states` becomes the run folder of a fork that goes on from it; what it leaves becomes ends/NAME_CODE."""
    from mereo.training import loop

    restore = loop.restore_run

    def restore_each(*arguments: Any, **options: Any) -> Any:
        for state in sorted(states.iterdir()):
            pid = os.fork()
            if pid == 0:
                shutil.rmtree(run, ignore_errors=True)
                shutil.copytree(state, run)
                return restore(*arguments, **options)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            shutil.move(run, ends / f"{state.name}_{code}")
        os._exit(0)

    loop.restore_run = restore_each


def put_back(before: Path, run: Path) -> None:
    for path in run.iterdir():
        if not any(path.match(pattern) for pattern in GROWING):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(before, run, dirs_exist_ok=True)
