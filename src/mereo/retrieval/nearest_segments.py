"""The segments of an index that are nearest to a vector, by cosine distance, nearest first."""

from dataclasses import dataclass

import numpy as np

from mereo.errors import BadInput
from mereo.retrieval.lance_library import table_errors
from mereo.retrieval.segment_index import SegmentIndex, is_one_of
from mereo.retrieval.segment_vectors import require_unit_length
from mereo.retrieval.vector_partitions import num_opened, partitions_of

MAX_TOP = 10_000
COLUMNS = (
    *("image", "content_hash", "segment", "class_index", "class_name"),
    *("box_xyxy", "area_pixels", "height", "width", "thumbnail", "_distance"),
)


@dataclass(frozen=True)
class FoundSegment:
    """`distance` is 1 - cosine: 0 for the same direction, 1 for a right angle."""

    distance: float
    image: str
    content_hash: str
    segment: int
    class_index: int
    class_name: str
    box_xyxy: tuple[int, int, int, int]
    area_pixels: int
    height: int
    width: int
    thumbnail: bytes


def nearest_segments(
    index: SegmentIndex,
    vector_D: np.ndarray,
    *,
    top: int = 20,
    class_index: int | None = None,
    not_content_hash: str | None = None,
    is_exact: bool = False,
) -> list[FoundSegment]:
    """The `top` nearest, or all if there are fewer; of one class, and without one photograph, if asked.

    `is_exact` compares with every row, also where the index has partitions.
    """
    if not 1 <= top <= MAX_TOP:
        raise BadInput(f"top must be from 1 to {MAX_TOP}, but got {top}; e.g. 20.")
    vector_D = np.asarray(vector_D, dtype=np.float32)
    if vector_D.shape != (index.dimensions,):
        raise BadInput(
            f"a query must be a vector of {index.dimensions} numbers, but got shape {vector_D.shape}; use the index's "
            "own parser."
        )
    require_unit_length(vector_D[None])
    conditions = [] if class_index is None else [f"class_index = {int(class_index)}"]
    if not_content_hash is not None:
        conditions.append(f"NOT {is_one_of('content_hash', [not_content_hash])}")
    with table_errors(index.folder):
        query = index.table.search(vector_D, vector_column_name="vector").distance_type("cosine").limit(top)
        if conditions:
            query = query.where(" AND ".join(conditions), prefilter=True)
        partitions = partitions_of(index.table)
        if is_exact or not partitions:
            query = query.bypass_vector_index()
        else:
            # More cells are opened where a filter leaves fewer than `top` in the nearest ones.
            query = query.minimum_nprobes(num_opened(partitions)).maximum_nprobes(0)
        rows = query.select(list(COLUMNS)).to_arrow().to_pylist()
    return [_found(row) for row in rows]


def _found(row: dict) -> FoundSegment:
    # Rounding may put the distance of a vector to itself a hair below 0.
    distance = max(0.0, float(row.pop("_distance")))
    row["box_xyxy"] = tuple(row["box_xyxy"])
    return FoundSegment(distance=distance, **row)
