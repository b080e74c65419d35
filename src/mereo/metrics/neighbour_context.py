"""The context error of each of many things to its nearest neighbours of the same class (PSS, section 4.2)."""

import numpy as np

from mereo.errors import BadInput
from mereo.metrics.context_error import context_error
from mereo.metrics.nearest_others import nearest_others
from mereo.shapes import require_shapes

NEIGHBOURS = 20


def neighbour_context_errors(
    vector_ND: np.ndarray,
    class_N: np.ndarray,
    share_N8K: np.ndarray,
    is_inside_N8: np.ndarray,
    *,
    neighbours: int = NEIGHBOURS,
) -> np.ndarray:
    """`error_N`: equation 4 of each thing to those of its class whose vectors (of length 1) have the largest cosine.

    A thing is not its own neighbour; others of its picture may be. Of equal ones the first is nearer. NaN for the only
    thing of a class, and where no region can be compared. Shares and regions are those of `surroundings`.
    """
    require_shapes(vector_ND=vector_ND, class_N=class_N)
    require_shapes(share_N8K=share_N8K, is_inside_N8=is_inside_N8, class_N=class_N)
    if neighbours < 1:
        raise BadInput(f"neighbours must be at least 1, but got {neighbours}; e.g. {NEIGHBOURS}.")
    error_N = np.full(len(class_N), np.nan)
    for index in np.unique(class_N):
        member_M = np.flatnonzero(class_N == index)
        top = min(neighbours, len(member_M) - 1)
        if top < 1:
            continue
        for query_q, nearest_qT in nearest_others(vector_ND[member_M], np.arange(len(member_M)), top):
            for query, nearest_T in zip(member_M[query_q], member_M[nearest_qT]):
                error_N[query] = context_error(
                    share_N8K[query], share_N8K[nearest_T], is_inside_N8[query], is_inside_N8[nearest_T]
                )
    return error_N
