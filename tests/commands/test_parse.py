"""`mereo parse` with a small fake parser: what is found, skipped, written, told, and the exit codes."""

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mereo.assembly.parse import Parse
from mereo.commands import main as command_line
from mereo.commands import parse as command
from mereo.commands.input_images import find_images
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadEnvironment, BadInput
from mereo.version import VERSION


class FakeParser:
    """Bright pixels are sky, the others road."""

    taxonomy = Taxonomy("street", LabelTable(("sky", "road", "car")))
    card = SimpleNamespace(terms="free for any use")

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def parse(self, image_HWC: np.ndarray, **options: Any) -> Parse:
        self.calls.append(options | {"size": image_HWC.shape[:2]})
        if options["name"] == "refused":
            raise BadInput("an image must be liked, but got this; choose another.")
        if options["name"] == "disk full":
            raise BadEnvironment("out must be writable, but got no space; free some.")
        if options["name"] == "interrupted":
            raise KeyboardInterrupt
        semantic_HW = (image_HWC.mean(axis=2) < 128).astype(np.int32)
        return Parse(image_HWC, semantic_HW, self.taxonomy, name=options["name"])


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeParser:
    parser = FakeParser()
    monkeypatch.setattr(command, "open_parser", lambda name, device: parser)
    return parser


