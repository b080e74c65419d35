"""Each file operation of each writer fails once: the error is the machine's, the old files stay whole, nothing is left
behind, and the second try succeeds."""

import errno
import io
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from nth_operation import ERRORS, Operations, counted, failing, writing_at_most
from writers import WRITERS, CommandFailed, Writer

from mereo.commands.main import explained
from mereo.errors import exit_code_of
from mereo.text_lines import printable
from mereo.training.checkpoint import checkpoint_folders, load_newest_checkpoint

Files = dict[str, bytes]


@pytest.fixture(autouse=True)
def cache_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEREO_CACHE", str(tmp_path / "work" / "cache"))


def files(folder: Path) -> Files:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fresh(folder: Path, before: Files) -> Path:
    """`folder` with exactly these files."""
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    for name, content in before.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    folder.mkdir(exist_ok=True)
    return folder


def attempt(write: Callable[[Path], Any], folder: Path) -> tuple[int, str]:
    """Exit code and line, as the command line would end; 0 if it went well."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()) as errors:
        try:
            write(folder)
        except CommandFailed as error:
            return error.code, errors.getvalue()
        except Exception as error:
            return exit_code_of(error), f"mereo: {printable(explained(error))}\n"
    return 0, ""


def is_volatile(writer: Writer, name: str) -> bool:
    return any(Path(name).match(pattern) for pattern in writer.volatile)


def require_whole(writer: Writer, present: Files, before: Files, after: Files, what: str) -> None:
    """Each file is the old or the new one, none is missing that was not to go, and no temporary file is there."""
    for name, content in present.items():
        assert not name.endswith(".tmp"), f"{what}: left {name}"
        if name in writer.appended and after[name].startswith(content):
            continue  # A row cut short is dropped on resuming.
        if not is_volatile(writer, name) and not name.startswith("checkpoints/"):
            assert content in (before.get(name), after.get(name)), f"{what}: {name} is neither old nor new"
    if "force" not in writer.name and writer.name != "drawn anew":
        missing = {name for name in before.keys() & after.keys() if name not in present}
        assert not {name for name in missing if not name.startswith("checkpoints/")}, f"{what}: {missing}"


def require_checkpoints(folder: Path, what: str) -> None:
    if (folder / "checkpoints").is_dir():
        newest = load_newest_checkpoint(folder / "checkpoints")
        found = checkpoint_folders(folder / "checkpoints")
        assert newest is None or found[0].name.endswith(str(newest.step)), what


@pytest.fixture(
    params=[
        pytest.param(writer, id=writer.name, marks=[pytest.mark.slow] if writer.is_slow else []) for writer in WRITERS
    ]
)
def prepared(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Writer, Path, Files, Files, int]:
    """The writer, its folder, what is there before and after, and how many operations lie between."""
    writer, folder = request.param, tmp_path / "work"
    folder.mkdir()
    writer.prepare(folder)
    before = files(folder)
    with counted(Operations(folder)) as operations:
        writer.write(folder)
    return writer, folder, before, files(folder), len(operations.kinds)


def runs(count: int) -> Iterator[tuple[int, int, bool]]:
    """(n, error, whether all later operations fail too): a disk that hiccups, and one that is full or gone."""
    for n in range(1, count + 1):
        yield n, ERRORS[n % len(ERRORS)], False
        if n % (1 + count // 20) == 0:
            yield n, errno.ENOSPC, True


def test_the_nth_operation_fails(prepared: tuple[Writer, Path, Files, Files, int]) -> None:
    writer, folder, before, after, count = prepared
    assert count > 0
    failures = 0
    for n, code, stays_broken in runs(count):
        what = f"{writer.name}, operation {n} of {count} with {errno.errorcode[code]}{' for good' * stays_broken}"
        fresh(folder, before)
        with counted(Operations(folder, n=n, act=failing(code), stays_broken=stays_broken)) as operations:
            exit_code, line = attempt(writer.write, folder)
        failures += exit_code != 0
        assert exit_code in (0, 3), f"{what} ({operations.failed}): {exit_code} {line}"
        assert len(line.splitlines()) == (exit_code != 0), f"{what}: {line}"
        present = files(folder)
        if operations.failed not in ("unlink", "rmdir"):
            require_whole(writer, present, before, after, f"{what} ({operations.failed})")
        require_checkpoints(folder, what)
        if exit_code == 0 and not writer.forgives:
            assert present.keys() >= {name for name in after if not is_volatile(writer, name)}, what
        if stays_broken or n % (1 + count // 20):
            continue
        assert attempt(writer.again or writer.write, folder)[0] == 0, what
        now = files(folder)
        wrong = [name for name, content in after.items() if not is_volatile(writer, name) and now[name] != content]
        assert not wrong, what
    assert failures or writer.forgives


def test_a_file_that_cannot_grow(prepared: tuple[Writer, Path, Files, Files, int]) -> None:
    """The system's own limit (EFBIG), so that what C and Rust write fails as well."""
    writer, folder, before, after, _ = prepared
    largest = max((len(content) for name, content in after.items() if before.get(name) != content), default=0)
    for limit in sorted({0, largest // 2, max(0, largest - 1)}):
        fresh(folder, before)
        with writing_at_most(limit):
            exit_code, line = attempt(writer.write, folder)
        assert exit_code == (0 if writer.forgives else 3), f"{writer.name}, {limit} bytes: {exit_code} {line}"
        require_whole(writer, files(folder), before, after, f"{writer.name}, {limit} bytes")
        require_checkpoints(folder, f"{writer.name}, {limit} bytes")
