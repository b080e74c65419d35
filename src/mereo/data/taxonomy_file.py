"""Taxonomies as YAML and as plain dictionaries (in parser files). Built-in ones lie in `data/taxonomies/`.

    name: camvid
    objects:
      - {name: sky, ids: [0]}
      - {name: car, ids: [8], thing: true, colour: "#0072b2"}
    ignored_ids: [11]
    parts:
      - {name: window, of: [building], ids: [1]}
    ignored_part_ids: [0]
    materials: [{name: asphalt, ids: [3]}]
    derived: [materials]
    scenes: [street, field]

`ids` are the values in the label files (left out: the position in the list), or "#rrggbb" for colour-coded masks.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from mereo.data.palette import hex_to_rgb
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput, did_you_mean
from mereo.strict import StrictConfig
from mereo.strict_yaml import load_yaml, load_yaml_file, validated


class ClassEntry(StrictConfig):
    """A mapping, or the name alone."""

    name: str = Field(min_length=1)
    ids: list[int | str] | None = None
    colour: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class ObjectEntry(ClassEntry):
    thing: bool = False


class PartEntry(ClassEntry):
    of: list[str] = []


class TaxonomyFile(StrictConfig):
    name: str
    objects: list[ObjectEntry]
    ignored_ids: list[int | str] = []
    parts: list[PartEntry] | None = None
    ignored_part_ids: list[int | str] = []
    materials: list[ClassEntry] | None = None
    ignored_material_ids: list[int | str] = []
    textures: list[ClassEntry] | None = None
    ignored_texture_ids: list[int | str] = []
    scenes: list[ClassEntry] | None = None
    derived: list[Literal["objects", "parts", "materials", "textures", "scenes"]] = []


def built_in_taxonomies() -> list[str]:
    folder = resources.files("mereo.data") / "taxonomies"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_taxonomy(name_or_path: str | Path) -> Taxonomy:
    """A built-in taxonomy by name, or a YAML file by path."""
    if str(name_or_path) in built_in_taxonomies():
        text = (resources.files("mereo.data") / "taxonomies" / f"{name_or_path}.yaml").read_text(encoding="utf-8")
        return taxonomy_from_dict(load_yaml(text, source=f"taxonomy {name_or_path}"), source=str(name_or_path))
    path = Path(name_or_path)
    if not os.path.isfile(path):
        raise BadInput(
            f"taxonomy must be a built-in name or a YAML file, but got {str(name_or_path)!r}; "
            f"built in: {', '.join(built_in_taxonomies())}."
        )
    return taxonomy_from_dict(load_yaml_file(path), source=str(path))


def taxonomy_from_dict(content: Any, *, source: str = "the taxonomy") -> Taxonomy:
    file = validated(TaxonomyFile, content, source=source)
    return Taxonomy(
        name=file.name,
        objects=_table(file.objects, file.ignored_ids, source),
        is_thing=tuple(entry.thing for entry in file.objects),
        parts=None if file.parts is None else _table(file.parts, file.ignored_part_ids, source),
        part_owners=() if file.parts is None else tuple(tuple(entry.of) for entry in file.parts),
        materials=None if file.materials is None else _table(file.materials, file.ignored_material_ids, source),
        textures=None if file.textures is None else _table(file.textures, file.ignored_texture_ids, source),
        scenes=None if file.scenes is None else _table(file.scenes, [], source),
        derived=tuple(file.derived),
    )


def taxonomy_to_dict(taxonomy: Taxonomy) -> dict[str, Any]:
    """The inverse of `taxonomy_from_dict`, with every id and colour written out."""
    content: dict[str, Any] = {"name": taxonomy.name}
    content["objects"] = _table_entries(taxonomy.objects)
    for entry, is_thing in zip(content["objects"], taxonomy.is_thing):
        entry["thing"] = is_thing
    content["ignored_ids"] = _ignored(taxonomy.objects)
    for key, ignored_key in (("parts", "part"), ("materials", "material"), ("textures", "texture"), ("scenes", "")):
        table = getattr(taxonomy, key)
        if table is None:
            continue
        content[key] = _table_entries(table)
        if ignored_key:
            content[f"ignored_{ignored_key}_ids"] = _ignored(table)
    for entry, owners in zip(content.get("parts", []), taxonomy.part_owners):
        entry["of"] = list(owners)
    if taxonomy.derived:
        content["derived"] = list(taxonomy.derived)
    return content


def table_with_ids(
    table: LabelTable, ids: Mapping[str, list[int | str]], ignored: list[int | str], *, source: str
) -> LabelTable:
    """The same classes, known by other ids: those of one data set among several that share a taxonomy."""
    unknown = [name for name in ids if name not in table.names]
    if unknown:
        hint = did_you_mean(unknown[0], table.names, otherwise="add them to the taxonomy.")
        raise BadInput(f"ids must be given to classes of the taxonomy, but got {unknown[:5]} in {source}; {hint}")
    is_colour_coded = any(isinstance(raw, str) for raw in [*ignored, *(raw for own in ids.values() for raw in own)])
    raw_to_index: dict[int, int | None] = {}
    for name, own in ids.items():
        for raw in own:
            _put(raw_to_index, _raw_id(raw, is_colour_coded, source), table.names.index(name), source)
    for raw in ignored:
        _put(raw_to_index, _raw_id(raw, is_colour_coded, source), None, source)
    if not raw_to_index:
        raise BadInput(f"a class list must have at least one id, but got only empty lists in {source}; add ids.")
    return replace(table, raw_to_index=raw_to_index, is_colour_coded=is_colour_coded)


def _table(entries: Sequence[ClassEntry], ignored: list[int | str], source: str) -> LabelTable:
    if not entries:
        raise BadInput(
            f"a class list must name at least one class, but got none in {source}; add one or remove the key."
        )
    all_ids = [raw for entry in entries for raw in entry.ids or []] + ignored
    is_colour_coded = any(isinstance(raw, str) for raw in all_ids)
    raw_to_index: dict[int, int | None] = {}
    for index, entry in enumerate(entries):
        for raw in [index] if entry.ids is None else entry.ids:
            _put(raw_to_index, _raw_id(raw, is_colour_coded, source), index, source)
    for raw in ignored:
        _put(raw_to_index, _raw_id(raw, is_colour_coded, source), None, source)
    if not raw_to_index:  # An empty table would mean "ids as in the list" to LabelTable.
        raise BadInput(f"a class list must have at least one id, but got only empty lists in {source}; add ids.")
    given = [entry.colour for entry in entries]
    if any(given) and not all(given):
        raise BadInput(
            f"colours must be given for all classes or none, but got {sum(map(bool, given))} of {len(given)} "
            f"in {source}; add or remove some."
        )
    return LabelTable(
        names=tuple(entry.name for entry in entries),
        raw_to_index=raw_to_index,
        colours=tuple(colour for colour in given if colour),
        is_colour_coded=is_colour_coded,
    )


def _raw_id(raw: int | str, is_colour_coded: bool, source: str) -> int:
    if isinstance(raw, int) != is_colour_coded:
        if isinstance(raw, int):
            return raw
        red, green, blue = hex_to_rgb(raw)
        return red << 16 | green << 8 | blue
    raise BadInput(f"ids must be all numbers or all colours (#rrggbb), but got both in {source}; choose one.")


def _put(raw_to_index: dict[int, int | None], raw: int, index: int | None, source: str) -> None:
    if raw in raw_to_index:
        raise BadInput(f"raw id must belong to one class, but got {raw} twice in {source}; remove one.")
    raw_to_index[raw] = index


def _table_entries(table: LabelTable) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = [
        {"name": name, "ids": [], "colour": colour} for name, colour in zip(table.names, table.colours)
    ]
    for raw, index in sorted(table.raw_to_index.items()):
        if index is not None:
            entries[index]["ids"].append(_written(table, raw))
    return entries


def _ignored(table: LabelTable) -> list[int | str]:
    return [_written(table, raw) for raw, index in sorted(table.raw_to_index.items()) if index is None]


def _written(table: LabelTable, raw: int) -> int | str:
    return f"#{raw:06x}" if table.is_colour_coded else raw
