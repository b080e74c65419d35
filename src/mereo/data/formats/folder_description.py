"""What lies where in a labelled folder: a small YAML beside the data, or a built-in one for a known data set.

name: my_street
taxonomy: taxonomy.yaml            # a built-in name, a file beside this one, or the taxonomy itself
images: "{split}/images"           # a folder, or a file pattern: "images/{split}/*_image.png"
semantic: "{split}/labels"         # likewise instances, parts, materials, textures
scenes: scenes.csv                 # columns image[,split],scene
ignored_instance_ids: [255]        # such as VOC's border: no thing
scene_sequence: "(.*)__"           # what in a stem says which street (or walk) a picture belongs to; its groups count
split_lists: {train: train.txt, val: val.txt}    # one stem a line, where folders do not tell the splits apart
tables:                            # where several sources share one taxonomy: which ids of these files are its classes
  semantic: {ids: {building: [0, 2], car: [1]}, ignored: [255]}
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.data.taxonomy_file import built_in_taxonomies, load_taxonomy, table_with_ids, taxonomy_from_dict
from mereo.errors import BadInput
from mereo.strict import StrictConfig
from mereo.strict_yaml import load_yaml, read_yaml_text, validated

DESCRIPTION_FILE = "mereo.yaml"
# The label kinds that a folder may hold, and the table of the taxonomy that reads each (instances hold bare ids).
TABLE_OF_KIND = {"semantic": "objects", "parts": "parts", "materials": "materials", "textures": "textures"}


class IdTable(StrictConfig):
    """Class name -> the ids that stand for it in the files of one label kind; any other id must be ignored by name."""

    ids: dict[str, list[int | str]] = Field(min_length=1)
    ignored: list[int | str] = []


class FolderDescription(StrictConfig):
    name: str
    taxonomy: str | dict[str, Any]
    images: str
    semantic: str | None = None
    instances: str | None = None
    parts: str | None = None
    materials: str | None = None
    textures: str | None = None
    ignored_instance_ids: list[int] = []
    scenes: str | None = None
    ignored_scenes: list[str] = []
    scene_sequence: str | None = None
    split_lists: dict[str, str] | None = None
    tables: dict[Literal["semantic", "parts", "materials", "textures"], IdTable] = {}

    @model_validator(mode="after")
    def _check(self) -> "FolderDescription":
        if not self.label_patterns and self.scenes is None:
            raise ValueError(f"at least one label must be named, but got none; add one of {', '.join(TABLE_OF_KIND)}")
        idle = [kind for kind in self.tables if kind not in self.label_patterns]
        if idle:
            raise ValueError(f"tables must belong to label folders, but got {', '.join(idle)}; name the folder as well")
        try:
            has_groups = self.scene_sequence is None or re.compile(self.scene_sequence).groups > 0
        except re.error as error:
            raise ValueError(f"scene_sequence must be a regular expression, but got {error}") from error
        if not has_groups:
            raise ValueError(f"scene_sequence must have a group, but got {self.scene_sequence!r}; write e.g. '(.*)__'")
        for key, pattern in {"images": self.images, **self.label_patterns}.items():
            folder, _, file = pattern.rpartition("/")
            if file.count("*") > 1 or "*" in folder:
                raise ValueError(
                    f"{key} may hold one *, in the file name, but got {pattern!r}; e.g. '{{split}}/*_label.png'"
                )
            if any("{" in step and step != "{split}" for step in pattern.split("/")):
                raise ValueError(
                    f"{key} may hold {{split}} as a folder's whole name, and no other brace, but got {pattern!r}"
                )
        return self

    @property
    def label_patterns(self) -> dict[str, str]:
        kinds = ("semantic", "instances", "parts", "materials", "textures")
        return {kind: getattr(self, kind) for kind in kinds if getattr(self, kind) is not None}


@dataclass(frozen=True)
class LoadedDescription:
    """A description with its taxonomy and the folder it came from (None: it is built in)."""

    description: FolderDescription
    taxonomy: Taxonomy
    source: str
    folder: Path | None

    def table_of(self, kind: str) -> LabelTable:
        table: LabelTable = getattr(self.taxonomy, TABLE_OF_KIND[kind])
        return table


def built_in_descriptions() -> list[str]:
    folder = resources.files("mereo.data") / "descriptions"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_description(root: Path, name_or_path: str | Path | None = None) -> LoadedDescription:
    """`root/mereo.yaml`, or a built-in description by name, or another YAML file."""
    if name_or_path is None and not (root / DESCRIPTION_FILE).is_file():
        raise BadInput(
            f"a labelled folder must hold {DESCRIPTION_FILE}, but got none in {root}; "
            f"make one with `mereo init {root}`, or name a built-in description: {', '.join(built_in_descriptions())}."
        )
    if name_or_path is not None and str(name_or_path) in built_in_descriptions():
        source, folder = f"description {name_or_path}", None
        file = resources.files("mereo.data") / "descriptions" / f"{name_or_path}.yaml"
        text = file.read_text(encoding="utf-8")
    else:
        path = root / DESCRIPTION_FILE if name_or_path is None else Path(name_or_path)
        path = path / DESCRIPTION_FILE if path.is_dir() else path
        source, folder = str(path), path.parent
        text = _text(path)
    description = validated(FolderDescription, load_yaml(text, source=source), source=source)
    taxonomy = _taxonomy(description, folder, source)
    for kind, table in TABLE_OF_KIND.items():
        if kind in description.label_patterns and getattr(taxonomy, table) is None:
            raise BadInput(
                f"taxonomy {taxonomy.name} must list {table}, but got none for the label folder {kind!r} in {source}; "
                f"add {table} to the taxonomy or remove {kind}."
            )
    if description.scenes is not None and taxonomy.scenes is None:
        raise BadInput(
            f"taxonomy {taxonomy.name} must list scenes, but got none for {description.scenes} in {source}; "
            "add scenes to the taxonomy or remove the key."
        )
    taxonomy = _with_tables(taxonomy, description.tables, source)
    return LoadedDescription(description=description, taxonomy=taxonomy, source=source, folder=folder)


def _taxonomy(description: FolderDescription, folder: Path | None, source: str) -> Taxonomy:
    if isinstance(description.taxonomy, dict):
        return taxonomy_from_dict(
            {"name": description.name, **description.taxonomy}, source=f"the taxonomy in {source}"
        )
    if folder is not None and description.taxonomy not in built_in_taxonomies():
        return load_taxonomy(folder / description.taxonomy)
    return load_taxonomy(description.taxonomy)


def _with_tables(taxonomy: Taxonomy, tables: Mapping[Any, IdTable], source: str) -> Taxonomy:
    """The taxonomy's classes, in its order, with the ids of these files."""
    own: dict[str, Any] = {
        TABLE_OF_KIND[kind]: table_with_ids(
            getattr(taxonomy, TABLE_OF_KIND[kind]), table.ids, table.ignored, source=f"tables.{kind} of {source}"
        )
        for kind, table in tables.items()
    }
    return replace(taxonomy, **own)


def _text(path: Path) -> str:
    if not os.path.isfile(path):
        raise BadInput(
            f"a description must be a readable YAML file or a built-in name ({', '.join(built_in_descriptions())}), "
            f"but got No such file in {str(path):.300}; check the path."
        )
    return read_yaml_text(path)