def draw(path: Path, size: tuple[int, int] = (24, 16)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image_HWC = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    image_HWC[: size[1] // 4] = 255
    Image.fromarray(image_HWC).save(path)
    return path


def run(*arguments: object) -> int:
    return command_line.run(["parse", *map(str, arguments)])


def test_without_out_the_folder_is_called_parsed(
    fake: FakeParser, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a second run over the folder around it does not parse what the first one wrote."""
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "photo.png")
    for _ in range(2):
        assert run(tmp_path) == 0
        assert capsys.readouterr().out.splitlines()[-1] == str(Path("parsed") / "index.html")
        assert [Path(image["image"]).name for image in report_of(tmp_path / "parsed")["images"]] == ["photo.png"]


def report_of(out: Path) -> dict[str, Any]:
    return json.loads((out / "report.json").read_text(encoding="utf-8"))


def test_one_image(fake: FakeParser, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    photo = draw(tmp_path / "photo.png")
    assert run(photo, "--out", tmp_path / "out") == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].startswith("1 image parsed in ") and lines[1:] == [
        "found: road 75 %, sky 25 %",
        str(tmp_path / "out" / "index.html"),
    ]
    assert err == ""
    report = report_of(tmp_path / "out")
    assert report["mereo"] == VERSION and report["is_finished"] and report["skipped"] == []
    assert report["parser"]["terms"] == "free for any use"
    assert report["taxonomy"]["classes"] == ["sky", "road", "car"]
    (image,) = report["images"]
    assert image["image"] == str(photo) and (image["width"], image["height"]) == (24, 16)
    assert [(one["name"], one["share"], one["box_xyxy"]) for one in image["segments"]] == [
        ("road", 0.75, [0, 4, 24, 16]),
        ("sky", 0.25, [0, 0, 24, 4]),
    ]
    label_HW = np.asarray(Image.open(tmp_path / "out" / image["files"]["labels"]))
    assert label_HW.shape == (16, 24) and (label_HW[:4] == 0).all() and (label_HW[4:] == 1).all()
    for file in image["files"].values():
        assert Image.open(tmp_path / "out" / file).size == (24, 16)
    assert "1 image parsed" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


def test_a_folder_with_folders_and_bad_images(fake: FakeParser, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = tmp_path / "in"
    for name in ("b.png", "a.jpg", "z/a.jpg", "Z/A.JPG", "refused.png", "tief/ü bild.png"):
        draw(folder / name)
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no image either")
    (folder / ".hidden.jpg").write_bytes(b"")
    assert run(folder, tmp_path / "gone.jpg", "--out", tmp_path / "out") == 4
    out, err = capsys.readouterr()
    report = report_of(tmp_path / "out")
    assert [os.path.relpath(one["image"], folder) for one in report["images"]] == [
        *("a.jpg", "b.png", "Z/A.JPG", "tief/ü bild.png", "z/a.jpg")
    ]
    assert [one["files"]["labels"] for one in report["images"]] == [
        *("labels/a.png", "labels/b.png", "labels/A-2.png", "labels/ü bild.png", "labels/a-3.png")
    ]
    assert [(Path(one["image"]).name, one["reason"].split(",")[0]) for one in report["skipped"]] == [
        ("gone.jpg", "there is no such file or folder"),
        ("broken.jpg", "an image must be JPEG"),
        ("refused.png", "an image must be liked"),
    ]
    assert len(err.splitlines()) == 3 and all(line.startswith("skipped ") for line in err.splitlines())
    assert "5 images parsed" in out and ", 3 skipped" in out


@pytest.mark.skipif(os.name != "posix", reason="file names of POSIX")
def test_names_that_break_lines_and_encodings(fake: FakeParser, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = tmp_path / "in"
    names = [
        "two\nlines.png",
        "</script>.png".replace("/", "\u2215"),
        " .png",
        "x" * 240 + ".png",
        "a[1].png",
        "con.png",
    ]
    for name in names:
        draw(folder / name)
    os.rename(draw(folder / "plain.png"), os.fsencode(folder) + b"/\xff.png")
    (folder / "bad\x1b[31m\n.png").write_bytes(b"")
    assert run(folder, folder / "a[1].png", "--out", tmp_path / "out") == 4
    report = report_of(tmp_path / "out")
    assert len(report["images"]) == 7
    stems = {Path(one["files"]["labels"]).stem for one in report["images"]}
    assert stems == {"two_lines", "<".replace("<", "_") + "\u2215script_", "image", "x" * 120, "a[1]", "_con", "_"}
    (line,) = capsys.readouterr().err.splitlines()
    assert r"bad\x1b[31m\n.png" in line
    # Every file is inside the output folder.
    inside = {path for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert len(inside) == 7 * 5 + 3


def test_patterns(fake: FakeParser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("in/1.png", "in/2.png", "in/3.jpg", "in/deep/er/4.png"):
        draw(tmp_path / name)
    assert run("in/**/*.png", "in/1.png", "--out", "out") == 0
    assert [one["image"] for one in report_of(Path("out"))["images"]] == ["in/1.png", "in/2.png", "in/deep/er/4.png"]
    assert run("in/*.gif", "in/3.jpg", "--out", "out") == 4
    report = report_of(Path("out"))
    assert len(report["images"]) == 1 and report["skipped"][0]["reason"] == "the pattern matches no file"


def test_results_of_an_earlier_run_are_no_input_and_foreign_files_stay(fake: FakeParser, tmp_path: Path) -> None:
    draw(tmp_path / "a.png")
    foreign = tmp_path / "out" / "mine.txt"
    foreign.parent.mkdir()
    foreign.write_text("mine")
    for _ in range(2):
        assert run(tmp_path, "--out", tmp_path / "out") == 0
        assert len(report_of(tmp_path / "out")["images"]) == 1
    assert foreign.read_text() == "mine"
    assert not list((tmp_path / "out").rglob("*.tmp"))


def test_options_reach_the_parser(fake: FakeParser, tmp_path: Path) -> None:
    photo = draw(tmp_path / "a.png", (50, 30))
    for size in ("640", "full"):
        assert run(photo, "--out", tmp_path / "out", "--scales", "0.5,1", "--flip", "--size", size) == 0
    assert run(photo, "--out", tmp_path / "out") == 0
    assert [call["working_side"] for call in fake.calls] == [640, 50, None]
    assert fake.calls[0]["scales"] == (0.5, 1.0) and fake.calls[0]["flip"] is True
    assert fake.calls[2]["scales"] == (1.0,) and fake.calls[2]["flip"] is False
    assert run(photo, "--out", tmp_path / "out", "--max-pixels", 1000) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing.jpg"], r"paths must lead to at least one image .*nothing.jpg: there is no such file or folder"),
        (["empty"], r"paths must lead to at least one image .*empty: the folder holds no .jpg"),
        (["*.bmp"], r"paths must lead to at least one image .*the pattern matches no file"),
        (["x" * 5000], "there is no such file or folder"),
        (["broken.jpg"], "at least one image must be readable, but got 1 that are not; the first: an image must be"),
        (["a.png", "--size", "huge"], "--size must be a number of pixels or full, but got 'huge'; e.g. 640"),
        (["a.png", "--size", "0"], "--size must be a number of pixels or full, but got '0'"),
        (["a.png", "--scales", "1,x"], "--scales must be numbers above 0 and up to 8, but got '1,x'"),
        (["a.png", "--scales", "0"], "--scales must be numbers above 0"),
        (["a.png", "--out", "a.png"], "--out must be a folder, but got a file in a.png; name another folder"),
    ],
    ids=lambda value: value[-1][:20] if isinstance(value, list) else "",
)
def test_bad_usage(
    arguments: list[str],
    words: str,
    fake: FakeParser,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    import re

    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "a.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.jpg").write_bytes(b"?")
    assert run(*(["--out", "out"] if "--out" not in arguments else []), *arguments) == 2
    err = capsys.readouterr().err
    assert re.search(words, err.splitlines()[-1])
    assert not (tmp_path / "out").exists(), "nothing is written where nothing was parsed"


@pytest.mark.parametrize(("name", "code"), [("interrupted", 130), ("disk full", 3)])
def test_a_stopped_run_keeps_what_is_done(name: str, code: int, fake: FakeParser, tmp_path: Path) -> None:
    for one in ("a", name, "z"):
        draw(tmp_path / "in" / f"{one}.png")
    assert run(tmp_path / "in", "--out", tmp_path / "out") == code
    report = report_of(tmp_path / "out")
    assert not report["is_finished"] and [one["name"] for one in report["images"]] == ["a"]
    assert "The run was stopped before its end." in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="a superuser may write everywhere")
def test_a_folder_that_cannot_be_written(fake: FakeParser, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    draw(tmp_path / "a.png")
    (tmp_path / "out").mkdir(mode=0o500)
    assert run(tmp_path / "a.png", "--out", tmp_path / "out") == 3
    assert "must be writable" in capsys.readouterr().err


def test_a_parser_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    draw(tmp_path / "a.png")
    assert run(tmp_path / "a.png", "--out", tmp_path / "out", "--parser", "no such parser", "--device", "cpu") == 2
    assert "parser must be a built-in name" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    draw(tmp_path / "elsewhere" / "secret.png")
    draw(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "circle").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "out of here").symlink_to(tmp_path / "elsewhere")
    found = find_images([str(tmp_path / "in")], without=tmp_path / "out")
    assert [path.name for path in found.paths] == ["a.png"]
