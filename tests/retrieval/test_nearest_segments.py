"""Searching is exact where the index is small, honours its filters, and refuses what is no query."""

from pathlib import Path

import numpy as np
import pytest
from tiny_index import build, content_of, photographs

from mereo.errors import BadInput
from mereo.retrieval.nearest_segments import WarmSearch, found_segments, nearest_segments
from mereo.retrieval.segment_index import SegmentIndex

pytest.importorskip("lancedb", reason="the extra index is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    photographs(folder / "in", 12)
    build(folder / "index", folder / "in")
    return folder / "index"


def unit(seed: int) -> np.ndarray:
    vector_D = np.random.default_rng(seed).normal(size=8)
    return (vector_D / np.linalg.norm(vector_D)).astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
def test_against_a_product_of_all(folder: Path, seed: int) -> None:
    rows, query_D = content_of(folder), unit(seed)
    distance_N = 1 - np.array(rows["vector"]) @ query_D
    found = nearest_segments(SegmentIndex.open(folder), query_D, top=5)
    order = np.argsort(distance_N)[:5]
    assert [(one.image, one.segment) for one in found] == [(rows["image"][n], rows["segment"][n]) for n in order]
    np.testing.assert_allclose([one.distance for one in found], distance_N[order], atol=1e-6)
    assert found[0].thumbnail == rows["thumbnail"][order[0]] and found[0].box_xyxy == tuple(rows["box_xyxy"][order[0]])


def test_filters(folder: Path) -> None:
    index, rows = SegmentIndex.open(folder), content_of(folder)
    query_D = np.array(rows["vector"][4])
    assert nearest_segments(index, query_D, top=1)[0].distance == pytest.approx(0, abs=1e-6)
    cars = nearest_segments(index, query_D, top=100, class_index=2)
    assert len(cars) == 12 and {one.class_name for one in cars} == {"car"}
    others = nearest_segments(index, query_D, top=100, not_content_hash=rows["content_hash"][4])
    assert len(others) == 33 and rows["image"][4] not in {one.image for one in others}
    both = nearest_segments(index, query_D, top=100, class_index=2, not_content_hash=rows["content_hash"][4])
    assert len(both) == 11
    assert nearest_segments(index, query_D, class_index=77) == []
    within = nearest_segments(index, query_D, top=100, images=rows["image"][:1] + rows["image"][4:5])
    assert {one.image for one in within} == {rows["image"][0], rows["image"][4]} and len(within) == 6
    assert nearest_segments(index, query_D, images=["' OR '1'='1"]) == []
    assert len(nearest_segments(index, query_D, not_content_hash="' OR '1'='1")) == 20


@pytest.mark.parametrize("class_index", [None, 1, 77])
@pytest.mark.parametrize("leaves_out", [False, True])
def test_a_warm_search_finds_the_same(folder: Path, class_index: int | None, leaves_out: bool) -> None:
    index = SegmentIndex.open(folder)
    warm = WarmSearch(index)
    for seed in range(5):
        options = {"top": 7, "class_index": class_index}
        options |= {"not_content_hash": nearest_segments(index, unit(seed))[0].content_hash} if leaves_out else {}
        found, expected = (
            found_segments(index, *warm.nearest(unit(seed), **options)),
            nearest_segments(  # type: ignore[arg-type]
                index,
                unit(seed),
                **options,  # type: ignore[arg-type]
            ),
        )
        assert [(one.image, one.segment) for one in found] == [(one.image, one.segment) for one in expected]
        np.testing.assert_allclose([one.distance for one in found], [one.distance for one in expected], atol=1e-6)


def test_more_than_there_are(folder: Path) -> None:
    assert len(nearest_segments(SegmentIndex.open(folder), unit(0), top=1000)) == 36


@pytest.mark.parametrize("top", [0, -1, 10_001])
def test_how_many(folder: Path, top: int) -> None:
    with pytest.raises(BadInput, match=f"top must be from 1 to 10000, but got {top}"):
        nearest_segments(SegmentIndex.open(folder), unit(0), top=top)


def test_what_is_no_query(folder: Path) -> None:
    index = SegmentIndex.open(folder)
    with pytest.raises(BadInput, match=r"a query must be a vector of 8 numbers, but got shape \(3,\)"):
        nearest_segments(index, np.ones(3))
    for wrong in (np.full(8, np.nan), np.zeros(8), np.ones(8)):
        with pytest.raises(BadInput, match="a segment's vector must have length 1"):
            nearest_segments(index, wrong)


def test_an_emptied_index_finds_nothing(tmp_path: Path) -> None:
    paths = photographs(tmp_path / "in", 1)
    build(tmp_path / "index", tmp_path / "in")
    paths[0].unlink()
    build(tmp_path / "index", tmp_path / "in", prunes=True)
    index = SegmentIndex.open(tmp_path / "index")
    assert nearest_segments(index, unit(0)) == [] and not len(WarmSearch(index).nearest(unit(0))[0])
