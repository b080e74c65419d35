"""SegmentIndex: one LanceDB table on disk, changed in transactions, opened and checked.

Every change is one commit of the table: whoever is killed leaves the version before or the one after. What is known
about the index stands in the table's metadata.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from mereo.errors import BadInput
from mereo.folder_lock import LockedFolder
from mereo.retrieval.index_checksums import forget_files, note_files, require_noted_files
from mereo.retrieval.index_facts import IndexFacts
from mereo.retrieval.lance_library import lancedb_library, table_errors
from mereo.retrieval.segment_rows import VECTOR, ImageSegments, joined_rows, segment_schema

TABLE = "segments"
TABLE_FOLDER = f"{TABLE}.lance"
# Versions that somebody may be reading just now. Files of writers that were killed are older than any lock.
KEPT_FOR = timedelta(minutes=30)
INDEX_FOLDER = LockedFolder(
    what="an index",
    does="writes into it",
    lock_file="index.lock",
    otherwise="wait for it, stop it, or choose another --out",
    without_locks="let no second process write into this index",
)


@dataclass(eq=False)
class SegmentIndex:
    folder: Path
    table: Any
    facts: IndexFacts

    @classmethod
    def create(cls, folder: Path, facts: IndexFacts, *, dimensions: int) -> "SegmentIndex":
        lancedb = lancedb_library()
        with table_errors(folder):
            schema = segment_schema(dimensions, facts.to_metadata())
            forget_files(folder)
            # A process that was killed while it created the table leaves a folder without a version.
            table = lancedb.connect(str(folder)).create_table(TABLE, schema=schema, mode="overwrite")
            return cls(folder, table, facts)

    @classmethod
    def open(cls, folder: Path) -> "SegmentIndex":
        if not is_index(folder):
            raise BadInput(
                f"an index must be a folder that `mereo index build` made, but got {str(folder)!r}; check the path."
            )
        lancedb = lancedb_library()
        with table_errors(folder):
            require_noted_files(folder, TABLE_FOLDER)
            table = lancedb.connect(str(folder)).open_table(TABLE)
            table.count_rows()  # Reads the newest version's own files: what is broken is told here.
            return cls(folder, table, IndexFacts.from_metadata(table.schema.metadata, folder=folder))

    def __len__(self) -> int:
        with table_errors(self.folder):
            return int(self.table.count_rows())

    @property
    def dimensions(self) -> int:
        return int(self.table.schema.field(VECTOR).type.list_size)

    def images(self) -> dict[str, str]:
        """Content hash of each image that has rows."""
        with table_errors(self.folder):
            rows = self.rows(("image", "content_hash"), where="segment = 0")
        return dict(zip(rows["image"].to_pylist(), rows["content_hash"].to_pylist()))

    def rows(self, columns: Sequence[str], *, where: str | None = None) -> Any:
        """Columns of all rows, or of those where an SQL condition holds, as an arrow table."""
        with table_errors(self.folder):
            query = self.table.search().select(list(columns))
            return (query if where is None else query.where(where)).to_arrow()

    def put(self, images: Sequence[ImageSegments], *, present: AbstractSet[str]) -> None:
        """The rows of these images, in place of what the table has of them, as one commit. `present`: the images that
        the table has."""
        rows = joined_rows(list(images), self.table.schema)
        changed = [image.image for image in images if image.image in present]
        with table_errors(self.folder):
            if changed:
                self._replace(changed, rows)
            else:
                self.table.add(rows)

    def drop(self, images: Sequence[str]) -> None:
        if images:
            with table_errors(self.folder):
                self.table.delete(is_one_of("image", images))

    def store_under(self, new_names: Mapping[str, str]) -> None:
        """Images take new names, all of them in one commit."""
        if not new_names:
            return
        rows = self.rows(self.table.schema.names, where=is_one_of("image", list(new_names)))
        names = [new_names[image] for image in rows["image"].to_pylist()]
        with table_errors(self.folder):
            place = rows.schema.get_field_index("image")
            self._replace(list(new_names), rows.set_column(place, "image", [names]).cast(self.table.schema))

    def _replace(self, images: Sequence[str], rows: Any) -> None:
        """These rows in place of all that the table has of these images, as one commit."""
        merge = self.table.merge_insert(["image", "segment"])
        merge = merge.when_matched_update_all().when_not_matched_insert_all()
        # A photograph that has fewer segments now must lose those that are too many.
        merge.when_not_matched_by_source_delete(is_one_of("image", images)).execute(rows)

    def tidy(self) -> None:
        """Many small commits become few files, and old versions go."""
        with table_errors(self.folder):
            # Under the lock nobody else writes: what no version names was left by a process that was killed.
            self.table.optimize(cleanup_older_than=KEPT_FOR, delete_unverified=True)
            note_files(self.folder, TABLE_FOLDER)


def is_index(folder: Path) -> bool:
    """True if the folder has a table with at least one version of it."""
    return any((folder / TABLE_FOLDER / "_versions").glob("*.manifest"))


def is_one_of(column: str, values: Sequence[str]) -> str:
    """An SQL condition; a quote in a value is doubled.

    >>> is_one_of("image", ["a.jpg", "it's.jpg"])
    "image IN ('a.jpg', 'it''s.jpg')"
    """
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"{column} IN ({quoted})"
