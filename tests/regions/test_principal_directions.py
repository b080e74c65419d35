"""Principal directions against singular vectors; signs that depend on no order of vectors; nothing to spread."""

import numpy as np
import pytest

from mereo.regions.principal_directions import principal_directions


def drawn(count: int = 200, width: int = 6, *, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(count, width)) * np.arange(1, width + 1) + random.normal(size=width)


def test_against_singular_vectors() -> None:
    vector_ND = drawn()
    found = principal_directions(vector_ND, count=4)
    _, singular, right = np.linalg.svd(vector_ND - vector_ND.mean(axis=0))
    for place in range(4):
        cosine = found.direction_CD[place] @ right[place]
        assert abs(cosine) == pytest.approx(1)
        largest = np.abs(found.direction_CD[place]).argmax()
        assert found.direction_CD[place, largest] > 0
    np.testing.assert_allclose(found.share_C, singular[:4] ** 2 / (singular**2).sum())
    np.testing.assert_allclose(found.places(vector_ND).mean(axis=0), 0, atol=1e-12)


def test_neither_order_nor_mirroring_changes_a_sign() -> None:
    vector_ND = drawn(seed=1)
    found = principal_directions(vector_ND)
    for other_ND in (vector_ND[::-1], 2 * vector_ND.mean(axis=0) - vector_ND):
        np.testing.assert_allclose(principal_directions(other_ND).direction_CD, found.direction_CD, atol=1e-9)


@pytest.mark.parametrize(
    "vector_ND",
    [np.zeros((0, 5)), np.ones((1, 5)), np.ones((9, 5)), np.ones((4, 2)), np.array([[1.0, 0.0], [0.0, 1.0]])],
)
def test_where_nothing_or_little_spreads(vector_ND: np.ndarray) -> None:
    found = principal_directions(vector_ND)
    assert found.direction_CD.shape == (3, vector_ND.shape[1]) and np.isfinite(found.places(vector_ND)).all()
    spreads = len(np.unique(vector_ND, axis=0)) > 1
    assert found.share_C.tolist() == pytest.approx([float(spreads), 0, 0])
    assert not found.direction_CD[1:].any()
