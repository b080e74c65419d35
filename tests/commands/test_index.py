"""`mereo index` as a user meets it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
sys.path.insert(0, str(Path(__file__).parents[1] / "retrieval"))
from tiny_index import content_of
from tiny_parser import random_image, tiny_parser

from mereo.commands.main import run
from mereo.parser.weights import save_parser

pytest.importorskip("lancedb", reason="the extra index is not installed")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six photographs, their index, and its parser."""
    folder = tmp_path_factory.mktemp("commands")
    (folder / "in" / "sub").mkdir(parents=True)
    for seed in range(6):
        path = folder / "in" / ("sub" if seed % 2 else "") / f"{seed}.png"
        Image.fromarray(random_image(64, 96, seed=seed)).save(path)
    save_parser(tiny_parser(), folder / "tiny.safetensors")
    assert build(folder) == 0
    return folder


def build(folder: Path, *more: str) -> int:
    parser = ["--parser", str(folder / "tiny.safetensors")]
    return run(["index", "build", str(folder / "in"), *parser, "--out", str(folder / "index"), *more])


def found_of(capsys: pytest.CaptureFixture, folder: Path, *more: str) -> dict[str, Any]:
    line = ["index", "find", str(folder / "index"), str(folder / "in" / "0.png"), "--json", *more]
    assert run(line) == 0
    return json.loads(capsys.readouterr().out)


