"""The word changes when a file changes, appears, goes or is renamed; the order of asking does not matter."""

import os
from pathlib import Path

import pytest

from mereo.data.file_fingerprint import fingerprint_of_files
from mereo.errors import BadInput


def test_changes_are_seen(tmp_path: Path) -> None:
    first, second = tmp_path / "a.png", tmp_path / "ü b.png"
    first.write_bytes(b"1")
    second.write_bytes(b"2")
    seen = [fingerprint_of_files([first, second])]
    assert fingerprint_of_files([second, first]) == seen[0] == fingerprint_of_files(iter([first, second]))
    first.write_bytes(b"longer")
    seen.append(fingerprint_of_files([first, second]))
    os.utime(first, ns=(0, 0))  # Another content of the same size shows by its time.
    seen.append(fingerprint_of_files([first, second]))
    seen.append(fingerprint_of_files([first]))
    seen.append(fingerprint_of_files([first, second.rename(tmp_path / "c.png")]))
    assert len(set(seen)) == len(seen)


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    path.write_bytes(b"1")
    assert len(fingerprint_of_files([path])) == 32


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="data must be a readable file, but got No such file or directory in .*gone.png"):
        fingerprint_of_files([tmp_path / "gone.png"])
