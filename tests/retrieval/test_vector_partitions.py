"""Many rows are searched cell by cell: what is found is nearly what an exact search finds, and rows added later count."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_index import TAXONOMY

from mereo.retrieval import vector_partitions
from mereo.retrieval.index_facts import IndexFacts
from mereo.retrieval.nearest_segments import nearest_segments
from mereo.retrieval.segment_index import SegmentIndex
from mereo.retrieval.segment_rows import ImageSegments
from mereo.retrieval.vector_partitions import CLASS_NAME, partitions_of

pytest.importorskip("lancedb", reason="the extra index is not installed")


def clustered(count: int, seed: int) -> np.ndarray:
    """Around thirty directions."""
    centre_KD = np.random.default_rng(0).normal(size=(30, 8))
    random = np.random.default_rng(seed)
    vector_ND = centre_KD[random.integers(0, 30, count)] + 0.4 * random.normal(size=(count, 8))
    return (vector_ND / np.linalg.norm(vector_ND, axis=1, keepdims=True)).astype(np.float32)


def rows_of(image: str, vector_ND: np.ndarray) -> ImageSegments:
    num = len(vector_ND)
    columns: dict[str, Any] = {
        "vector": list(vector_ND),
        "image": [image] * num,
        "content_hash": [image] * num,
        "segment": list(range(num)),
        "class_index": [n % 3 for n in range(num)],
        "class_name": ["sky"] * num,
        "box_xyxy": [[0, 0, 1, 1]] * num,
        **{name: [1] * num for name in ("area_pixels", "height", "width", "surrounding_inside")},
        "surrounding_place": [[]] * num,
        "surrounding_share": [[]] * num,
        "thumbnail": [b""] * num,
    }
    return ImageSegments(image, image, columns)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SegmentIndex:
    monkeypatch.setattr(vector_partitions, "LEAST_ROWS", 1000)
    monkeypatch.setattr(vector_partitions, "ROWS_IN_ONE", 60)
    made = SegmentIndex.create(tmp_path, IndexFacts("f", "p", ".", TAXONOMY, {}), dimensions=8)
    made.put([rows_of("a", clustered(2000, 1))], present=set())
    made.tidy()
    return made


def found(index: SegmentIndex, query_D: np.ndarray, **options: Any) -> list[tuple[str, int]]:
    return [(one.image, one.segment) for one in nearest_segments(index, query_D, **options)]


def test_nearly_all_neighbours_are_found_with_and_without_a_class(index: SegmentIndex) -> None:
    assert partitions_of(index.table) == 33
    for class_index in (None, 1):
        shares = []
        for query_D in clustered(40, 2):
            exact = found(index, query_D, class_index=class_index, is_exact=True)
            shares.append(len(set(exact) & set(found(index, query_D, class_index=class_index))) / 20)
        assert np.mean(shares) >= 0.95


def test_a_filter_that_leaves_few_still_finds_as_many_as_asked(index: SegmentIndex) -> None:
    assert len(found(index, clustered(1, 3)[0], class_index=2, top=600)) == 600


def test_rows_added_later_are_found_before_and_after_tidying(index: SegmentIndex) -> None:
    new_ND = clustered(30, 9)
    index.put([rows_of("b", new_ND)], present={"a"})
    assert all(found(index, new_ND[n], top=1) == [("b", n)] for n in range(30))
    index.tidy()
    assert partitions_of(index.table) == 33
    assert all(found(index, new_ND[n], top=1) == [("b", n)] for n in range(30))


def test_partitions_follow_the_number_of_rows(index: SegmentIndex) -> None:
    index.put([rows_of("b", clustered(2500, 4))], present={"a"})
    index.tidy()
    assert partitions_of(index.table) == 75
    names = [one.name for one in index.table.list_indices()]
    assert sorted(names) == sorted(["vector_in_75", CLASS_NAME])
    index.drop(["b"])
    index.tidy()
    assert partitions_of(index.table) == 33
    index.drop(["a"])
    index.tidy()
    assert partitions_of(index.table) == 0
