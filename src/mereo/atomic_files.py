"""Files that are either the old one or the new one, never half: write beside, fsync, rename, fsync the folder."""

import errno
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mereo.errors import BadEnvironment, BadInput


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`; when the block ends without error the file is moved into place.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_path(Path(folder) / "a.txt") as temporary:
    ...         _ = temporary.write_text("whole")
    ...     (Path(folder) / "a.txt").read_text()
    'whole'
    """
    path = Path(path)
    if path.name in ("", ".."):
        raise BadInput(f"a file to write must have a name, but got {str(path)!r}; add one.")
    # Unique among threads and machines; of a long name only a part, since file systems count 255 bytes.
    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with open(temporary, "r+b") as file:  # Windows syncs only what is open for writing.
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        if error.filename is not None and not _is_ours(error.filename, temporary, path):
            raise  # The block failed to read another file: that is no fault of this one.
        raise BadEnvironment(
            f"{path} must be writable, but got {error.strerror or error}; free space or choose another folder."
        ) from error
    finally:
        # Cleaning up must not hide why the writing failed (e.g. the folder is a file).
        with suppress(OSError):
            temporary.unlink()


def write_bytes(path: str | Path, content: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | Path, content: str) -> None:
    """UTF-8. Bytes of a file name that were no UTF-8 become escapes (`\\udcff`), which JSON reads back."""
    write_bytes(path, content.encode("utf-8", errors="backslashreplace"))


def write_json(path: str | Path, content: Any, *, indent: int | None = 2) -> None:
    write_text(path, json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False) + "\n")


def remove_leftovers(folder: Path) -> None:
    """Temporary files of a process that was killed while it wrote. Only for a folder where nobody else writes now."""
    for path in folder.glob(".*.tmp"):
        if re.fullmatch(r"\..*\.[0-9a-f]{12}\.tmp", path.name, flags=re.DOTALL):
            with suppress(OSError):
                path.unlink()


def sync_folder(folder: Path) -> None:
    """What was renamed or made in `folder` is there after a power cut too."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EBADF, errno.ENOTSUP):  # Some network file systems cannot.
            raise
    finally:
        os.close(descriptor)


def _is_ours(file_name: Any, temporary: Path, path: Path) -> bool:
    return isinstance(file_name, str | bytes | Path) and Path(os.fsdecode(file_name)) in {
        temporary,
        path,
        *path.parents,
    }
