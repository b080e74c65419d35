"""One process at a time writes into a folder. The system lets the lock go with the process, however it ends."""

import errno
import json
import logging
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mereo.errors import BadInput

LOG = logging.getLogger("mereo")
# Beyond anything that is written: on Windows nobody else may read what is locked.
LOCKED_BYTE = 2**30
MAX_TRIES = 1000
_HELD_HERE: set[str] = set()
_GUARD = threading.Lock()


@dataclass(frozen=True)
class LockedFolder:
    """A kind of folder, in the words of its errors: "`what` must have one process that `does`"."""

    what: str
    does: str
    lock_file: str
    otherwise: str
    without_locks: str


class _InUse(Exception):
    pass


@contextmanager
def folder_lock(folder: Path, kind: LockedFolder) -> Iterator[None]:
    """Holds `folder` (made if absent) while the block runs; another holder is named in the error.

    A file that a killed process left behind is no lock. On a file system without locks it says so and goes on.
    """
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{kind.what} must be a folder, but got a file in {folder}; choose another --out.")
    is_new = not folder.exists()
    path = folder / kind.lock_file
    key = os.path.realpath(path)
    with _GUARD:
        # A process may lock a file as often as it likes, so its own threads are kept apart here.
        is_taken_here = key in _HELD_HERE
        _HELD_HERE.add(key)
    if is_taken_here:
        raise _in_use(path, kind, _this_process())
    descriptor = None
    try:
        try:
            descriptor = _locked(path)
        except _InUse:
            raise _in_use(path, kind, _holder(path)) from None
        except OSError as error:
            LOG.warning("%s cannot be locked here (%s): %s.", path, error.strerror or error, kind.without_locks)
        yield
    finally:
        if descriptor is not None:
            # While it is still locked: whoever takes it afterwards sees that the file is gone, and makes another.
            with suppress(OSError):
                path.unlink()
            os.close(descriptor)
        if is_new:
            with suppress(OSError):
                folder.rmdir()  # Only if nothing was written: a run that was refused leaves no empty folder.
        with _GUARD:
            _HELD_HERE.discard(key)


def _locked(path: Path) -> int:
    for _ in range(MAX_TRIES):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except (FileExistsError, FileNotFoundError):
            continue  # The holder before took its empty folder away just now.
        try:
            _take(descriptor)
            if _is_at(descriptor, path):
                with suppress(OSError):  # On a full disk the lock holds all the same, without a name.
                    os.ftruncate(descriptor, 0)
                    os.write(descriptor, json.dumps(_this_process()).encode())
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))


def _take(descriptor: int) -> None:
    """POSIX record locks rather than flock: those would live on in the loader's workers, which outlive a kill."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            raise _InUse from error
        raise


def _is_at(descriptor: int, path: Path) -> bool:
    """False if the holder before removed the file between opening and locking it here."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _this_process() -> dict[str, object]:
    return {"process": os.getpid(), "machine": socket.gethostname()}


def _holder(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # It is just being written, or already gone.
    return content if isinstance(content, dict) else {}


def _in_use(path: Path, kind: LockedFolder, holder: dict[str, object]) -> BadInput:
    who = f"process {holder.get('process', '(unknown)')} on {holder.get('machine', '(unknown)')}"
    return BadInput(
        f"{kind.what} must have one process that {kind.does}, but got a second one besides {who} in {path.parent}; "
        f"{kind.otherwise}."
    )
