"""The nearest of many vectors to some of them, all compared, in chunks that bound memory."""

from collections.abc import Iterator

import numpy as np

QUERIES_AT_ONCE = 256
COSINES_AT_ONCE = 2**24


def nearest_others(vector_ND: np.ndarray, query_Q: np.ndarray, top: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Chunks `query_q` of the queries with `nearest_qT`: the `top` others (at most N - 1) of the largest cosine.

    Vectors are of length 1. A query is not its own neighbour; of equal ones the first is nearer.

    >>> vector_ND = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    >>> [nearest_qT.tolist() for _, nearest_qT in nearest_others(vector_ND, np.array([0, 1, 3]), 2)]
    [[[2, 3], [0, 2], [0, 2]]]
    """
    at_once = max(1, min(QUERIES_AT_ONCE, COSINES_AT_ONCE // max(1, len(vector_ND))))
    for start in range(0, len(query_Q), at_once):
        query_q = query_Q[start : start + at_once]
        cosine_qN = vector_ND[query_q] @ vector_ND.T
        cosine_qN[np.arange(len(query_q)), query_q] = -np.inf
        yield query_q, np.stack([_largest(cosine_N, top) for cosine_N in cosine_qN])


def _largest(value_N: np.ndarray, top: int) -> np.ndarray:
    """Places of the largest values, the first of equal ones first. Only those at or above the last one are sorted."""
    place_M = np.flatnonzero(value_N >= np.partition(value_N, -top)[-top])
    return place_M[np.argsort(-value_N[place_M], kind="stable")[:top]]
