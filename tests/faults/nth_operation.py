"""Counts what a program does to files below a folder, and makes the n-th operation fail, or the process die there.

Counted are opening for writing, every write (half of it still happens), fsync, rename, mkdir, unlink, rmdir and
truncate, whether through `open`, `os`, pathlib, shutil or Pillow's Python side, and safetensors' file writing as one
operation. What C code writes through a descriptor (JPEG) is not seen here: `writing_at_most` limits that.
"""

import builtins
import errno
import io
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

SOURCE = str(Path(__file__).parents[2] / "src" / "mereo") + os.sep
ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES)
TAKING_AWAY = ("unlink", "rmdir")


class Operations:
    """`act(kind)` is called for the n-th operation, and, if `stays_broken`, for all after it but those that delete."""

    def __init__(
        self,
        folder: Path,
        *,
        n: int | None = None,
        act: Callable[[str], None] | None = None,
        stays_broken: bool = False,
    ) -> None:
        self.folder = os.path.abspath(folder)
        self.n, self.act, self.stays_broken = n, act, stays_broken
        self.kinds: list[str] = []
        self.writers: set[tuple[str, str]] = set()

    @property
    def failed(self) -> str | None:
        return self.kinds[self.n - 1] if self.n is not None and self.n <= len(self.kinds) else None

    def is_due(self, kind: str) -> bool:
        """Counts one operation and the functions of Mereo that it came from."""
        self.kinds.append(kind)
        if self.n is None:
            self.writers |= mereo_functions(sys._getframe(1))
            return False
        is_later = self.stays_broken and len(self.kinds) > self.n and kind not in TAKING_AWAY
        return len(self.kinds) == self.n or is_later

    def count(self, kind: str) -> None:
        if self.is_due(kind) and self.act is not None:
            self.act(kind)

    def holds(self, path: Any) -> bool:
        if isinstance(path, int):
            return True
        full = os.path.abspath(os.fsdecode(path))
        return full == self.folder or full.startswith(self.folder + os.sep)


def mereo_functions(frame: FrameType | None) -> set[tuple[str, str]]:
    """(file, qualified name) of all functions of Mereo on the stack."""
    found = set()
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(SOURCE):
            found.add((file.removeprefix(SOURCE), frame.f_code.co_qualname))
        frame = frame.f_back
    return found


def failing(code: int) -> Callable[[str], None]:
    def fail(kind: str) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def die(kind: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class _CountedFile(io.FileIO):
    def __init__(self, path: Any, mode: str, operations: Operations, **options: Any) -> None:
        self.operations, self.is_refusing = operations, False
        super().__init__(path, mode, **options)

    def write(self, content: Any) -> int:
        """As a system does it when the disk fills up: the first half is taken, and the rest refused."""
        act = self.operations.act
        if self.is_refusing and act is not None:
            self.is_refusing = False
            act("write")
        if self.operations.is_due("write") and act is not None:
            self.is_refusing = True
            half = super().write(bytes(content)[: len(content) // 2]) or 0
            if half and act is not die:
                return half
            act("write")
        return super().write(content) or 0


@contextmanager
def counted(operations: Operations) -> Iterator[Operations]:
    """Inside, every operation below the folder goes through `operations`."""
    import safetensors.torch

    real_open, real = io.open, {name: getattr(os, name) for name in ("open", "write", "fsync", "ftruncate")}
    real |= {name: getattr(os, name) for name in ("replace", "rename", "mkdir", "unlink", "remove", "rmdir")}
    real_serialize = safetensors.torch.serialize_file

    def open_file(
        file: Any, mode: str = "r", buffering: int = -1, encoding: Any = None, errors: Any = None, newline: Any = None,
        closefd: bool = True, opener: Any = None,
    ) -> Any:  # fmt: skip
        if not set(mode) & set("wax+") or isinstance(file, int) or not operations.holds(file):
            return real_open(file, mode, buffering, encoding, errors, newline, closefd, opener)
        operations.count("open")
        raw = _CountedFile(file, mode.replace("b", "").replace("t", ""), operations, closefd=closefd, opener=opener)
        if buffering == 0:
            return raw
        buffered: Any = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)

    def counting(name: str, kind: str) -> Callable[..., Any]:
        def operate(path: Any, *arguments: Any, **options: Any) -> Any:
            if options.get("dir_fd") is not None or operations.holds(path):
                operations.count(kind)
            # Nobody pulls the plug here, and the disk's own time for it would be most of a test's.
            return None if name == "fsync" else real[name](path, *arguments, **options)

        return operate

    def serialize(tensors: Any, filename: Any, **options: Any) -> None:
        if operations.is_due("serialize") and operations.act is not None:
            real_serialize(tensors, filename, **options)
            os.truncate(filename, os.path.getsize(filename) // 2)
            try:
                operations.act("serialize")
            except OSError as error:
                text = f"Error while serializing: I/O error: {error.strerror} (os error {error.errno})"
                raise safetensors.SafetensorError(text) from None
        real_serialize(tensors, filename, **options)

    kinds = {"remove": "unlink", "rename": "replace"}
    try:
        builtins.open = io.open = open_file  # type: ignore[assignment]
        for name in real:
            setattr(os, name, counting(name, kinds.get(name, name)))
        safetensors.torch.serialize_file = serialize
        yield operations
    finally:
        builtins.open = io.open = real_open
        for name, function in real.items():
            setattr(os, name, function)
        safetensors.torch.serialize_file = real_serialize


@contextmanager
def writing_at_most(num_bytes: int) -> Iterator[None]:
    """No file grows beyond `num_bytes`, whoever writes it (EFBIG): the system's own limit."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
