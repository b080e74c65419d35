"""When the vectors of an index are cut into partitions, and how many of these a search opens.

Few rows are searched exactly: that is fast, and nothing can be missed. Beyond, LanceDB's IVF_FLAT holds the vectors
themselves, cell by cell around k-means centres, in the table's own version: a search opens the nearest cells, and what
was added since is searched exactly besides. Chosen by measurement (`mereo bench retrieval`).
"""

import re
from typing import Any

LEAST_ROWS = 20_000
ROWS_IN_ONE = 2_500
# Of all partitions, those that a search opens.
OPENED_SHARE = 0.05
LEAST_OPENED = 12
NAME = "vector_in_{}"
CLASS_NAME = "class_of_segment"


def num_partitions(num_rows: int) -> int:
    """
    >>> num_partitions(19_999), num_partitions(20_000), num_partitions(1_000_000)
    (0, 8, 400)
    """
    return 0 if num_rows < LEAST_ROWS else num_rows // ROWS_IN_ONE


def num_opened(partitions: int) -> int:
    """
    >>> num_opened(8), num_opened(400)
    (8, 20)
    """
    return min(partitions, max(LEAST_OPENED, round(OPENED_SHARE * partitions)))


def partitions_of(table: Any) -> int:
    """How many the table has; 0 where it is searched exactly."""
    found = (re.fullmatch(NAME.format(r"(\d+)"), index.name) for index in table.list_indices())
    return next((int(match.group(1)) for match in found if match), 0)


def keep_partitions(table: Any, num_rows: int) -> None:
    """Trains them when there are enough rows, and anew when the rows have doubled or halved since."""
    from lancedb.index import Bitmap, IvfFlat

    wanted, present = num_partitions(num_rows), partitions_of(table)
    if wanted == present or present / 2 < wanted < 2 * present:
        return
    if present:
        # Killed here, the next one trains anew; until then every search is exact.
        table.drop_index(NAME.format(present))
    if wanted:
        # Searching within a class asks which rows those are.
        table.create_index("class_index", config=Bitmap(), name=CLASS_NAME)
        config = IvfFlat(distance_type="cosine", num_partitions=wanted, max_iterations=10, sample_rate=64)
        table.create_index("vector", config=config, name=NAME.format(wanted))
