"""One byte of an index is another: whatever file it is in, the commands end with a line and a code, or with an answer.

The library is written in Rust: what goes wrong in it may be a panic, which is no Exception, and says so on its own.
"""

import json
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ran_command import Mereo
from tiny_parser import random_image, tiny_parser

from mereo.commands.main import run
from mereo.errors import BadInput
from mereo.parser.weights import save_parser
from mereo.retrieval import index_checksums
from mereo.retrieval.index_checksums import CHECKSUMS, TAIL_BYTES, forget_files, note_files, require_noted_files
from mereo.retrieval.lance_library import panics_unsaid, table_errors

pytest.importorskip("lancedb", reason="the extra index is not installed")
FLIPS_A_FILE = 12
KINDS = ("*.manifest", "*.lance")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flipped")
    (folder / "in").mkdir()
    for seed in range(3):
        Image.fromarray(random_image(48, 64, seed=seed)).save(folder / "in" / f"{seed}.png")
    parser = save_parser(tiny_parser(), folder / "tiny.safetensors")
    line = ["index", "build", folder / "in", "--parser", parser, "--out", folder / "index", "--device", "cpu"]
    assert run([str(word) for word in line]) == 0
    return folder


def files_of(index: Path) -> list[Path]:
    return sorted(path for kind in KINDS for path in index.rglob(kind) if path.is_file())


def require_ended(mereo: Mereo, *line: object) -> int:
    """`mereo` itself looks for tracebacks and for bugs of ours."""
    ran = mereo(*line)
    assert ran.code in (0, 2, 3), ran
    if ran.code:
        assert ran.error, ran
    else:
        assert ran.err == "", ran
    return ran.code


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(FLIPS_A_FILE))
def test_one_flipped_byte_ends_with_one_line_or_an_answer(seed: int, made: Path, mereo: Mereo, tmp_path: Path) -> None:
    assert {path.suffix for path in files_of(made / "index")} == {".manifest", ".lance"}
    for number, file in enumerate(files_of(made / "index")):
        index = tmp_path / str(number)
        shutil.copytree(made / "index", index)
        flipped = index / file.relative_to(made / "index")
        content = bytearray(flipped.read_bytes())
        random = np.random.default_rng([seed, number])
        # The ends of these files say what is where, and are a small part of them.
        most = len(content) if seed % 2 else min(200, len(content))
        place = len(content) - 1 - int(random.integers(most))
        content[place] ^= int(random.integers(1, 256))
        flipped.write_bytes(content)
        assert require_ended(mereo, "index", "show", index) == 2
        photograph = made / "in" / "0.png"
        line = ["index", "find", index, photograph, "--at", "20,20", "--json", "--parser", made / "tiny.safetensors"]
        assert require_ended(mereo, *line, "--device", "cpu") == 2


def test_the_whole_index_answers(made: Path, mereo: Mereo) -> None:
    assert require_ended(mereo, "index", "show", made / "index") == 0
    line = ["index", "find", made / "index", made / "in" / "0.png", "--at", "20,20", "--json", "--device", "cpu"]
    assert require_ended(mereo, *line) == 0


PANICKING = {
    "a type that nobody knows": ("*.manifest", b"fixed_size_list"),
    "another number in the schema": ("*.manifest", b"int32"),
}


@pytest.mark.parametrize("name", PANICKING)
def test_where_the_library_panics_there_is_one_line(name: str, made: Path, mereo: Mereo, tmp_path: Path) -> None:
    kind, word = PANICKING[name]
    shutil.copytree(made / "index", tmp_path / "index")
    (manifest, *_) = (tmp_path / "index").rglob(kind)
    content = manifest.read_bytes()
    assert word in content
    manifest.write_bytes(content.replace(word, b"x" + word[1:], 1))
    # As in an index whose writer was killed before it had noted its files: the library is asked.
    (tmp_path / "index" / CHECKSUMS).unlink()
    for line in (
        ["index", "show", tmp_path / "index"],
        ["index", "find", tmp_path / "index", made / "in" / "0.png", "--at", "20,20", "--device", "cpu"],
    ):
        ran = mereo(*line)
        assert ran.code == 2 and "an index must be whole, but got " in ran.error


