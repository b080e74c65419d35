"""The segments of an index that are nearest to a vector, by cosine distance, nearest first.

Once: LanceDB compares with every row, from disk. Again and again: `WarmSearch` holds the vectors in memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mereo.errors import BadInput
from mereo.retrieval.lance_library import table_errors
from mereo.retrieval.photograph_segments import require_unit_length
from mereo.retrieval.segment_index import SegmentIndex, is_one_of
from mereo.retrieval.segment_rows import VECTOR, vectors_of
from mereo.retrieval.vector_cells import vector_cells

MAX_TOP = 10_000
ROW_ID = "_rowid"
COLUMNS = (
    *("image", "content_hash", "segment", "class_index", "class_name"),
    *("box_xyxy", "area_pixels", "height", "width", "thumbnail"),
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
    query_D: np.ndarray,
    *,
    top: int = 20,
    class_index: int | None = None,
    not_content_hash: str | None = None,
    images: Sequence[str] | None = None,
) -> list[FoundSegment]:
    """The `top` nearest, or all if there are fewer; of one class, of some photographs (by their names in the index) and
    without one of them, if asked. Exact."""
    query_D = required_query(index, query_D, top)
    conditions = [] if class_index is None else [f"class_index = {int(class_index)}"]
    if not_content_hash is not None:
        conditions.append(f"NOT {is_one_of('content_hash', [not_content_hash])}")
    if images is not None:
        conditions.append(is_one_of("image", images))
    with table_errors(index.folder):
        search = index.table.search(query_D, vector_column_name=VECTOR).distance_type("cosine").limit(top)
        if conditions:
            search = search.where(" AND ".join(conditions), prefilter=True)
        rows = search.select(["_distance"]).with_row_id(True).to_arrow()
    return found_segments(index, rows[ROW_ID].to_pylist(), rows["_distance"].to_pylist())


class WarmSearch:
    """The vectors of one version of an index in memory, cell by cell (`vector_cells`): a million in a few milliseconds,
    nearly all of the true neighbours, and all of them within a class that is not large."""

    def __init__(self, index: SegmentIndex) -> None:
        self.index = index
        with table_errors(index.folder):
            columns = [VECTOR, "class_index", "content_hash"]
            rows = index.table.search().select(columns).with_row_id(True).to_arrow()
        hashes = rows["content_hash"].combine_chunks().dictionary_encode()
        self._number_of_hash = {found: number for number, found in enumerate(hashes.dictionary.to_pylist())}
        self._hash_number_N = hashes.indices.to_numpy()
        self._row_id_N = rows[ROW_ID].to_numpy()
        self._cells = vector_cells(
            vectors_of(rows),
            rows["class_index"].to_numpy(),
            index.facts.taxonomy.num_objects,
        )

    def nearest(
        self,
        query_D: np.ndarray,
        *,
        top: int = 20,
        class_index: int | None = None,
        not_content_hash: str | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Row ids and distances; `found_segments` gives the rows."""
        query_D = required_query(self.index, query_D, top)
        number = self._number_of_hash.get(not_content_hash or "")
        is_left_out_N = None if number is None else self._hash_number_N == number
        row_n, cosine_n = self._cells.nearest(query_D, top=top, class_index=class_index, is_left_out_N=is_left_out_N)
        return self._row_id_N[row_n], 1 - cosine_n


def required_query(index: SegmentIndex, query_D: np.ndarray, top: int) -> np.ndarray:
    if not 1 <= top <= MAX_TOP:
        raise BadInput(f"top must be from 1 to {MAX_TOP}, but got {top}; e.g. 20.")
    query_D = np.asarray(query_D, dtype=np.float32)
    if query_D.shape != (index.dimensions,):
        raise BadInput(
            f"a query must be a vector of {index.dimensions} numbers, but got shape {query_D.shape}; use the index's "
            "own parser."
        )
    require_unit_length(query_D[None])
    return query_D


def found_segments(index: SegmentIndex, row_ids: Sequence[int], distances: Sequence[float]) -> list[FoundSegment]:
    """Rows by id, in the order given. Fetched apart from the search: a search that drags pictures along takes thrice as
    long."""
    if not len(row_ids):
        return []
    with table_errors(index.folder):
        taken = index.table.take_row_ids([int(one) for one in row_ids]).select([*COLUMNS]).with_row_id()
        row_of_id = {row.pop(ROW_ID): row for row in taken.to_arrow().to_pylist()}
    found = []
    for row_id, distance in zip(row_ids, distances):
        row = row_of_id[int(row_id)]
        row["box_xyxy"] = tuple(row["box_xyxy"])
        # Rounding may put the distance of a vector to itself a hair below 0.
        found.append(FoundSegment(distance=max(0.0, float(distance)), **row))
    return found
