"""From what a user names (a folder, a description, a recipe) to data sources, one a split."""

import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from mereo.data.formats.folder_description import DESCRIPTION_FILE, LoadedDescription, load_description
from mereo.data.formats.folder_format import splits_of
from mereo.data.formats.voc_format import LIST_FOLDER
from mereo.data.sources import (
    Ade20kSource,
    AnnotatorsSource,
    ClassFoldersSource,
    DataSource,
    FolderSource,
    JoinedSource,
    VocSource,
)
from mereo.errors import BadInput
from mereo.strict_yaml import load_yaml_file, validated

SPLIT_ORDER = ("train", "training", "val", "valid", "validation", "test", "testing")


class _Source(BaseModel):
    source: DataSource


def sources_of(target: Path, *, split: str | None = None, description: str | None = None) -> dict[str, DataSource]:
    """Split name -> source, training first. Joined data gives one `split/source` for each of its sources."""
    if os.path.isdir(target):  # Path.is_dir() raises where a name is too long.
        found = _sources_of_folder(target, description)
    elif os.path.isfile(target):
        found = _sources_of_yaml(target)
    else:
        raise BadInput(
            f"data must be a folder, a {DESCRIPTION_FILE} or a recipe, but got nothing at {str(target)!r:.300}; "
            "check the path."
        )
    found = dict(sorted(found.items(), key=lambda item: _split_rank(item[0])))
    if split is None:
        return _one_by_one(found)
    if split not in found:
        raise BadInput(
            f"split must be one of {', '.join(found)}, but got {split!r} in {target}; choose one that exists."
        )
    return _one_by_one({split: found[split]})


def _one_by_one(found: dict[str, DataSource]) -> dict[str, DataSource]:
    """Each source is read through its own label tables, but as joined data: its classes must be the joint ones."""
    apart: dict[str, DataSource] = {}
    for split, source in found.items():
        if isinstance(source, JoinedSource):
            for name, one in source.sources.items():
                apart[f"{split}/{name}"] = source.model_copy(update={"sources": {name: one}})
        else:
            apart[split] = source
    return apart


def _sources_of_folder(root: Path, description: str | None) -> dict[str, DataSource]:
    if description is None and not (root / DESCRIPTION_FILE).is_file():
        known = _sources_of_known_layout(root)
        if known:
            return known
    loaded: LoadedDescription = load_description(root, description)
    return {
        name: FolderSource(root=str(root.absolute()), split=name, description=description)
        for name in splits_of(root, loaded.description)
    }


def _sources_of_known_layout(root: Path) -> dict[str, DataSource]:
    """Layouts that can be told by their folders: VOC, full ADE20K, stacked annotators, one folder a class."""
    where = str(root.absolute())
    if (root / "SegmentationClass").is_dir() and (root / LIST_FOLDER).is_dir():
        lists = sorted(path.stem for path in (root / LIST_FOLDER).glob("*.txt"))
        return {name: VocSource(root=where, split=name) for name in lists}
    if next(root.rglob("*_seg.png"), None) is not None:
        return {"all": Ade20kSource(root=where)}
    splits = [entry.name for entry in root.iterdir() if entry.is_dir() and entry.name in SPLIT_ORDER]
    if any((root / name / "annotators").is_dir() for name in splits):
        return {name: AnnotatorsSource(root=where, split=name) for name in splits}
    if splits and all(_is_class_folders(root / name) for name in splits):
        return {name: ClassFoldersSource(root=where, split=name) for name in splits}
    return {}


def _is_class_folders(folder: Path) -> bool:
    """Only folders inside, at least two, and none of them called after images or labels."""
    inside = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    words = ("image", "label", "mask", "annotation", "instance", "part")
    is_named_after_kind = any(word in entry.name.lower() for entry in inside for word in words)
    return len(inside) > 1 and all(entry.is_dir() for entry in inside) and not is_named_after_kind


def _sources_of_yaml(path: Path) -> dict[str, DataSource]:
    content: Any = load_yaml_file(path)
    if isinstance(content, dict) and "train_data" in content:
        keys = [key for key in content if key.endswith("_data") and content[key] is not None]
        return {
            key.removesuffix("_data"): validated(_Source, {"source": content[key]}, source=f"{key} of {path}").source
            for key in keys
        }
    if isinstance(content, dict) and "images" in content:
        loaded = load_description(path.parent, path)
        return {
            name: FolderSource(root=str(path.parent.absolute()), split=name, description=str(path.absolute()))
            for name in splits_of(path.parent, loaded.description)
        }
    raise BadInput(
        f"a YAML file must be a recipe (train_data) or a data description (images), but got neither in {path}; "
        "see `mereo init` for how both are made."
    )


def _split_rank(name: str) -> tuple[int, str]:
    return (SPLIT_ORDER.index(name) if name in SPLIT_ORDER else len(SPLIT_ORDER), name)
