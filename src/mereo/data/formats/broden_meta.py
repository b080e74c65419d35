"""What Broden+'s index files say: class names, which raw label is which class, which object has which parts.

The lists are the user's own copy (`meta_file/`): none of their names stands in this package.
"""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mereo.data.taxonomy import IGNORE_INDEX, REST, LabelTable, Taxonomy
from mereo.errors import BadInput

META_FOLDER = "meta_file"
VOID = "-"


@dataclass(frozen=True)
class BrodenMeta:
    """`tables[data set, category]` reads raw labels; `is_part_of_KP[object, part]` tells an object's parts, not rest.

    `scene_of_word` and `part_of_word` know those labels that data sets give by name (ADE20K's scenes, PASCAL's parts).
    """

    taxonomy: Taxonomy
    tables: dict[tuple[str, str], LabelTable]
    is_part_of_KP: np.ndarray
    scene_of_word: dict[str, int]
    part_of_word: dict[str, int]

    @property
    def ignored_part(self) -> int:
        return IGNORE_INDEX if self.taxonomy.parts is None else self.taxonomy.parts.ignore_index


def read_broden_meta(root: Path) -> BrodenMeta:
    """Index 0 of objects and materials is void, so our indices are one less; of parts it is the rest of the object."""
    objects, materials = _names(root, "object", has_void=True)[1:], _names(root, "material", has_void=True)[1:]
    parts = [REST, *_names(root, "part", has_void=True)[1:]]
    scenes, textures = _names(root, "scene", has_void=False), _names(root, "texture", has_void=False)
    is_part_of_KP = _hierarchy(root, num_objects=len(objects), num_parts=len(parts))
    owners = [tuple(objects[k] for k in np.flatnonzero(is_part_of_KP[:, part])) for part in range(len(parts))]
    taxonomy = Taxonomy(
        name="broden_plus",
        objects=LabelTable(tuple(objects)),
        parts=LabelTable(tuple(parts)),
        part_owners=tuple(owners),
        materials=LabelTable(tuple(materials)),
        textures=LabelTable(tuple(textures)),
        scenes=LabelTable(tuple(scenes)),
    )
    rows = read_rows(
        meta_file(root, "label_assignment.csv"), ("dataset", "category", "raw_label", "raw_name", "broden_label")
    )
    tables = {
        (data_set, category): _assigned(rows, data_set, category, table)
        for category, table in (
            ("object", taxonomy.objects),
            ("part", taxonomy.parts),
            ("material", taxonomy.materials),
        )
        for data_set in sorted({row["dataset"] for row in rows if row["category"] == category})
        if table is not None
    }
    return BrodenMeta(
        taxonomy,
        tables,
        is_part_of_KP,
        scene_of_word=_by_word(rows, "ade20k", "scene", len(scenes), ending="-s"),
        part_of_word=_by_word(rows, "pascal", "part", len(parts), ending=""),
    )


def meta_file(root: Path, name: str) -> Path:
    """A list of `meta_file/`, or of a folder in it: copies of Broden+ differ in that."""
    found = sorted((root / META_FOLDER).rglob(name), key=lambda path: (len(path.parts), path))
    if not found:
        raise BadInput(
            f"Broden+ must have {META_FOLDER}/{name}, but got none in {root}; copy the folder of its index files there."
        )
    return found[0]


def read_rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        rows = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "bytes that are no UTF-8 text"
        raise BadInput(
            f"a list of Broden+ must be a readable CSV file, but got {reason} in {path}; copy it."
        ) from error
    missing = [column for column in columns if column not in (rows.fieldnames or [])]
    if missing:
        raise BadInput(f"a list of Broden+ must have the columns {', '.join(columns)}, but lacks {missing} in {path}.")
    return [{column: (row[column] or "").strip() for column in columns} for row in rows]


def number(text: str, path: Path) -> int:
    if not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise BadInput(f"a label of Broden+ must be a whole number, but got {text!r:.80} in {path}; mend that line.")
    return int(text)


def _names(root: Path, category: str, *, has_void: bool) -> list[str]:
    path = meta_file(root, f"{category}.csv")
    rows = read_rows(path, ("label", "name"))
    labels = [number(row["label"], path) for row in rows]
    if labels != list(range(len(rows))) or len(rows) <= has_void:
        raise BadInput(
            f"labels must count from 0 without a gap, but got {labels[:5]} ... in {path}; copy the list again."
        )
    names = [row["name"] for row in rows]
    if has_void and names[0] != VOID:
        raise BadInput(f"label 0 must be void ({VOID!r}), but got {names[0]!r:.80} in {path}; copy the list again.")
    count = Counter(names)
    return [name if count[name] == 1 else f"{name} ({label})" for label, name in enumerate(names)]


def _hierarchy(root: Path, *, num_objects: int, num_parts: int) -> np.ndarray:
    path = meta_file(root, "object_part_hierarchy.csv")
    is_part_of_KP = np.zeros((num_objects, num_parts), dtype=bool)
    for row in read_rows(path, ("object_label", "part_labels")):
        label = number(row["object_label"], path)
        parts = [number(text, path) for text in row["part_labels"].split(";")]
        if not 1 <= label <= num_objects or not all(0 <= part < num_parts for part in parts):
            raise BadInput(f"objects and parts must be in their lists, but got object {label} with {parts} in {path}.")
        is_part_of_KP[label - 1, [part for part in parts if part]] = True
    return is_part_of_KP


def _assigned(rows: list[dict[str, str]], data_set: str, category: str, table: LabelTable) -> LabelTable:
    """Raw label -> index. Labels between those that are listed occur nowhere, or are of another kind: void."""
    index_of_void = 0 if category == "part" else None
    listed: dict[int, int | None] = {}
    for row in rows:
        if (row["dataset"], row["category"]) == (data_set, category):
            path = Path("label_assignment.csv")
            label = number(row["broden_label"], path)
            own = index_of_void if label <= 0 else label if category == "part" else label - 1
            if own is not None and own >= len(table):
                raise BadInput(f"a {category} must be in its list, but got label {label} in {path}; copy both again.")
            listed[number(row["raw_label"], path)] = own
    everything = {raw: listed.get(raw, index_of_void) for raw in range(min(0, *listed), max(listed) + 1)}
    return LabelTable(table.names, everything, colours=table.colours)


def _by_word(rows: list[dict[str, str]], data_set: str, category: str, count: int, *, ending: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        if (row["dataset"], row["category"]) == (data_set, category):
            label = number(row["broden_label"], Path("label_assignment.csv"))
            if 0 <= label < count:
                found[row["raw_name"].removesuffix(ending)] = label
    return found
