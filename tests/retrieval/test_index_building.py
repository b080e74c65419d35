"""An index grows by what is new, follows what changed, and is safe against two writers and other parsers."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_index import StripeSegments, build, content_of, photographs, save_photograph

from mereo.errors import BadInput
from mereo.folder_lock import folder_lock
from mereo.retrieval import index_building
from mereo.retrieval.index_building import content_hash, file_of, path_in_index
from mereo.retrieval.photograph_segments import PhotographSegments
from mereo.retrieval.segment_index import INDEX_FOLDER, SegmentIndex, is_index

pytest.importorskip("lancedb", reason="the extra index is not installed")


def test_a_row_says_what_a_segment_is(tmp_path: Path) -> None:
    (path,) = photographs(tmp_path / "in", 1)
    assert build(tmp_path / "index", tmp_path / "in").added == ["000.png"]
    rows = content_of(tmp_path / "index")
    assert rows["image"] == ["000.png"] * 3 and rows["segment"] == [0, 1, 2]
    assert rows["content_hash"][0] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert rows["class_name"] == ["sky", "road", "car"] and rows["class_index"] == [0, 1, 2]
    assert rows["box_xyxy"][1] == [10, 0, 21, 24] and rows["area_pixels"][1] == 11 * 24
    assert (rows["height"][0], rows["width"][0]) == (24, 32)
    np.testing.assert_allclose(np.linalg.norm(rows["vector"], axis=1), 1, atol=1e-6)
    index = SegmentIndex.open(tmp_path / "index")
    assert len(index) == 3 and index.dimensions == 8
    assert list(index.facts.taxonomy.object_names) == ["sky", "road", "car"]
    assert index.images() == {"000.png": rows["content_hash"][0]}
    assert {path.name for path in (tmp_path / "index").iterdir()} == {"checksums.json", "segments.lance"}


def test_the_same_again_changes_nothing_and_asks_no_parser(tmp_path: Path) -> None:
    photographs(tmp_path / "in", 3)
    build(tmp_path / "index", tmp_path / "in")
    before, source = content_of(tmp_path / "index"), StripeSegments()
    report = build(tmp_path / "index", tmp_path / "in", source=source)
    assert len(report.unchanged) == 3 and not source.calls and content_of(tmp_path / "index") == before


def test_another_photograph_under_an_old_name_replaces_its_rows(tmp_path: Path) -> None:
    paths = photographs(tmp_path / "in", 3)
    build(tmp_path / "index", tmp_path / "in", source=StripeSegments(num=5))
    save_photograph(paths[1], 99)
    save_photograph(tmp_path / "in" / "new.png", 98)
    report = build(tmp_path / "index", tmp_path / "in", source=StripeSegments(num=2))
    assert (report.changed, report.added, report.unchanged) == (["001.png"], ["new.png"], ["000.png", "002.png"])
    rows = content_of(tmp_path / "index")
    assert [rows["image"].count(name) for name in ("000.png", "001.png", "002.png", "new.png")] == [5, 2, 5, 2]
    again = build(tmp_path / "index", tmp_path / "in")
    assert len(again.unchanged) == 4 and content_of(tmp_path / "index") == rows


def test_equal_bytes_are_there_once_and_a_moved_file_takes_its_rows_along(tmp_path: Path) -> None:
    (path,) = photographs(tmp_path / "in", 1)
    (tmp_path / "in" / "copy.png").write_bytes(path.read_bytes())
    report = build(tmp_path / "index", tmp_path / "in")
    assert report.added == ["000.png"] and report.copies == [("copy.png", "000.png")]
    path.unlink()
    source = StripeSegments()
    report = build(tmp_path / "index", tmp_path / "in", source=source)
    assert report.moved == [("000.png", "copy.png")] and not source.calls
    assert set(content_of(tmp_path / "index")["image"]) == {"copy.png"}
    assert build(tmp_path / "index", tmp_path / "in").unchanged == ["copy.png"]


def test_names_that_moved_down_by_one_lose_no_photograph(tmp_path: Path) -> None:
    paths = photographs(tmp_path / "in", 4)
    paths[0].unlink()
    build(tmp_path / "index", tmp_path / "in")
    for path in paths[1:]:
        path.rename(paths[int(path.stem) - 1])
    report = build(tmp_path / "index", tmp_path / "in", prunes=True)
    assert (report.added, report.changed, report.dropped) == (["000.png"], ["001.png", "002.png"], ["003.png"])
    assert not report.copies
    rows = content_of(tmp_path / "index")
    wanted = [content_hash(path) for path in paths[:3]]
    assert list(dict.fromkeys(zip(rows["image"], rows["content_hash"]))) == list(
        zip(["000.png", "001.png", "002.png"], wanted)
    )
    (tmp_path / "in" / "copy.png").write_bytes(paths[0].read_bytes())
    assert build(tmp_path / "index", tmp_path / "in").copies == [("copy.png", "000.png")]


def test_bytes_are_still_known_after_another_photograph_took_them_over(tmp_path: Path) -> None:
    """Within one build: 000 has what 001 had before, and then comes a copy of it."""
    paths = photographs(tmp_path / "in", 2)
    build(tmp_path / "index", tmp_path / "in", paths[1:])
    paths[0].write_bytes(paths[1].read_bytes())
    save_photograph(paths[1], 50)
    (tmp_path / "in" / "copy.png").write_bytes(paths[0].read_bytes())
    report = build(tmp_path / "index", tmp_path / "in")
    assert (report.added, report.changed) == (["000.png"], ["001.png"])
    assert report.copies == [("copy.png", "000.png")]


def test_a_photograph_that_has_no_segment_any_more_loses_its_rows(tmp_path: Path) -> None:
    paths = photographs(tmp_path / "in", 3)
    build(tmp_path / "index", tmp_path / "in")
    old = paths[1].read_bytes()
    save_photograph(paths[1], 99)
    (tmp_path / "in" / "zzz.png").write_bytes(old)  # Its old bytes, which nobody holds any more.
    report = build(tmp_path / "index", tmp_path / "in", [paths[1]], source=StripeSegments(num=0))
    assert report.without_segments == ["001.png"] and not report.changed
    assert set(content_of(tmp_path / "index")["image"]) == {"000.png", "002.png"}
    report = build(tmp_path / "index", tmp_path / "in")
    assert report.added == ["001.png", "zzz.png"] and len(report.unchanged) == 2


def test_a_renamed_folder_is_few_commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photographs(tmp_path / "in" / "it's old", 10)
    build(tmp_path / "index", tmp_path / "in")
    before = content_of(tmp_path / "index")
    (tmp_path / "in" / "it's old").rename(tmp_path / "in" / "new")
    monkeypatch.setattr(index_building, "IMAGES_BETWEEN_COMMITS", 4)
    monkeypatch.setattr(index_building, "COMMITS_BETWEEN_TIDYING", 2)
    changes: list[str] = []
    for name in ("store_under", "tidy"):
        method = getattr(SegmentIndex, name)
        monkeypatch.setattr(
            SegmentIndex, name, lambda *given, name=name, method=method: (changes.append(name), method(*given))
        )
    source = StripeSegments()
    report = build(tmp_path / "index", tmp_path / "in", source=source)
    assert len(report.moved) == 10 and not source.calls
    # 4, 4 and 2 of them; after two commits, and at the end, the table is tidied.
    assert changes == ["store_under", "store_under", "tidy", "store_under", "tidy"]
    after = content_of(tmp_path / "index")
    assert after.pop("image") == [name.replace("it's old", "new") for name in before.pop("image")]
    assert after == before


def test_a_file_that_moves_on_while_it_is_looked_at(tmp_path: Path) -> None:
    """From a to b to c, in one build: each time the name before is gone."""
    (path,) = photographs(tmp_path / "in", 1)
    build(tmp_path / "index", tmp_path / "in")
    names = [tmp_path / "in" / f"{name}.png" for name in "bcd"]

    def one_after_another() -> Iterator[Path]:
        last = path
        for name in names:
            last = last.rename(name)
            yield name

    source = StripeSegments()
    report = build(tmp_path / "index", tmp_path / "in", one_after_another(), source=source)
    assert [new for _, new in report.moved] == ["b.png", "c.png", "d.png"] and not source.calls
    assert set(content_of(tmp_path / "index")["image"]) == {"d.png"}


def test_a_photograph_that_became_a_copy_of_another(tmp_path: Path) -> None:
    paths = photographs(tmp_path / "in", 2)
    build(tmp_path / "index", tmp_path / "in")
    paths[0].write_bytes(paths[1].read_bytes())
    assert build(tmp_path / "index", tmp_path / "in").changed == ["000.png"]
    assert build(tmp_path / "index", tmp_path / "in").unchanged == ["000.png", "001.png"]


def test_files_that_are_gone_go_only_when_asked(tmp_path: Path) -> None:
    paths = photographs(tmp_path / "in", 3)
    quoted = save_photograph(tmp_path / "in" / "it's; DROP.png", 7)
    build(tmp_path / "index", tmp_path / "in")
    paths[0].unlink()
    quoted.unlink()
    assert not build(tmp_path / "index", tmp_path / "in").dropped
    assert len(SegmentIndex.open(tmp_path / "index")) == 12
    assert build(tmp_path / "index", tmp_path / "in", prunes=True).dropped == ["000.png", "it's; DROP.png"]
    assert set(content_of(tmp_path / "index")["image"]) == {"001.png", "002.png"}
    (tmp_path / "in").rename(tmp_path / "away")
    with pytest.raises(BadInput, match="the indexed folder must be there to see which files are gone"):
        build(tmp_path / "index", tmp_path / "in", [], prunes=True)
    assert len(SegmentIndex.open(tmp_path / "index")) == 6


def test_a_renamed_photograph_is_not_parsed_again_when_gone_files_go(tmp_path: Path) -> None:
    paths = photographs(tmp_path / "in", 3)
    build(tmp_path / "index", tmp_path / "in")
    paths[0].rename(tmp_path / "in" / "new.png")
    paths[1].unlink()
    source = StripeSegments()
    report = build(tmp_path / "index", tmp_path / "in", source=source, prunes=True)
    assert (report.moved, report.dropped, source.calls) == ([("000.png", "new.png")], ["001.png"], 0)
    assert set(content_of(tmp_path / "index")["image"]) == {"002.png", "new.png"}


def test_pruning_without_the_indexed_folder_is_refused_before_and_after_parsing(tmp_path: Path) -> None:
    photographs(tmp_path / "in", 2)
    build(tmp_path / "index", tmp_path / "in")
    other = save_photograph(tmp_path / "other.png", 7)

    class Unplugging(StripeSegments):
        """The disk goes while the last photograph is parsed."""

        def __call__(self, image_HWC: np.ndarray, *, name: str = "") -> PhotographSegments:
            (tmp_path / "in").rename(tmp_path / "away")
            return super().__call__(image_HWC, name=name)

    with pytest.raises(BadInput, match="the indexed folder must be there to see which files are gone"):
        build(tmp_path / "index", tmp_path / "in", [other], source=Unplugging(), prunes=True)
    assert set(content_of(tmp_path / "index")["image"]) == {"000.png", "001.png", "../other.png"}
    source = StripeSegments()
    with pytest.raises(BadInput, match="the indexed folder must be there to see which files are gone"):
        build(tmp_path / "index", tmp_path / "in", [save_photograph(tmp_path / "b.png", 8)], source=source, prunes=True)
    assert not source.calls


def test_broken_photographs_are_skipped_and_told(tmp_path: Path) -> None:
    photographs(tmp_path / "in", 2)
    (tmp_path / "in" / "001.jpg").write_bytes(b"no picture")
    os.mkfifo(tmp_path / "in" / "pipe.png")
    told: list[str] = []
    report = build(
        tmp_path / "index",
        tmp_path / "in",
        [*sorted((tmp_path / "in").iterdir()), tmp_path / "in" / "none.png"],
        on_skip=lambda what, reason: told.append(Path(what).name),
    )
    assert len(report.added) == 2 and told == ["001.jpg", "pipe.png", "none.png"]
    assert [Path(what).name for what, _ in report.skipped] == told
    assert "an image must be a regular file" in report.skipped[1][1]
    assert "an image must be readable, but got No such file" in report.skipped[2][1]


def test_nothing_readable_leaves_no_index(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    build(tmp_path / "index", tmp_path, [tmp_path / "a.jpg"])
    assert not (tmp_path / "index").exists() and not is_index(tmp_path / "index")
    with pytest.raises(BadInput, match="an index must be a folder that `mereo index build` made"):
        SegmentIndex.open(tmp_path / "index")


def test_a_photograph_without_segments_is_told(tmp_path: Path) -> None:
    photographs(tmp_path / "in", 1)
    assert build(tmp_path / "index", tmp_path / "in", source=StripeSegments(num=0)).without_segments == ["000.png"]


def test_another_parser_is_refused(tmp_path: Path) -> None:
    photographs(tmp_path / "in", 1)
    build(tmp_path / "index", tmp_path / "in")
    with pytest.raises(BadInput, match=r"vectors must come from the index's own parser \(stripes, fingerprint ffff"):
        build(tmp_path / "index", tmp_path / "in", source=StripeSegments("0" * 32))


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    photographs(tmp_path / "in", 1)
    with folder_lock(tmp_path / "index", INDEX_FOLDER):
        with pytest.raises(BadInput, match="an index must have one process that writes into it, but got a second one"):
            build(tmp_path / "index", tmp_path / "in")
    build(tmp_path / "index", tmp_path / "in")


def test_thumbnails_are_upright_small_and_say_nothing_of_the_camera(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "secret camera"  # A quarter turn.
    colours_HW3 = np.zeros((400, 800, 3), np.uint8)
    colours_HW3[:, :400, 0] = 255  # Left is red; upright, that is the top.
    (tmp_path / "in").mkdir()
    Image.fromarray(colours_HW3).save(tmp_path / "in" / "a.jpg", exif=exif, quality=95)
    build(tmp_path / "index", tmp_path / "in", source=StripeSegments(num=1))
    rows = content_of(tmp_path / "index")
    assert (rows["height"], rows["width"]) == ([800], [400])
    content = rows["thumbnail"][0]
    assert b"secret" not in content and b"Exif" not in content and len(content) < 10_000
    (tmp_path / "thumbnail.jpg").write_bytes(content)
    picture = np.asarray(Image.open(tmp_path / "thumbnail.jpg"))
    assert picture.shape[:2] == (192, 96)
    assert picture[10, 40, 0] > 200 and picture[-10, 40, 0] < 50


def test_paths_in_the_index(tmp_path: Path) -> None:
    assert path_in_index(tmp_path / "in" / "a" / "b.jpg", tmp_path / "in") == "a/b.jpg"
    assert path_in_index(tmp_path / "c.jpg", tmp_path / "in") == "../c.jpg"
    name = os.fsdecode(b"caf\xe9.png")
    assert path_in_index(tmp_path / name, tmp_path) == "caf\\udce9.png"
    assert file_of("caf\\udce9.png", tmp_path) == tmp_path / name
    with pytest.raises(BadInput, match="an image must be readable, but got"):
        content_hash(tmp_path / "a\0b")


def test_the_index_can_move_with_its_photographs(tmp_path: Path) -> None:
    photographs(tmp_path / "a" / "in", 2)
    build(tmp_path / "a" / "index", tmp_path / "a" / "in")
    (tmp_path / "a").rename(tmp_path / "b")
    report = build(tmp_path / "b" / "index", tmp_path / "b" / "in", prunes=True)
    assert len(report.unchanged) == 2 and not report.dropped
