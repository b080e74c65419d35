"""The JSON beside each ADE20K picture (objects, parts, scene), and the taxonomy that many of them make together."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from mereo.data.json_reading import parse_json
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput
from mereo.strict_yaml import validated

# First synonyms of what the panoptic benchmark on ADE20K counts as stuff; every other object is a thing.
STUFF = frozenset(
    "wall, building, sky, floor, tree, ceiling, road, grass, sidewalk, earth, mountain, plant, water, house, sea, rug, "
    "field, rock, base, sand, skyscraper, grandstand, path, runway, stairway, river, bridge, blind, hill, bar, hovel, "
    "tower, dirt track, land, escalator, buffet, poster, stage, conveyer belt, canopy, swimming pool, pool, waterfall, "
    "falls, tent, cradle, tank, lake, blanket, pier, crt screen, shower".split(", ")
)
UNLABELLED = 0


class Foreign(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class PartOf(Foreign):
    ispartof: int | list[int] = []
    part_level: int = Field(default=0, ge=0)


class Entry(Foreign):
    id: int
    name: str
    name_ndx: int = Field(ge=1)
    parts: PartOf = PartOf()

    @property
    def level(self) -> int:
        """0: an object, 1: a part of an object, 2: a part of a part."""
        return self.parts.part_level

    @property
    def owner_ids(self) -> list[int]:
        owners = self.parts.ispartof
        return owners if isinstance(owners, list) else [owners]


class Ade20kAnnotation(Foreign):
    object: list[Entry] = []
    scene: list[str] | str = []

    @property
    def scene_word(self) -> str:
        """The narrowest word: `street` of outdoor, urban, street. Empty if none is given."""
        words = [self.scene] if isinstance(self.scene, str) else self.scene
        return next((word.strip() for word in reversed(words) if word.strip()), "")


class _File(Foreign):
    annotation: Ade20kAnnotation


def read_annotation(path: Path) -> Ade20kAnnotation:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"an annotation must be readable, but got {error.strerror} in {path}; check the path."
        ) from error
    # The official files mix UTF-8 and Latin-1 (as Windows means it: its quotes are no control characters).
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    parsed = parse_json(text, what="an annotation", path=path)
    return validated(_File, parsed, source=f"annotation {path}").annotation


def first_synonym(name: str) -> str:
    """
    >>> first_synonym("car, auto, automobile, machine, motorcar")
    'car'
    """
    return name.split(",")[0].strip()


def ade20k_taxonomy(annotations: Sequence[Ade20kAnnotation], *, chosen: Taxonomy | None = None) -> Taxonomy:
    """All objects, parts and scenes that the annotations name; or the chosen ones, with ADE20K's codes as raw ids."""
    objects, parts = _names_of_level(annotations, 0), _names_of_level(annotations, 1)
    if not objects:
        raise BadInput("ADE20K annotations must name at least one object, but got none; check the JSON files.")
    if chosen is not None:
        return replace(
            chosen,
            objects=_chosen_table(chosen.objects, objects),
            parts=None if chosen.parts is None else _chosen_table(chosen.parts, parts),
        )
    object_table, part_table = _table(objects), _table(parts) if parts else None
    owners = _owners(annotations, object_table, part_table) if part_table is not None else ()
    scenes = sorted({annotation.scene_word for annotation in annotations} - {""})
    return Taxonomy(
        name="ade20k",
        objects=object_table,
        is_thing=tuple(first_synonym(name) not in STUFF for name in objects.values()),
        parts=part_table,
        part_owners=owners,
        scenes=LabelTable(names=tuple(scenes)) if scenes else None,
    )


def _names_of_level(annotations: Sequence[Ade20kAnnotation], level: int) -> dict[int, str]:
    """Code -> full name, in the order of codes."""
    found = {entry.name_ndx: entry.name for a in annotations for entry in a.object if entry.level == level}
    return dict(sorted(found.items()))


def _table(name_of_code: dict[int, str]) -> LabelTable:
    """Short names where they are unique, full names (then with the code) where two classes share the first synonym."""
    short = [first_synonym(name) for name in name_of_code.values()]
    full = list(name_of_code.values())
    names = []
    for code, name in name_of_code.items():
        unique = name if full.count(name) == 1 else f"{name} ({code})"
        names.append(first_synonym(name) if short.count(first_synonym(name)) == 1 else unique)
    raw_to_index: dict[int, int | None] = {code: index for index, code in enumerate(name_of_code)}
    return LabelTable(names=tuple(names), raw_to_index={**raw_to_index, UNLABELLED: None})


def _chosen_table(chosen: LabelTable, name_of_code: dict[int, str]) -> LabelTable:
    """The chosen names with the codes of all classes so called; codes of other classes, and 0, are ignored."""
    index_of = {name: index for index, name in enumerate(chosen.names)}
    raw_to_index: dict[int, int | None] = {UNLABELLED: None}
    for code, name in name_of_code.items():
        raw_to_index[code] = index_of.get(name, index_of.get(first_synonym(name)))
    if all(index is None for index in raw_to_index.values()):
        raise BadInput(
            f"a chosen class must be named as in ADE20K, but got none of {', '.join(chosen.names[:5])} "
            f"in its JSON files; names there: {', '.join(list(name_of_code.values())[:5])}."
        )
    return replace(chosen, raw_to_index=raw_to_index)


def _owners(
    annotations: Sequence[Ade20kAnnotation], objects: LabelTable, parts: LabelTable
) -> tuple[tuple[str, ...], ...]:
    owners: list[set[str]] = [set() for _ in parts.names]
    for annotation in annotations:
        by_id = {entry.id: entry for entry in annotation.object}
        for entry in annotation.object:
            part = parts.raw_to_index.get(entry.name_ndx) if entry.level == 1 else None
            for owner_id in entry.owner_ids if part is not None else []:
                owner = by_id.get(owner_id)
                index = objects.raw_to_index.get(owner.name_ndx) if owner is not None and owner.level == 0 else None
                if part is not None and index is not None:
                    owners[part].add(objects.names[index])
    return tuple(tuple(sorted(names)) for names in owners)
