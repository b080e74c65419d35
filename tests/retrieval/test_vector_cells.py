"""Cells hold every vector once; a search is exact where it opens all, and nearly so where it does not."""

import numpy as np
import pytest

from mereo.retrieval import vector_cells as module
from mereo.retrieval.vector_cells import VectorCells, vector_cells


def clustered(count: int, seed: int) -> np.ndarray:
    """Around thirty directions."""
    centre_KD = np.random.default_rng(0).normal(size=(30, 8))
    random = np.random.default_rng(seed)
    vector_ND = centre_KD[random.integers(0, 30, count)] + 0.4 * random.normal(size=(count, 8))
    return (vector_ND / np.linalg.norm(vector_ND, axis=1, keepdims=True)).astype(np.float32)


CLASS_N = np.random.default_rng(1).choice([0, 1, 3], size=5000, p=[0.7, 0.29, 0.01])
VECTOR_ND = clustered(5000, 1)


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> VectorCells:
    monkeypatch.setattr(module, "ROWS_IN_CELL", 100)
    monkeypatch.setattr(module, "LEAST_SEEN", 900)
    return vector_cells(VECTOR_ND, CLASS_N, 5)


def exact(query_D: np.ndarray, top: int, is_among_N: np.ndarray) -> list[int]:
    among = np.flatnonzero(is_among_N)
    cosine_n = VECTOR_ND[among] @ query_D
    return among[np.lexsort((among, -cosine_n))[:top]].tolist()


def test_every_vector_stands_in_one_cell_of_its_class(cells: VectorCells) -> None:
    assert sorted(cells.row_N) == list(range(5000))
    np.testing.assert_array_equal(cells.vector_ND, VECTOR_ND[cells.row_N])
    assert (np.diff(cells.start_C1) > 0).all() and 45 <= len(cells.centre_CD) <= 52
    for index in range(5):
        first, last = cells.start_C1[cells.cell_of_class_K1[index : index + 2]]
        assert (CLASS_N[cells.row_N[first:last]] == index).all() and last - first == (CLASS_N == index).sum()


def test_a_class_that_is_not_large_is_searched_exactly(cells: VectorCells) -> None:
    for query_D in clustered(20, 5):
        row_n, cosine_n = cells.nearest(query_D, top=20, class_index=3)
        assert row_n.tolist() == exact(query_D, 20, CLASS_N == 3)
        np.testing.assert_allclose(cosine_n, VECTOR_ND[row_n] @ query_D, atol=1e-6)


def test_nearly_all_neighbours_are_found(cells: VectorCells) -> None:
    for class_index in (None, 0):
        is_among_N = np.ones(5000, bool) if class_index is None else class_index == CLASS_N
        shares = []
        for query_D in clustered(50, 6):
            found = cells.nearest(query_D, top=20, class_index=class_index)[0]
            shares.append(len(set(found) & set(exact(query_D, 20, is_among_N))) / 20)
        assert 0.95 <= np.mean(shares)


def test_what_is_left_out_is_made_up_for(cells: VectorCells) -> None:
    """Opening goes on until enough are seen that count."""
    is_left_out_N = np.random.default_rng(2).random(5000) < 0.9
    for query_D in clustered(20, 7):
        row_n, _ = cells.nearest(query_D, top=20, is_left_out_N=is_left_out_N)
        assert row_n.tolist() == exact(query_D, 20, ~is_left_out_N)


def test_no_vector_and_a_class_without_any() -> None:
    cells = vector_cells(np.zeros((0, 8), np.float32), np.zeros(0, int), 3)
    assert not len(cells.nearest(VECTOR_ND[0], top=5)[0])
    cells = vector_cells(VECTOR_ND, CLASS_N, 5)
    for class_index in (2, 4, 5, -1):
        assert not len(cells.nearest(VECTOR_ND[0], top=5, class_index=class_index)[0])


def test_opposite_vectors_have_a_cell_too() -> None:
    vector_ND = np.array([[1, 0], [-1, 0]], np.float32)
    row_n, cosine_n = vector_cells(vector_ND, np.zeros(2, int), 1).nearest(vector_ND[1], top=2)
    assert row_n.tolist() == [1, 0] and cosine_n.tolist() == [1, -1]
