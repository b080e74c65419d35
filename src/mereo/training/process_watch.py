"""Nobody waits for the dead: when one process of a run fails, is killed or stops answering, all end, and one says why.

A process that meets an error writes it into a small store that all can read, and tells it to the user; the others then
end without a word and with the same exit code. One that was killed cannot say anything: the first one that notices
does. Beats, not time limits, tell a dead process from a slow one: measuring or compiling may take as long as it takes.
"""

import json
import os
import sys
import threading
import time
from contextlib import suppress
from datetime import timedelta
from types import TracebackType

import torch
import torch.distributed as dist
from lightning_fabric import Fabric

from mereo.errors import BadEnvironment, ExitCode, MereoError, exit_code_of
from mereo.processes import is_true_everywhere, leave_processes
from mereo.training.process_start import StartedProcesses, is_orphan

SECONDS_BETWEEN_BEATS = 1.0
SECONDS_WITHOUT_A_BEAT = 30.0
# For the main thread to notice by itself, and for the process that knows most to speak first.
SECONDS_OF_GRACE = 3.0


class ProcessWatch:
    """Around everything that the processes of a run do together; `leave()` ends it in good order. Alone: nothing."""

    def __init__(self, started: StartedProcesses, *, num_processes: int) -> None:
        self.started, self._num_processes = started, num_processes
        self._store: dist.TCPStore | None = None
        self._device: torch.device | str = "cpu"
        self._rank = 0
        self._is_over = threading.Event()
        self._looks, self._trouble = 0, ""
        self._last_beats: dict[int, bytes] = {}
        self._silent_seconds: dict[int, float] = {}

    def __enter__(self) -> "ProcessWatch":
        if self._num_processes > 1:
            for loop in (self._look_again_and_again, self._watch):
                threading.Thread(target=loop, name="process-watch", daemon=True).start()
        return self

    def connect(self, fabric: Fabric) -> None:
        """Once the processes know each other: from here on they look at each other's beats."""
        if self._num_processes == 1:
            return
        self._rank, self._device = fabric.global_rank, fabric.device
        host, patience = os.environ.get("MASTER_ADDR", "127.0.0.1"), timedelta(seconds=30)
        store = None
        if self._rank == 0:
            store = dist.TCPStore(host, 0, is_master=True, timeout=patience, wait_for_workers=False)
        port = torch.tensor(store.port if store is not None else 0, device=self._device)
        dist.all_reduce(port)
        store = store or dist.TCPStore(host, int(port), is_master=False, timeout=patience, wait_for_workers=False)
        store.set(f"beat/{self._rank}", "0")
        is_true_everywhere(True, device=self._device)
        self._store = store

    def leave(self) -> None:
        """All of them arrive here, then each goes its own way."""
        if self._num_processes > 1:
            is_true_everywhere(True, device=self._device)
        self._is_over.set()
        leave_processes()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_failure = isinstance(error, Exception) and not self._is_over.is_set()
        try:
            if is_failure:
                self._end_together(error)  # type: ignore[arg-type]
        finally:
            self._is_over.set()
            if is_failure:
                self._let_others_read()
            self.started.end()

    def _end_together(self, error: Exception) -> None:
        """Returns if this process is the one to tell its error."""
        if not _is_of_another(error):
            self._end_quietly_unless_first(str(error), exit_code_of(error))
            return
        cause = None
        deadline = time.monotonic() + SECONDS_OF_GRACE
        while time.monotonic() < deadline and cause is None and self._told() is None:
            cause = self.started.first_failure()
            time.sleep(0.1)
        lines = str(error).splitlines() or [type(error).__name__]
        text = _ended(cause or f"one that ended without a word ({lines[0][:120]})")
        self._end_quietly_unless_first(text, ExitCode.BAD_ENVIRONMENT)
        raise BadEnvironment(text) from error

    def _end_quietly_unless_first(self, text: str, code: int) -> None:
        told_code = self._tell(text, code)
        if told_code is not None:
            raise SystemExit(told_code)

    def _tell(self, text: str, code: int) -> int | None:
        """None if this process is the first to tell; else the exit code of the one that was."""
        own = json.dumps({"process": self._rank, "code": code, "text": text})
        if self._store is None:
            return None
        try:
            first = self._store.compare_set("failure", "", own).decode()
            self._store.set(f"seen/{self._rank}", "")
        except RuntimeError:
            return None  # The store went with the first process.
        return None if first == own else int(json.loads(first)["code"])

    def _let_others_read(self) -> None:
        """The store goes with the first process."""
        deadline = time.monotonic() + 2 * SECONDS_OF_GRACE
        keys = [f"seen/{rank}" for rank in range(self._num_processes)]
        with suppress(RuntimeError):
            while self._rank == 0 and self._store is not None and time.monotonic() < deadline:
                if self._store.check(keys):
                    return
                time.sleep(0.1)

    def _told(self) -> int | None:
        try:
            if self._store is not None and self._store.check(["failure"]):
                return int(json.loads(self._store.get("failure"))["code"])
        except RuntimeError:
            pass
        return None

    def _look_again_and_again(self) -> None:
        while not self._is_over.wait(SECONDS_BETWEEN_BEATS):
            self._trouble = self._look() or ""
            self._looks += 1

    def _watch(self) -> None:
        """A look may take for ever: where the first process is stopped, its store does not even refuse."""
        looks, silent_seconds = 0, 0.0
        while not self._is_over.wait(SECONDS_BETWEEN_BEATS):
            if self._trouble and not self._is_over.wait(SECONDS_OF_GRACE):
                self._end_at_once(self._trouble)
            silent_seconds = silent_seconds + SECONDS_BETWEEN_BEATS if looks == self._looks else 0.0
            looks = self._looks
            if silent_seconds >= SECONDS_WITHOUT_A_BEAT:
                self._store = None
                self._end_at_once(_silent(0))

    def _look(self) -> str | None:
        """What is wrong with another process, in words."""
        failed = self.started.first_failure()
        if failed is not None:
            return _ended(failed)
        if is_orphan():
            return _ended("the first one ended")
        if self._store is None:
            return None
        try:
            if self._told() is not None:
                return _ended("one that failed")
            silent = self._silent_process(self._store)
        except RuntimeError:
            return _ended("the first one ended")
        return None if silent is None else _silent(silent)

    def _silent_process(self, store: dist.TCPStore) -> int | None:
        """The first process looks at all others, they at the first."""
        store.set(f"beat/{self._rank}", str(time.monotonic()))
        for rank in range(1, self._num_processes) if self._rank == 0 else (0,):
            if self._has_been_silent(rank, bytes(store.get(f"beat/{rank}"))):
                return rank
        return None

    def _has_been_silent(self, rank: int, beat: bytes) -> bool:
        """Counted in what this thread lived through: a suspended machine wakes up with nobody missing."""
        if beat != self._last_beats.get(rank):
            self._last_beats[rank], self._silent_seconds[rank] = beat, 0.0
            return False
        self._silent_seconds[rank] = self._silent_seconds.get(rank, 0.0) + SECONDS_BETWEEN_BEATS
        return self._silent_seconds[rank] >= SECONDS_WITHOUT_A_BEAT

    def _end_at_once(self, trouble: str) -> None:
        """The main thread hangs in a collective call that will never return, and cannot be asked."""
        told_code = self._tell(trouble, ExitCode.BAD_ENVIRONMENT)
        if told_code is None:
            with suppress(OSError, ValueError):
                # The progress bar hid the cursor.
                sys.stderr.write(("\x1b[?25h\n" if sys.stderr.isatty() else "") + f"mereo: {trouble}\n")
                sys.stderr.flush()
        self._let_others_read()
        self.started.end(seconds=SECONDS_OF_GRACE)
        os._exit(ExitCode.BAD_ENVIRONMENT if told_code is None else told_code)


def _silent(rank: int) -> str:
    return (
        f"every process of a run must answer, but got nothing from process {rank} for "
        f"{SECONDS_WITHOUT_A_BEAT:.0f} s; look at it, then go on with --resume."
    )


def _ended(what: str) -> str:
    return f"every process of a run must stay alive, but got {what}; look for the cause, then go on with --resume."


def _is_of_another(error: Exception) -> bool:
    """What torch.distributed says when the process at the other end is gone."""
    if isinstance(error, MereoError) or not isinstance(error, RuntimeError):
        return False
    return isinstance(error, dist.DistError) or any(word in str(error) for word in ("gloo", "Gloo", "NCCL"))
