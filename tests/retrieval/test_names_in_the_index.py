"""What an index calls a photograph leads back to its file, whatever letters the name has."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_index import build, photographs, save_photograph

from mereo.errors import BadInput
from mereo.retrieval.index_building import file_of, path_in_index

pytest.importorskip("lancedb", reason="the extra index is not installed")

PIECES = st.sampled_from(
    ["a", " ", "\\", "\\udcff", "\\udc5c", "\\udc5cudcff", "udcff", "é", os.fsdecode(b"\xff"), "\n", "'"]
)


@given(st.lists(PIECES, min_size=1, max_size=8).map("".join).filter(lambda name: name.strip() == name and name))
def test_there_and_back(name: str) -> None:
    root = Path("/somewhere")
    assert file_of(path_in_index(root / name, root), root) == root / name


def test_two_names_that_look_alike_are_two(tmp_path: Path) -> None:
    raw, written = os.fsdecode(b"x\xff.png"), "x\\udcff.png"
    assert path_in_index(tmp_path / raw, tmp_path) != path_in_index(tmp_path / written, tmp_path)


def test_a_name_that_looks_like_an_escape_stays(tmp_path: Path) -> None:
    save_photograph(tmp_path / "in" / "x\\udcff.png", 0)
    assert len(build(tmp_path / "index", tmp_path / "in", prunes=True).added) == 1
    again = build(tmp_path / "index", tmp_path / "in", prunes=True)
    assert len(again.unchanged) == 1 and not again.dropped


def test_an_index_that_another_build_made_meanwhile_is_of_one_folder_all_the_same(tmp_path: Path) -> None:
    photographs(tmp_path / "a", 1)
    photographs(tmp_path / "b", 1)
    build(tmp_path / "index", tmp_path / "a")
    with pytest.raises(BadInput, match=r"an index must be of one folder, but got .*b for that of \.\./a"):
        build(tmp_path / "index", tmp_path / "b")


def test_one_in_twenty_is_broken(tmp_path: Path) -> None:
    photographs(tmp_path / "in", 40)
    for name in ("007.png", "023.png"):
        (tmp_path / "in" / name).write_bytes((tmp_path / "in" / name).read_bytes()[:60])
    report = build(tmp_path / "index", tmp_path / "in")
    assert len(report.added) == 38 and sorted(Path(what).name for what, _ in report.skipped) == ["007.png", "023.png"]
