"""A manifest of data files: what each must hold (SHA-256), and which were seen to hold it and are as they were then.

Hashes are anybody's; sizes and times of change are this machine's, and only spare reading a file twice.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field

from mereo.atomic_files import write_json
from mereo.data.json_reading import parse_json
from mereo.errors import BadInput
from mereo.strict import StrictConfig
from mereo.strict_yaml import validated

MANIFEST_FILE = "mereo_manifest.json"
SECONDS_BETWEEN_WRITES = 30  # What was checked until then need not be checked again after a kill.


class FileFacts(StrictConfig):
    """`size` and `changed_ns` are those of the file when it was seen to hold what the hash says; left out: never."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int | None = Field(None, ge=0)
    changed_ns: int | None = None


class FileManifest(StrictConfig):
    """Names are paths as seen from the folder that the manifest is of."""

    files: dict[str, FileFacts] = {}


@dataclass
class ManifestReport:
    """Names of files. `unlisted` ones have no hash to be held to; `written` ones got one now."""

    same: list[str] = field(default_factory=list)
    as_before: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        return [*self.other, *self.missing]


def read_manifest(path: Path) -> FileManifest:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "bytes that are no UTF-8 text"
        raise BadInput(f"a manifest must be a readable file, but got {reason} in {path}; check its name.") from error
    return validated(FileManifest, parse_json(text, what="a manifest", path=path), source=f"manifest {path}")


def check_files(
    names: Iterable[str],
    *,
    root: Path,
    path: Path,
    has_new: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> ManifestReport:
    """Holds files below `root` to the manifest at `path`, and writes into it which were checked. `has_new`: what it
    does not list, or lists otherwise, is listed as it is now."""
    listed = dict(read_manifest(path).files) if path.is_file() else {}
    names, report, is_changed, written_at = sorted(set(names)), ManifestReport(), False, time.monotonic()
    for number, name in enumerate(names, start=1):
        known = listed.get(name)
        now = _checked(root / name, name, known, report, has_new=has_new)
        if now is not None and now != known:
            listed[name], is_changed = now, True
        if is_changed and time.monotonic() - written_at > SECONDS_BETWEEN_WRITES:
            write_manifest(path, listed)
            is_changed, written_at = False, time.monotonic()
        if on_progress is not None:
            on_progress(number, len(names))
    if is_changed:
        write_manifest(path, listed)
    return report


def write_manifest(path: Path, files: dict[str, FileFacts]) -> None:
    content = {name: files[name].model_dump(exclude_none=True) for name in sorted(files)}
    write_json(path, {"files": content}, indent=1)


def _checked(
    file: Path, name: str, known: FileFacts | None, report: ManifestReport, *, has_new: bool
) -> FileFacts | None:
    """What is to be listed for a file; None where it stays as it is."""
    if not file.is_file():
        report.missing.append(name)
        return None
    if known is None and not has_new:
        report.unlisted.append(name)
        return None
    status = file.stat()
    if known is not None and (known.size, known.changed_ns) == (status.st_size, status.st_mtime_ns):
        report.as_before.append(name)
        return None
    try:
        with open(file, "rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise BadInput(
            f"data must be a readable file, but got {error.strerror} in {file}; check its name and permissions."
        ) from error
    is_same = known is not None and known.sha256 == found
    if not is_same and not has_new:
        report.other.append(name)
        return None
    (report.same if is_same else report.written).append(name)
    return FileFacts(sha256=found, size=status.st_size, changed_ns=status.st_mtime_ns)
