"""A word that changes when any of some files changes: keys what is counted once and cached."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from mereo.errors import BadInput


def fingerprint_of_files(paths: Iterable[Path]) -> str:
    """From names, sizes and times of change; contents are not read."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(paths):
        try:
            status = path.stat()
        except OSError as error:
            raise BadInput(
                f"data must be a readable file, but got {error.strerror} in {path}; check its name and permissions."
            ) from error
        digest.update(f"{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
