"""The context error of an index: how much what surrounds the nearest neighbours differs from what surrounds the query.

Panoptic Segment Sorting, section "Context error": query and neighbours are of one class, the query itself is left out;
the mean over the queries of a class, then over the classes (equation 4 is in `metrics/context_error.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mereo.errors import BadInput
from mereo.metrics.context_error import context_error
from mereo.metrics.nearest_others import nearest_others
from mereo.metrics.neighbour_context import NEIGHBOURS
from mereo.retrieval.segment_index import SegmentIndex
from mereo.retrieval.segment_rows import SURROUNDINGS, VECTOR, surroundings_of, vectors_of

if TYPE_CHECKING:
    import pyarrow as pa

# Of a large class, so many queries drawn from a fixed seed: their mean is known to a few thousandths.
MAX_QUERIES = 2_000


@dataclass(frozen=True)
class IndexClassContext:
    """`error` is None where no query has a neighbour with any region to compare."""

    class_index: int
    name: str
    num_segments: int
    num_queries: int
    error: float | None


@dataclass(frozen=True)
class IndexContext:
    """`error` is the mean over the classes that have one; None if none has."""

    classes: tuple[IndexClassContext, ...]
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
        class_indices = taxonomy.things or tuple(range(taxonomy.num_objects))
    found = []
    for done, class_index in enumerate(class_indices):
        progress(done, len(class_indices))
        rows = index.rows([VECTOR, *SURROUNDINGS], where=f"class_index = {class_index}")
        if len(rows):
            num_queries, error = class_context(rows, taxonomy.num_objects, neighbours, max_queries)
            name = taxonomy.object_names[class_index]
            found.append(IndexClassContext(class_index, name, len(rows), num_queries, error))
    return IndexContext(tuple(found), neighbours)


def class_context(rows: "pa.Table", num_classes: int, neighbours: int, max_queries: int) -> tuple[int, float | None]:
    """How many queries of one class could be compared, and their mean error. All neighbours are the true ones."""
    vector_ND, around = vectors_of(rows), rows.select(SURROUNDINGS).combine_chunks()
    query_Q = np.arange(len(vector_ND))
    if len(query_Q) > max_queries:
        query_Q = np.sort(np.random.default_rng(0).choice(query_Q, max_queries, replace=False))
    top = min(neighbours, len(vector_ND) - 1)
    if top < 1:
        return 0, None
    errors = []
    for query_q, nearest_qT in nearest_others(vector_ND, query_Q, top):
        # Dense distributions of a whole large class would fill memory: only of those that are compared.
        compared_M, place = np.unique(np.concatenate([query_q[:, None], nearest_qT], axis=1), return_inverse=True)
        place_qR = place.reshape(len(query_q), 1 + top)
        share_M8K, is_inside_M8 = surroundings_of(around.take(compared_M), num_classes)
        for query, nearest_T in zip(place_qR[:, 0], place_qR[:, 1:]):
            errors.append(
                context_error(share_M8K[query], share_M8K[nearest_T], is_inside_M8[query], is_inside_M8[nearest_T])
            )
    known = [error for error in errors if not np.isnan(error)]
    return len(known), float(np.mean(known)) if known else None