def test_again_it_asks_for_no_parser_and_says_what_was_as_before(made: Path, capsys: pytest.CaptureFixture) -> None:
    before = content_of(made / "index")
    assert run(["index", "build", str(made / "in"), "--out", str(made / "index")]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "6 images as before" and printed[1].endswith(f" segments in {made / 'index'}")
    assert content_of(made / "index") == before
    assert run(["index", "add", str(made / "index"), str(made / "in" / "sub")]) == 0
    assert capsys.readouterr().out.startswith("3 images as before\n")


def test_broken_photographs_make_exit_code_4(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "in").mkdir()
    Image.fromarray(random_image(40, 40)).save(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.jpg").write_bytes(b"\xff\xd8\xff broken")
    (tmp_path / "tiny.safetensors").write_bytes((made / "tiny.safetensors").read_bytes())
    assert build(tmp_path) == 4
    printed = capsys.readouterr()
    assert "1 image added, 1 skipped" in printed.out and "skipped" in printed.err and "b.jpg" in printed.err


def test_nothing_to_index(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "tiny.safetensors").write_bytes((made / "tiny.safetensors").read_bytes())
    assert build(tmp_path) == 2
    assert "paths must lead to at least one image" in capsys.readouterr().err
    assert run(["index", "build", str(tmp_path / "in"), "--parser", "no parser is looked for"]) == 2
    assert "paths must lead to at least one image" in capsys.readouterr().err
    assert run(["index", "build", str(tmp_path / "in"), "--out", str(tmp_path / "in")]) == 2
    assert "--out must be another folder than that of the photographs" in capsys.readouterr().err
    (tmp_path / "in" / "b.jpg").write_bytes(b"no picture")
    assert build(tmp_path) == 2
    assert "at least one image must be readable, but got 1 that are not; the first: " in capsys.readouterr().err
    assert not (tmp_path / "index").exists()
    assert run(["index", "build", str(tmp_path / "none")]) == 2
    assert "build must be given a folder, but got" in capsys.readouterr().err


def test_one_folder_and_one_parser_an_index(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    index = str(made / "index")
    assert run(["index", "build", str(made), "--out", index]) == 2
    assert "an index must be of one folder, but got" in capsys.readouterr().err
    save_parser(tiny_parser(seed=3), tmp_path / "other.safetensors")
    assert build(made, "--parser", str(tmp_path / "other.safetensors")) == 2
    assert "vectors must come from the index's own parser" in capsys.readouterr().err
    find = ["index", "find", index, str(made / "in" / "0.png"), "--segment", "0"]
    assert run([*find, "--parser", str(tmp_path / "other.safetensors")]) == 2
    assert "vectors must come from the index's own parser" in capsys.readouterr().err


def test_settings_of_an_index_stay(made: Path, capsys: pytest.CaptureFixture) -> None:
    assert build(made, "--least-share", "0.0005") == 0
    capsys.readouterr()
    for option, asked, known in (("--size", "48", "the parser's own"), ("--least-share", "0.01", "0.0005")):
        assert build(made, option, asked) == 2
        told = " ".join(capsys.readouterr().err.split())
        assert f"{option} must be that of the index ({known}), but got {asked} for {made / 'index'}; leave" in told


def test_a_size_that_was_chosen_is_the_index_s_own(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "in").mkdir()
    Image.fromarray(random_image(40, 60)).save(tmp_path / "in" / "a.png")
    (tmp_path / "tiny.safetensors").write_bytes((made / "tiny.safetensors").read_bytes())
    assert build(tmp_path, "--size", "48") == build(tmp_path) == build(tmp_path, "--size", "48") == 0
    capsys.readouterr()
    assert build(tmp_path, "--size", "64") == 2
    assert "--size must be that of the index (48), but got 64" in capsys.readouterr().err


def test_a_parser_that_is_not_where_it_was(made: Path, capsys: pytest.CaptureFixture) -> None:
    index, photograph = str(made / "index"), str(made / "in" / "0.png")
    moved = (made / "tiny.safetensors").rename(made / "moved.safetensors")
    try:
        for line in (
            ["find", index, photograph, "--segment", "0", "--json"],
            ["add", index, photograph],
            ["build", str(made / "in"), "--out", index],
        ):
            assert run(["index", *line]) == 2
            told = " ".join(capsys.readouterr().err.split())
            assert f"but got none in {str(made / 'tiny.safetensors')!r} for {index}; say with --parser where it" in told
            assert run(["index", *line, "--parser", str(moved)]) == 0
            capsys.readouterr()
    finally:
        moved.rename(made / "tiny.safetensors")


def test_the_nearest_to_a_segment_is_itself(made: Path, capsys: pytest.CaptureFixture) -> None:
    answer = found_of(capsys, made, "--segment", "0", "--top", "3")
    assert len(answer["found"]) == 3 and answer["query"]["segment"] == 0
    first = answer["found"][0]
    assert first["image"] == "0.png" and first["segment"] == 0 and first["distance"] == pytest.approx(0, abs=1e-5)
    assert first["box_xyxy"] == answer["query"]["box_xyxy"] and first["image_size"] == [96, 64]
    distances = [one["distance"] for one in answer["found"]]
    assert distances == sorted(distances)


def test_filters_of_a_search(made: Path, capsys: pytest.CaptureFixture) -> None:
    answer = found_of(capsys, made, "--segment", "0", "--not-image", "--top", "1000")
    assert answer["found"] and "0.png" not in {one["image"] for one in answer["found"]}
    name = answer["found"][-1]["class"]
    answer = found_of(capsys, made, "--segment", "0", "--class", name, "--top", "1000")
    assert {one["class"] for one in answer["found"]} == {name}
    x0, y0 = answer["found"][0]["box_xyxy"][:2]
    assert (x0, y0) >= (0, 0)
    answer = found_of(capsys, made, "--segment", "0", "--image", "2.png", "--image", "sub/1.png", "--top", "1000")
    assert {one["image"] for one in answer["found"]} == {"2.png", "sub/1.png"}


def test_a_point_is_a_segment(made: Path, capsys: pytest.CaptureFixture) -> None:
    inside = {}
    for x, y in ((5, 5), (90, 60), (48, 32), (20, 50)):
        code = run(["index", "find", str(made / "index"), str(made / "in" / "0.png"), "--at", f"{x},{y}", "--json"])
        out = capsys.readouterr().out
        if code == 0:
            inside[x, y] = json.loads(out)["query"]["box_xyxy"]
    assert inside
    for (x, y), (x0, y0, x1, y1) in inside.items():
        assert x0 <= x < x1 and y0 <= y < y1


def test_a_page(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    line = ["index", "find", str(made / "index"), str(made / "in" / "0.png"), "--segment", "0", "--top", "4"]
    assert run([*line, "--out", str(tmp_path / "found")]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == str(tmp_path / "found" / "index.html") and printed[0].startswith("0.000  ")
    names = sorted(path.name for path in (tmp_path / "found" / "thumbnails").iterdir())
    assert names == ["0001.jpg", "0002.jpg", "0003.jpg", "0004.jpg", "query.jpg"]
    (tmp_path / "found" / "thumbnails" / "mine.jpg").write_bytes(b"")
    line = ["index", "find", str(made / "index"), str(made / "in" / "0.png"), "--segment", "0", "--top", "1"]
    assert run([*line, "--out", str(tmp_path / "found")]) == 0
    names = sorted(path.name for path in (tmp_path / "found" / "thumbnails").iterdir())
    assert names == ["0001.jpg", "mine.jpg", "query.jpg"], "of the search before nothing is left"


def test_letters_that_a_terminal_would_obey_are_shown(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "in").mkdir()
    Image.fromarray(random_image(40, 40)).save(tmp_path / "in" / "\x1b[31mred\n.png")
    (tmp_path / "tiny.safetensors").write_bytes((made / "tiny.safetensors").read_bytes())
    assert build(tmp_path) == 0
    line = ["index", "find", str(tmp_path / "index"), str(made / "in" / "0.png"), "--segment", "0", "--top", "1"]
    assert run([*line, "--out", str(tmp_path / "found")]) == 0
    printed = capsys.readouterr().out
    assert "\\x1b[31mred\\n.png" in printed and "\x1b" not in printed


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ([], "find must be given --at X,Y or --segment N, but got neither"),
        (["--at", "3,4", "--segment", "1"], "find must be given --at X,Y or --segment N, but got both"),
        (["--at", "300,4"], r"a point must lie on the photograph (96x64), but got 300,4"),
        (["--segment", "9999"], "--segment must be below "),
        (["--segment", "0", "--class", "cra"], "but got 'cra'; did you mean 'car'?"),
        (["--segment", "0", "--image", "3.png"], "but got '3.png'; did you mean "),
        (["--segment", "0", "--class", "' OR 1"], "--class must be a class of the index's parser"),
    ],
)
def test_what_is_no_question(made: Path, more: list[str], line: str, capsys: pytest.CaptureFixture) -> None:
    assert run(["index", "find", str(made / "index"), str(made / "in" / "0.png"), *more]) == 2
    assert line in capsys.readouterr().err


def test_no_index(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    for verb in (["show"], ["context-error"], ["add"], ["map"]):
        more = {"add": [str(made / "in")], "map": ["--class", "car"]}.get(verb[0], [])
        assert run(["index", *verb, str(tmp_path), *more]) == 2
        assert "an index must be a folder that `mereo index build` made" in capsys.readouterr().err


def test_a_broken_index_is_told_in_a_line(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    import shutil

    for number, suffix in enumerate((".manifest", ".lance")):
        broken = tmp_path / str(number)
        shutil.copytree(made / "index", broken)
        for path in broken.rglob(f"*{suffix}"):
            if path.is_file():
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert run(["index", "show", str(broken)]) in (2, 3)
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("mereo: an index must be ") and str(broken) in line


def test_show_and_context_error(made: Path, capsys: pytest.CaptureFixture) -> None:
    assert run(["index", "show", str(made / "index")]) == 0
    printed = capsys.readouterr().out
    assert "of 6 photographs, vectors of 8 numbers" in printed and "bytes a segment, thumbnails included" in printed
    assert f"parser: {made / 'tiny.safetensors'} (fingerprint" in printed
    assert run(["index", "context-error", str(made / "index"), "--top", "3"]) == 0
    printed = capsys.readouterr().out
    assert "mean over classes " in printed
    few = [line.split() for line in printed.splitlines() if " * " in line]
    assert all(int(words[2]) < 7 for words in few)
    assert ("* fewer than 7 segments: most of the class are neighbours" in printed) == bool(few)
    assert run(["index", "context-error", str(made / "index"), "--top", "9999"]) == 0
    assert "* fewer than 19999 segments" in capsys.readouterr().out
    assert run(["index", "context-error", str(made / "index"), "--class", "nothing"]) == 2


def test_a_map(made: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    pytest.importorskip("openTSNE", reason="the extra index is not installed")
    rows = content_of(made / "index")
    name = max(set(rows["class_name"]), key=rows["class_name"].count)
    assert run(["index", "map", str(made / "index"), "--class", name, "--out", str(tmp_path / "map")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "map" / "index.html")
    stems = {path.name.split(".")[0] for path in (tmp_path / "map").iterdir()}
    assert stems == {"index", "dots", "thumbnails", "sheet"}


def test_without_the_extra(made: Path) -> None:
    """In a process of its own, that cannot find the packages."""
    hide = "import sys\nsys.modules['lancedb'] = None\nsys.modules['openTSNE'] = None\n"
    code = f"{hide}from mereo.commands.main import run\nsys.exit(run(['index', 'show', {str(made / 'index')!r}]))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 3 and "pip install 'mereo[index]'" in ended.stderr, ended.stderr
    assert len(ended.stderr.splitlines()) == 1
