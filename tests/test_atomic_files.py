"""A file is the old one or the new one, never half, and no temporary file stays behind."""

import errno
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from mereo.atomic_files import atomic_path, write_bytes, write_json, write_text
from mereo.errors import BadEnvironment, BadInput


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_folders_are_made_and_the_file_is_whole(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "c.txt", "straße")
    assert (tmp_path / "a" / "b" / "c.txt").read_bytes() == "straße".encode()
    assert names(tmp_path / "a" / "b") == ["c.txt"]


def test_nothing_shows_before_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old" and temporary.parent == tmp_path
    assert target.read_text() == "new" and names(tmp_path) == ["a.txt"]


def test_an_error_inside_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(KeyError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise KeyError
    assert target.read_text() == "old" and names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("call", ["replace", "fsync"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_a_refusing_machine_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    def refuse(*arguments: Any) -> None:
        raise OSError(code, os.strerror(code))

    target = tmp_path / "a.txt"
    target.write_text("old")
    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(BadEnvironment, match=f"a.txt must be writable, but got {os.strerror(code)}; free space"):
        write_text(target, "new")
    monkeypatch.undo()
    assert target.read_text() == "old" and names(tmp_path) == ["a.txt"]


def test_a_write_that_fails_halfway_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with (
        pytest.raises(BadEnvironment, match="must be writable, but got No space left"),
        atomic_path(target) as temporary,
    ):
        temporary.write_text("ha")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert target.read_text() == "old" and names(tmp_path) == ["a.txt"]


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadEnvironment, match="b.txt must be writable, but got"):
        write_text(tmp_path / "file" / "b.txt", "x")
    with pytest.raises(BadEnvironment, match="c.txt must be writable, but got"):
        write_text(tmp_path / "file" / "folder" / "c.txt", "x")


def test_a_target_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with pytest.raises(BadEnvironment, match="folder must be writable, but got Is a directory"):
        write_text(tmp_path / "folder", "x")
    assert names(tmp_path) == ["folder"]


@pytest.mark.parametrize("path", ["", ".", "/", ".."])
def test_a_file_must_have_a_name(path: str) -> None:
    with pytest.raises(BadInput, match="a file to write must have a name, but got"):
        write_text(path, "x")


def test_an_unreadable_source_is_not_blamed_on_the_target(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="source.txt"), atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_bytes((tmp_path / "source.txt").read_bytes())
    assert names(tmp_path) == []


@pytest.mark.parametrize("name", ["图" * 80 + ".json", "a" * 255])
def test_the_longest_names_that_a_file_system_takes(tmp_path: Path, name: str) -> None:
    write_text(tmp_path / name, "x")
    assert names(tmp_path) == [name]


def test_threads_may_write_one_file(tmp_path: Path) -> None:
    """Each wins or loses as a whole; none fails because another one moved its temporary file away."""
    failures: list[BaseException] = []

    def write(letter: str) -> None:
        try:
            for _ in range(20):
                write_text(tmp_path / "a.txt", letter * 10_000)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    content = (tmp_path / "a.txt").read_text()
    assert len(content) == 10_000 and len(set(content)) == 1 and names(tmp_path) == ["a.txt"]


def test_a_file_system_that_cannot_sync_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync

    def refuse_folders(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    write_bytes(tmp_path / "a.bin", b"x")
    assert (tmp_path / "a.bin").read_bytes() == b"x"


def test_json_keeps_names_that_are_no_utf8(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    write_json(tmp_path / "a.json", {"name": name, "ü": [1, 2.5, None]})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"name": name, "ü": [1, 2.5, None]}


def test_json_refuses_what_no_other_reader_takes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert names(tmp_path) == []