def test_what_is_no_panic_stays_what_it_is(tmp_path: Path) -> None:
    class PanicException(BaseException):
        pass

    with pytest.raises(BadInput, match="an index must be whole, but got a panic of the library that reads it in "):
        with table_errors(tmp_path):
            raise PanicException("at field.rs")
    for kind in (KeyboardInterrupt, SystemExit, TypeError):
        with pytest.raises(kind), table_errors(tmp_path):
            raise kind()


def test_only_a_command_holds_the_stream_back(capfd: pytest.CaptureFixture[str]) -> None:
    def say() -> None:
        with panics_unsaid():
            os.write(2, b"thread panicked\n")

    say()
    assert capfd.readouterr().err == ""
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"
    thread = threading.Thread(target=say)
    thread.start()
    thread.join()
    assert capfd.readouterr().err == "thread panicked\n"


def test_a_length_that_would_end_the_process_is_seen_before(made: Path, mereo: Mereo, tmp_path: Path) -> None:
    """The number of a file's global buffers stands 16 bytes before its end; LanceDB asks for memory for all of them."""
    shutil.copytree(made / "index", tmp_path / "index")
    (data,) = (tmp_path / "index").rglob("*.lance/data/*.lance")
    content = bytearray(data.read_bytes())
    content[-13] ^= 0xA6
    data.write_bytes(content)
    ran = mereo("index", "show", tmp_path / "index")
    assert ran.code == 2 and "a file that has changed since it was written (segments.lance/data/" in ran.error


def test_what_is_not_noted_or_cannot_be_read_is_believed(made: Path, mereo: Mereo, tmp_path: Path) -> None:
    for content in (None, b"", b"[1]", b'{"files": 3}', b'{"files": {}}', b"\xff"):
        index = tmp_path / str(content)
        shutil.copytree(made / "index", index)
        (index / CHECKSUMS).unlink() if content is None else (index / CHECKSUMS).write_bytes(content)
        assert require_ended(mereo, "index", "show", index) == 0
    # And the next writer notes what is there.
    assert mereo("index", "add", index, made / "in", "--parser", made / "tiny.safetensors", "--device", "cpu").code == 0
    noted = set(json.loads((index / CHECKSUMS).read_text())["files"])
    assert noted == {path.relative_to(index).as_posix() for path in files_of(index)}


@pytest.mark.parametrize(("most_whole", "is_whole"), [(TAIL_BYTES + 100, True), (TAIL_BYTES + 99, False)])
def test_of_a_large_file_the_end_is_checked(
    most_whole: int, is_whole: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_checksums, "MOST_WHOLE_BYTES", most_whole)
    (tmp_path / "t").mkdir()
    file = tmp_path / "t" / "a.lance"
    file.write_bytes(bytes(TAIL_BYTES + 100))
    note_files(tmp_path, "t")
    require_noted_files(tmp_path, "t")
    for place, is_seen in ((0, is_whole), (99, is_whole), (-1, True), (100, True)):
        content = bytearray(TAIL_BYTES + 100)
        content[place] = 1
        file.write_bytes(content)
        if is_seen:
            with pytest.raises(BadInput, match=r"a file that has changed since it was written \(t/a.lance\) in "):
                require_noted_files(tmp_path, "t")
        else:
            require_noted_files(tmp_path, "t")
    file.unlink()
    require_noted_files(tmp_path, "t")


def test_a_table_that_is_made_anew_is_not_held_to_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "1.manifest").write_bytes(b"old")
    note_files(tmp_path, "t")
    forget_files(tmp_path)
    (tmp_path / "t" / "1.manifest").write_bytes(b"new")
    require_noted_files(tmp_path, "t")
    forget_files(tmp_path / "t")
    assert not (tmp_path / "t" / CHECKSUMS).exists()
