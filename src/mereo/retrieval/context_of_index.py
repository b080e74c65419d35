"""The context error of an index: how much what surrounds the nearest neighbours differs from what surrounds the query.

Panoptic Segment Sorting, section "Context error": query and neighbours are of one class, the query itself is left out;
the mean over the queries of a class, then over the classes (equation 4 is in `metrics/context_error.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mereo.errors import BadInput
from mereo.metrics.context_error import context_error
from mereo.retrieval.segment_index import SegmentIndex
from mereo.retrieval.segment_rows import SURROUNDINGS, VECTOR, surroundings_of, vectors_of

NEIGHBOURS = 20
# Of a large class, so many queries drawn from a fixed seed: their mean is known to a few thousandths.
MAX_QUERIES = 2_000
QUERIES_AT_ONCE = 256


@dataclass(frozen=True)
class ClassContext:
    """`error` is None where no query has a neighbour with any region to compare."""

    class_index: int
    name: str
    num_segments: int
    num_queries: int
    error: float | None


@dataclass(frozen=True)
class IndexContext:
    """`error` is the mean over the classes that have one; None if none has."""

    classes: tuple[ClassContext, ...]
    neighbours: int

    @property
    def error(self) -> float | None:
        errors = [one.error for one in self.classes if one.error is not None]
        return sum(errors) / len(errors) if errors else None


def context_of_index(
    index: SegmentIndex,
    *,
    neighbours: int = NEIGHBOURS,
    class_indices: tuple[int, ...] | None = None,
    max_queries: int = MAX_QUERIES,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> IndexContext:
    """Of these classes; left out: of all things, or of all classes where the taxonomy tells no things."""
    if neighbours < 1 or max_queries < 1:
        raise BadInput(
            f"neighbours and queries must be at least 1, but got {neighbours} and {max_queries}; e.g. {NEIGHBOURS} "
            f"and {MAX_QUERIES}."
        )
    taxonomy = index.facts.taxonomy
    if class_indices is None:
        things = tuple(number for number, is_thing in enumerate(taxonomy.is_thing) if is_thing)
        class_indices = things or tuple(range(taxonomy.num_objects))
    found = []
    for done, class_index in enumerate(class_indices):
        progress(done, len(class_indices))
        rows = index.rows([VECTOR, *SURROUNDINGS], where=f"class_index = {class_index}")
        if len(rows):
            num_queries, error = class_context(rows, taxonomy.num_objects, neighbours, max_queries)
            name = taxonomy.object_names[class_index]
            found.append(ClassContext(class_index, name, len(rows), num_queries, error))
    return IndexContext(tuple(found), neighbours)


def class_context(rows: object, num_classes: int, neighbours: int, max_queries: int) -> tuple[int, float | None]:
    """How many queries of one class could be compared, and their mean error. All neighbours are the true ones."""
    vector_ND = vectors_of(rows)  # type: ignore[arg-type]
    share_N8K, is_inside_N8 = surroundings_of(rows, num_classes)  # type: ignore[arg-type]
    query_Q = np.arange(len(vector_ND))
    if len(query_Q) > max_queries:
        query_Q = np.sort(np.random.default_rng(0).choice(query_Q, max_queries, replace=False))
    top = min(neighbours, len(vector_ND) - 1)
    if top < 1:
        return 0, None
    errors = []
    for start in range(0, len(query_Q), QUERIES_AT_ONCE):
        query_q = query_Q[start : start + QUERIES_AT_ONCE]
        cosine_qN = vector_ND[query_q] @ vector_ND.T
        cosine_qN[np.arange(len(query_q)), query_q] = -np.inf
        nearest_qT = np.argpartition(-cosine_qN, top - 1, axis=1)[:, :top]
        for query, nearest_T in zip(query_q, nearest_qT):
            errors.append(
                context_error(share_N8K[query], share_N8K[nearest_T], is_inside_N8[query], is_inside_N8[nearest_T])
            )
    known = [error for error in errors if not np.isnan(error)]
    return len(known), float(np.mean(known)) if known else None
