"""Checksums of an index's files. LanceDB believes the lengths that stand in them: where one flipped bit makes such a
length, it asks for more memory than there is, which ends the process, or is busy for ever.

Data and manifests of a table never change once they are written. Those that are not noted yet (their writer was killed)
are believed.
"""

import hashlib
import json
from pathlib import Path

from mereo.atomic_files import write_json
from mereo.errors import BadInput

CHECKSUMS = "checksums.json"
KINDS = (".manifest", ".lance")  # Others, such as the hint which version is the newest, do change.
# Of larger files the end alone is looked at, where a file says of itself what is where: reading all of a large index
# would take longer than searching it.
MOST_WHOLE_BYTES, TAIL_BYTES = 1 << 26, 1 << 20


def note_files(folder: Path, table: str) -> None:
    """For the writer, once all is committed."""
    known = _noted(folder)
    now = {name: known.get(name) or _checksum(path) for name, path in _files(folder, table).items()}
    if now != known:
        write_json(folder / CHECKSUMS, {"files": now}, indent=1)


def forget_files(folder: Path) -> None:
    """Before a table is made anew, whose files may have the names of earlier ones."""
    if (folder / CHECKSUMS).exists():
        write_json(folder / CHECKSUMS, {"files": {}}, indent=1)


def require_noted_files(folder: Path, table: str) -> None:
    known = _noted(folder)
    for name, path in _files(folder, table).items():
        if name not in known:
            continue
        try:
            found = _checksum(path)
        except FileNotFoundError:  # An old version is being tidied away.
            continue
        if found != known[name]:
            raise BadInput(
                f"an index must be whole, but got a file that has changed since it was written ({name}) in {folder}; "
                "delete that folder and build the index anew."
            )


def _files(folder: Path, table: str) -> dict[str, Path]:
    paths = sorted(path for path in (folder / table).rglob("*") if path.suffix in KINDS and path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in paths}


def _checksum(path: Path) -> str:
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(0 if size <= MOST_WHOLE_BYTES else size - TAIL_BYTES)
        return f"{size} {hashlib.file_digest(file, 'sha256').hexdigest()}"


def _noted(folder: Path) -> dict[str, str]:
    """Nothing where there is no list, or one that cannot be read: then nothing is checked."""
    try:
        files = json.loads((folder / CHECKSUMS).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return files if isinstance(files, dict) else {}
