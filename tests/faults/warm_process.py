"""Real processes that start in milliseconds: a server imports torch and Mereo once, and forks a child for each command.

A child is a process of its own (own session, own signals, killed like any other); only the seconds of importing are
saved. Run as a script this file is the server; imported it is the client.
"""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


@dataclass
class Child:
    """A started command line of Mereo. `setup` (Python) ran in it before the command."""

    server: "WarmProcess"
    pid: int
    out: Path
    err: Path
    code: int | None = field(default=None)

    def wait(self, timeout: float = 60.0) -> int:
        """The exit code; minus the number of the signal that ended it."""
        if self.code is None:
            self.code = self.server.ask({"wait": self.pid, "timeout": timeout})
        if self.code is None:
            self.kill(9)
            self.server.ask({"wait": self.pid, "timeout": 10.0})
            raise TimeoutError(f"still running after {timeout} s: {self.err.read_text()[-2000:]}")
        return self.code

    def is_running(self) -> bool:
        if self.code is None:
            self.code = self.server.ask({"wait": self.pid, "timeout": 0.0})
        return self.code is None

    def kill(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait_until(self, is_so: Any, *, timeout: float = 60.0) -> None:
        deadline = time.monotonic() + timeout
        while not is_so():
            assert self.is_running() and time.monotonic() < deadline, (self.code, self.err.read_text()[-2000:])
            time.sleep(0.01)

    def errors(self) -> list[str]:
        """What it wrote to stderr, without the lines of progress."""
        lines = self.err.read_text(errors="replace").splitlines()
        return [line for line in lines if line.strip() and " steps/s, " not in line]


class WarmProcess:
    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0
        # Behind this folder what the caller set: another checkout than the installed one, for example.
        paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        environment |= {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        environment["TORCH_CPP_LOG_LEVEL"] = "ERROR"  # As `mereo train` sets it before torch is imported.
        self.process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, question: dict[str, Any]) -> Any:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def start(
        self, *arguments: object, setup: str = "", environment: dict[str, str] | None = None, cwd: Path | None = None
    ) -> Child:
        self.count += 1
        out, err = self.folder / f"{self.count}.out", self.folder / f"{self.count}.err"
        out.touch()
        err.touch()
        question = {"arguments": [str(one) for one in arguments], "setup": setup, "environment": environment or {}}
        pid = self.ask({**question, "cwd": str(cwd or self.folder), "out": str(out), "err": str(err)})
        return Child(self, pid, out, err)

    def run(self, *arguments: object, timeout: float = 60.0, **options: Any) -> Child:
        child = self.start(*arguments, **options)
        child.wait(timeout)
        return child

    def start_ranks(self, *arguments: object, setups: list[str]) -> list[Child]:
        """Processes of one run, as torchrun would start them; each with its own setup."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        count = str(len(setups))
        shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
        return [
            self.start(*arguments, setup=setup, environment={**shared, "LOCAL_RANK": str(rank), "NODE_RANK": "0"})
            for rank, setup in enumerate(setups)
        ]

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmProcess]:
    """One server a test worker, started when the first test asks for it."""
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork: no warm processes")
    process = WarmProcess(tmp_path_factory.mktemp("warm"))
    yield process
    process.close()


def serve() -> None:
    import PIL.Image
    import tensorboard.summary.writer.record_writer
    import timm
    import torch

    import mereo.commands.evaluate
    import mereo.data.formats.folder_format
    import mereo.drawing.parse_page
    import mereo.recipe.run_recipe

    del tensorboard, timm, mereo
    PIL.Image.init()
    torch.set_num_threads(1)
    gc.collect()
    gc.freeze()  # Children then share what was imported, instead of copying it at their first collection.
    for line in sys.stdin:
        question = json.loads(line)
        if "wait" in question:
            answer = wait_for(question["wait"], question["timeout"])
        else:
            answer = os.fork()
            if answer == 0:
                be_a_child(question)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def wait_for(pid: int, timeout: float) -> int | None:
    deadline = time.monotonic() + timeout
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= deadline:
            return None
        time.sleep(0.002)


def be_a_child(question: dict[str, Any]) -> None:
    from mereo.commands.main import run

    os.setsid()
    # The suite may itself run under nohup, or in the background of a script.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(question["cwd"])
    os.environ.update(question["environment"])
    for descriptor, name in ((0, os.devnull), (1, question["out"]), (2, question["err"])):
        opened = os.open(name, os.O_RDWR | os.O_CREAT, 0o644)
        os.dup2(opened, descriptor)
        os.close(opened)
    # The server's own objects know what kind of file they had.
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", buffering=1, closefd=False)
    sys.argv = ["mereo", *question["arguments"]]
    exec(question["setup"], {"__name__": "setup"})
    code = run(question["arguments"])
    if sys.stderr is not None:
        sys.stderr.flush()
    os._exit(code)  # Taking down an interpreter full of modules would take longer than all the rest.


if __name__ == "__main__":
    serve()
    os._exit(0)
