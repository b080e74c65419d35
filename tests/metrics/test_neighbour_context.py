"""Errors of things to their nearest neighbours, found and compared by loops in float64."""

import math

import numpy as np
import pytest

from mereo.errors import BadInput
from mereo.metrics.context_error import context_error
from mereo.metrics.nearest_others import QUERIES_AT_ONCE, nearest_others
from mereo.metrics.neighbour_context import neighbour_context_errors


def made_things(count: int, *, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    vector_ND = random.normal(size=(count, 3))
    vector_ND /= np.linalg.norm(vector_ND, axis=1, keepdims=True)
    share_N8K = random.dirichlet([0.3] * 4, size=(count, 8))
    share_N8K[share_N8K < 0.05] = 0
    return vector_ND, random.integers(0, classes, count), share_N8K, random.random((count, 8)) < 0.7


def errors_by_a_loop(
    vector_ND: np.ndarray, class_N: np.ndarray, share_N8K: np.ndarray, is_inside_N8: np.ndarray, neighbours: int
) -> list[float]:
    errors = []
    for query in range(len(class_N)):
        others = [one for one in range(len(class_N)) if one != query and class_N[one] == class_N[query]]
        others.sort(key=lambda one: -sum(float(a) * float(b) for a, b in zip(vector_ND[query], vector_ND[one])))
        summands = []
        for one in others[:neighbours]:
            for region in range(8):
                if not (is_inside_N8[query, region] and is_inside_N8[one, region]):
                    continue
                total = 0.0
                for p, q in zip(share_N8K[query, region], share_N8K[one, region]):
                    total += p * math.log(p / (q if q > 0 else 0.1)) if p > 0 else 0
                    total += q * math.log(q / (p if p > 0 else 0.1)) if q > 0 else 0
                summands.append(total)
        errors.append(sum(summands) / len(summands) if summands else math.nan)
    return errors


@pytest.mark.parametrize(("count", "classes", "neighbours"), [(40, 3, 5), (30, 2, 20), (12, 12, 3), (2, 1, 1)])
def test_errors_by_a_loop(count: int, classes: int, neighbours: int) -> None:
    things = made_things(count, classes=classes, seed=count)
    found_N = neighbour_context_errors(*things, neighbours=neighbours)
    np.testing.assert_allclose(found_N, errors_by_a_loop(*things, neighbours), atol=1e-12)


def test_a_thing_is_not_its_own_neighbour() -> None:
    """Two alike vectors, whose surroundings differ: each finds the other and not itself."""
    share_N8K = np.zeros((3, 8, 2))
    share_N8K[0, :, 0] = share_N8K[1, :, 1] = share_N8K[2, :, 0] = 1
    vector_ND, inside_N8 = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.ones((3, 8), dtype=bool)
    found_N = neighbour_context_errors(vector_ND, np.zeros(3, dtype=int), share_N8K, inside_N8, neighbours=1)
    np.testing.assert_allclose(found_N[:2], 2 * math.log(10))


def test_the_only_thing_of_a_class_has_no_error() -> None:
    things = made_things(5, classes=1, seed=1)
    alone = (things[0], np.array([0, 0, 0, 0, 1]), *things[2:])
    found_N = neighbour_context_errors(*alone)
    assert np.isnan(found_N).tolist() == [False] * 4 + [True]
    assert len(neighbour_context_errors(*(one[:0] for one in things))) == 0


def test_more_queries_than_are_compared_at_once() -> None:
    things = made_things(QUERIES_AT_ONCE + 9, classes=1, seed=2)
    found_N, (vector_ND, _, share_N8K, inside_N8) = neighbour_context_errors(*things, neighbours=2), things
    for query in (0, QUERIES_AT_ONCE, QUERIES_AT_ONCE + 8):
        cosine_N = vector_ND @ vector_ND[query]
        cosine_N[query] = -2
        nearest = np.argsort(-cosine_N)[:2]
        wanted = context_error(share_N8K[query], share_N8K[nearest], inside_N8[query], inside_N8[nearest])
        assert found_N[query] == pytest.approx(wanted, nan_ok=True)


def test_of_equal_ones_the_first_is_nearer() -> None:
    vector_ND = np.zeros((300, 2))
    vector_ND[np.arange(300), (np.arange(300) % 3 == 0).astype(int)] = 1
    for chosen in (np.arange(300), np.array([7, 0, 299])):
        query_Q, nearest_QT = (np.concatenate(part) for part in zip(*nearest_others(vector_ND, chosen, 5)))
        assert query_Q.tolist() == chosen.tolist()
        for query, nearest_T in zip(query_Q, nearest_QT):
            alike = [one for one in range(300) if one != query and (one % 3 == 0) == (query % 3 == 0)]
            assert nearest_T.tolist() == alike[:5]


def test_no_neighbours_are_refused() -> None:
    with pytest.raises(BadInput, match="neighbours must be at least 1, but got 0"):
        neighbour_context_errors(*made_things(3, classes=1, seed=0), neighbours=0)
