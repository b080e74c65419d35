"""Several processes on one machine: this one is the first and starts the others with its own command line.

Lightning Fabric would do so too, but it answers the end of one process with SIGKILL for all, and nobody hears why.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

STARTED_BY = "MEREO_STARTED_BY"
SECONDS_TO_END = 10.0


class StartedProcesses:
    """The processes that this one started, by rank. Under torchrun, and in a started process, there are none."""

    def __init__(self, num_processes: int = 1) -> None:
        self.by_rank: dict[int, subprocess.Popen[bytes]] = {}
        self._environment: dict[str, str] = {}
        if num_processes == 1:
            return
        # What torch.distributed and Fabric read.
        self._environment = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port()), "LOCAL_RANK": "0"}
        self._environment |= {"NODE_RANK": "0", "WORLD_SIZE": str(num_processes)}
        os.environ |= self._environment
        for rank in range(1, num_processes):
            environment = {**os.environ, "LOCAL_RANK": str(rank), STARTED_BY: str(os.getpid())}
            self.by_rank[rank] = subprocess.Popen(_own_command(), env=environment)

    def first_failure(self) -> str | None:
        """How the first of them that failed ended, in words."""
        for rank, process in self.by_rank.items():
            code = process.poll()
            if code is not None and code < 0:
                return f"process {rank} (pid {process.pid}) killed by {_signal_name(-code)}"
            if code:
                return f"process {rank} (pid {process.pid}) ended with exit code {code}"
        return None

    def end(self, *, seconds: float = SECONDS_TO_END) -> None:
        """Waits for them; whoever is still there afterwards (stopped, hanging) is killed."""
        deadline = time.monotonic() + seconds
        for process in self.by_rank.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
        for process in self.by_rank.values():
            if process.poll() is None:
                process.kill()
                process.wait()
        for name in self._environment:
            os.environ.pop(name, None)


def is_orphan() -> bool:
    """True if this process was started by the first process of a run, and that one has ended since."""
    starter = os.environ.get(STARTED_BY)
    return starter is not None and sys.platform != "win32" and os.getppid() != int(starter)


def _own_command() -> list[str]:
    import __main__

    spec = getattr(__main__, "__spec__", None)
    program = [os.path.abspath(sys.argv[0])] if spec is None else ["-m", spec.name]
    return [sys.executable, *program, *sys.argv[1:]]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
