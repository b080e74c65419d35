"""The context error of an index against loops over its rows."""

import math
from typing import Any

import numpy as np
import pytest
from tiny_index import build, content_of, photographs

from mereo.errors import BadInput
from mereo.metrics import nearest_others
from mereo.metrics.context_error import context_error, surroundings
from mereo.retrieval import context_of_index as context_module
from mereo.retrieval.context_of_index import class_context, context_of_index
from mereo.retrieval.segment_index import SegmentIndex
from mereo.retrieval.segment_rows import surroundings_of

pytest.importorskip("lancedb", reason="the extra index is not installed")


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> SegmentIndex:
    folder = tmp_path_factory.mktemp("context")
    photographs(folder / "in", 9)
    build(folder / "index", folder / "in")
    return SegmentIndex.open(folder / "index")


def test_surroundings_come_back_as_they_went_in(index: SegmentIndex) -> None:
    rows = index.table.to_arrow()
    share_N8K, is_inside_N8 = surroundings_of(rows, 3)
    label_HW = np.broadcast_to(np.repeat([0, 1, 2], [10, 11, 11]), (24, 32))
    for row, box in enumerate(rows["box_xyxy"].to_pylist()):
        x0, y0, x1, y1 = box
        share_8K, is_inside_8 = surroundings(label_HW, (y0, x0, y1, x1), 3)
        np.testing.assert_allclose(share_N8K[row], share_8K, atol=1e-7)
        np.testing.assert_array_equal(is_inside_N8[row], is_inside_8)


def test_against_loops(index: SegmentIndex) -> None:
    rows = content_of(index.folder)
    table = index.table.to_arrow().sort_by([("image", "ascending"), ("segment", "ascending")])
    share_N8K, is_inside_N8 = surroundings_of(table, 3)
    found = context_of_index(index, neighbours=4)
    means = []
    for class_index in range(3):
        of_class = [n for n, one in enumerate(rows["class_index"]) if one == class_index]
        errors = []
        for query in of_class:
            others = [n for n in of_class if n != query]
            others.sort(key=lambda n: -float(np.dot(rows["vector"][n], rows["vector"][query])))
            nearest = others[:4]
            errors.append(
                context_error(share_N8K[query], share_N8K[nearest], is_inside_N8[query], is_inside_N8[nearest])
            )
        means.append(float(np.mean(errors)))
        assert found.classes[class_index].error == pytest.approx(means[-1], abs=1e-12)
        assert found.classes[class_index].num_segments == found.classes[class_index].num_queries == 9
    assert found.error == pytest.approx(np.mean(means), abs=1e-12)


def with_surroundings(share_N8K: np.ndarray, *angle_N: float) -> Any:
    """Rows of one class at these places of a circle."""
    import pyarrow as pa

    place = [np.flatnonzero(share_8K).astype(np.uint32) for share_8K in share_N8K]
    return pa.table(
        {
            "vector": pa.array([[math.cos(a), math.sin(a)] for a in angle_N], pa.list_(pa.float32(), 2)),
            "surrounding_place": place,
            "surrounding_share": [one.ravel()[p].astype(np.float32) for one, p in zip(share_N8K, place)],
            "surrounding_inside": pa.array([255] * len(share_N8K), pa.uint8()),
        }
    )


def test_neighbours_in_the_same_surroundings_have_no_error_and_others_two_log_ten() -> None:
    sky_8K, road_8K = np.tile([1.0, 0.0], (8, 1)), np.tile([0.0, 1.0], (8, 1))
    alike = with_surroundings(np.stack([sky_8K, sky_8K, road_8K, road_8K]), 0, 0.1, 0.8, 0.9)
    assert class_context(alike, 2, 1, 100) == (4, 0.0)
    # The one in between has its nearest on the other side.
    mixed = with_surroundings(np.stack([sky_8K, road_8K, sky_8K]), 0, 0.5, 1)
    assert class_context(mixed, 2, 1, 100)[1] == pytest.approx(2 * math.log(10))
    assert class_context(mixed, 2, 20, 100)[1] == pytest.approx((1 + 2 + 1) / 3 * math.log(10))
    assert class_context(alike, 2, 20, 2)[0] == 2
    assert class_context(with_surroundings(sky_8K[None], 0), 2, 20, 2) == (0, None)


@pytest.mark.parametrize(("queries_at_once", "cosines_at_once"), [(256, 2**24), (7, 2**24), (256, 1), (256, 500)])
def test_distributions_of_few_rows_at_once(
    queries_at_once: int, cosines_at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In chunks of any size as by a loop over the whole class; dense are only those that a chunk compares."""
    random, (num, top) = np.random.default_rng(0), (90, 5)
    share_N8K = random.dirichlet([0.2] * 6, (num, 8)).astype(np.float32).astype(np.float64)
    share_N8K *= share_N8K > 0.05
    rows = with_surroundings(share_N8K, *random.uniform(0, 6.28, num))
    dense: list[int] = []

    def noted(taken: Any, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
        dense.append(len(taken))
        return surroundings_of(taken, num_classes)

    monkeypatch.setattr(context_module, "surroundings_of", noted)
    monkeypatch.setattr(nearest_others, "QUERIES_AT_ONCE", queries_at_once)
    monkeypatch.setattr(nearest_others, "COSINES_AT_ONCE", cosines_at_once)
    found = class_context(rows, 6, top, 40)
    vector_ND, inside_8 = np.array(rows["vector"].to_pylist()), np.ones(8, dtype=bool)
    errors = []
    for query in np.random.default_rng(0).choice(num, 40, replace=False):
        nearest = [n for n in np.argsort(-(vector_ND @ vector_ND[query])) if n != query][:top]
        errors.append(context_error(share_N8K[query], share_N8K[nearest], inside_8, np.ones((top, 8), dtype=bool)))
    assert found[0] == 40 and found[1] == pytest.approx(np.mean(errors), abs=1e-9)
    at_once = max(1, min(queries_at_once, cosines_at_once // num))
    assert max(dense) <= min(num, at_once * (1 + top)) and len(dense) == -(-40 // at_once)


def test_things_alone_where_there_are_things(index: SegmentIndex) -> None:
    assert [one.name for one in context_of_index(index).classes] == ["sky", "road", "car"]
    assert [one.name for one in context_of_index(index, class_indices=(2,)).classes] == ["car"]
    with pytest.raises(BadInput, match="neighbours and queries must be at least 1, but got 0 and 2000"):
        context_of_index(index, neighbours=0)
