"""LanceDB, imported where an index is used and nowhere before; its errors in the words and exit codes of Mereo."""

import errno
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from mereo.errors import BadEnvironment, BadInput, MereoError

INSTALL = "pip install 'mereo[index]'"
# The library's own log would talk of empty partitions between our lines.
QUIET = {"LANCEDB_LOG": "error"}
PANICS = ("RustPanic", "PanicException")
STANDARD_ERROR = 2


def lancedb_library() -> ModuleType:
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import lancedb
    except ModuleNotFoundError as error:
        raise BadEnvironment(
            f"an index must have LanceDB, but got no package {error.name}; {INSTALL} installs what it needs."
        ) from error
    return lancedb


@contextmanager
def panics_unsaid() -> Iterator[None]:
    """LanceDB's threads write pages about a panic to the standard error stream, past Python. A command says one line
    instead; a service, whose work runs in threads, keeps them in its log."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    try:
        said = os.dup(STANDARD_ERROR)
    except OSError:  # Closed.
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, STANDARD_ERROR)
        yield
    finally:
        os.dup2(said, STANDARD_ERROR)
        os.close(said)
        os.close(nowhere)


@contextmanager
def table_errors(folder: Path) -> Iterator[None]:
    """What goes wrong inside LanceDB: the machine's doing if the system gave an error number, else a broken index.

    A file that the newest version names and that is not there is a broken index, too; and so is one on which the
    library panics, which reaches Python as an exception that need not be an Exception.
    """
    try:
        with panics_unsaid():
            yield
    except MereoError:
        raise
    except BaseException as error:
        if type(error).__name__ in PANICS:
            raise BadInput(
                f"an index must be whole, but got a panic of the library that reads it in {folder}; delete that folder "
                "and build the index anew."
            ) from error
        if not isinstance(error, (OSError, RuntimeError, ValueError)):
            raise
        text = " ".join(str(error).split())
        number = getattr(error, "errno", None) or next(iter(re.findall(r"\(os error (\d+)\)", text)), None)
        if number is not None and int(number) != errno.ENOENT:
            reason = getattr(error, "strerror", None) or system_reason(text)
            raise BadEnvironment(
                f"an index must be readable and writable, but got {reason} in {folder}; free space or mend the disk, "
                "then run the same command again: what was committed before is still there."
            ) from error
        raise BadInput(
            f"an index must be whole, but got {text[:200]} in {folder}; delete that folder and build the index anew."
        ) from error


def system_reason(text: str) -> str:
    """
    >>> system_reason("lance error: LanceError(IO): No space left on device (os error 28), src/x.rs:258:9")
    'No space left on device'
    """
    found = re.search(r"([^:(]+?)\s*\(os error \d+\)", text)
    return found.group(1).strip() if found else text[:200]
