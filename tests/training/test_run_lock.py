"""Two processes never train in one run folder; a killed one holds nothing; a file system without locks is told."""

import errno
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mereo import folder_lock as module
from mereo.errors import BadInput
from mereo.training.run_lock import LOCK_FILE, run_lock

HOLD = """
import sys
from pathlib import Path
from mereo.training.run_lock import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_the_second_is_told_who_holds_it_and_harms_nothing(tmp_path: Path) -> None:
    first = holder(tmp_path / "run")
    try:
        before = (tmp_path / "run" / LOCK_FILE).read_bytes()
        message = f"one process that trains in it, but got a second one besides process {first.pid} on .* in {tmp_path}"
        for _ in range(2):
            with pytest.raises(BadInput, match=message), run_lock(tmp_path / "run"):
                pytest.fail("two at once")
        assert (tmp_path / "run" / LOCK_FILE).read_bytes() == before
    finally:
        first.communicate("")
    assert first.returncode == 0
    with run_lock(tmp_path / "run"):
        assert json.loads((tmp_path / "run" / LOCK_FILE).read_text())["process"] == os.getpid()


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    first = holder(tmp_path)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert (tmp_path / LOCK_FILE).is_file()  # What it left behind is no lock.
    with run_lock(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_workers_of_a_killed_process_hold_nothing(tmp_path: Path) -> None:
    """The loader's workers are forks, and outlive a kill by seconds."""
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    forking = HOLD.replace(
        '    print("held"', '    import os, time\n    if os.fork() == 0: time.sleep(60)\n    print("held"'
    )
    command = [sys.executable, "-c", forking, str(tmp_path)]
    first = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert first.stdout is not None and first.stdout.readline() == "held\n"
        first.send_signal(signal.SIGKILL)
        first.wait()
        with run_lock(tmp_path):
            pass
    finally:
        os.killpg(first.pid, signal.SIGKILL)


def test_threads_of_one_process_are_kept_apart_too(tmp_path: Path) -> None:
    errors = []

    def second() -> None:
        try:
            with run_lock(tmp_path / ".." / tmp_path.name):
                pass
        except BadInput as error:
            errors.append(str(error))

    with run_lock(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert len(errors) == 1 and re.search(f"besides process {os.getpid()} on", errors[0])
    with run_lock(tmp_path):
        pass


def test_a_file_system_without_locks_is_told_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(module, "_take", refuse)
    with caplog.at_level(logging.WARNING, logger="mereo"), run_lock(tmp_path):
        pass
    assert "cannot be locked here (No locks available): start no second run" in caplog.text


def test_a_lock_file_that_cannot_be_opened_is_told_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*arguments: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, logger="mereo"):
        patch.setattr(module.os, "open", refuse)
        with run_lock(tmp_path):
            pass
    assert "cannot be locked here (Read-only file system)" in caplog.text


@pytest.mark.parametrize("content", ["", "{", "[]", "\0\0"])
def test_a_holder_without_a_name(tmp_path: Path, content: str) -> None:
    """It is just being written, or the disk was full."""
    first = holder(tmp_path)
    try:
        (tmp_path / LOCK_FILE).write_text(content)
        with pytest.raises(BadInput, match=r"besides process \(unknown\) on \(unknown\)"), run_lock(tmp_path):
            pass
    finally:
        first.communicate("")


def test_a_refused_run_leaves_no_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(KeyError), run_lock(tmp_path / "new"):
        raise KeyError
    assert not (tmp_path / "new").exists()
    (tmp_path / "old").mkdir()
    with run_lock(tmp_path / "old"):
        pass
    assert (tmp_path / "old").is_dir()


def test_a_file_is_no_run_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="a run folder must be a folder, but got a file in .*file; choose"):
        with run_lock(tmp_path / "file"):
            pass
    assert (tmp_path / "file").read_text() == "x"


def test_many_in_a_row_and_never_two_at_once(tmp_path: Path) -> None:
    """Taking, and removing the file at the end, from several processes at a time."""
    script = """
import os, sys
from pathlib import Path
from mereo.errors import BadInput
from mereo.training.run_lock import run_lock
folder, taken = Path(sys.argv[1]), 0
while taken < 30:
    try:
        with run_lock(folder / "run"):
            descriptor = os.open(folder / "inside", os.O_CREAT | os.O_EXCL)  # Fails if another one is inside.
            os.close(descriptor)
            os.unlink(folder / "inside")
            taken += 1
    except BadInput:
        pass
"""
    command = [sys.executable, "-c", script, str(tmp_path)]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
