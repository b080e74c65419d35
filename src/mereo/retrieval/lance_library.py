"""LanceDB, imported where an index is used and nowhere before; its errors in the words and exit codes of Mereo."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from mereo.errors import BadEnvironment, BadInput, MereoError

INSTALL = "pip install mereo[index]"
# The library's own log would talk of empty partitions between our lines.
QUIET = {"LANCEDB_LOG": "error"}


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
def table_errors(folder: Path) -> Iterator[None]:
    """What goes wrong inside LanceDB: the machine's doing if the system gave an error number, else a broken index.

    A file that the newest version names and that is not there is a broken index, too.
    """
    try:
        yield
    except MereoError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
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
