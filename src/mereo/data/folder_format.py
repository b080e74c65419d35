"""FolderSamples: pictures and label maps in plain folders, as a mereo.yaml or a built-in description says."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from mereo.data.file_fingerprint import fingerprint_of_files
from mereo.data.file_pairing import paired_files, stems_of_list
from mereo.data.folder_description import TABLE_OF_KIND, FolderDescription, LoadedDescription, load_description
from mereo.data.image_reading import open_picture, read_image
from mereo.data.label_reading import RawLabel, read_ids, read_label, read_raw_label, require_same_size
from mereo.data.orientation import exif_orientation
from mereo.data.sample import Sample, as_image, as_mask
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput

FIELD_OF_KIND = {
    "semantic": "semantic_HW",
    "instances": "instances_HW",
    "parts": "parts_HW",
    "materials": "material_HW",
    "textures": "texture_HW",
}
ONLY_SPLIT = "train"


class FolderSamples:
    """The samples of one split, sorted by stem (or in the order of the split's list)."""

    def __init__(self, root: str | Path, *, split: str = "train", description: str | Path | None = None) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise BadInput(f"a data root must be a folder, but got none in {self.root}; check the path.")
        self.split = split
        self.loaded: LoadedDescription = load_description(self.root, description)
        self.taxonomy: Taxonomy = self.loaded.taxonomy
        files_by_stem = _files_of_split(self.root, self.loaded, split)
        self._names, self.files = list(files_by_stem), list(files_by_stem.values())
        self._scenes = _scenes(self.root, self.loaded, split)
        if self._scenes and not set(self._scenes) & set(self._names):
            raise BadInput(
                f"scenes must name images of the split {split!r} by stem, but got none of them "
                f"in {self.loaded.description.scenes} (first there: {next(iter(self._scenes))}, first image: "
                f"{self._names[0]}); mend the column image."
            )

    @property
    def names(self) -> list[str]:
        return list(self._names)

    @property
    def fingerprint(self) -> str:
        return fingerprint_of_files(path for files in self.files for path in files.values())

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        files = self.files[index]
        image_HW3 = read_image(files["images"])
        is_turned = _is_turned(files["images"])
        labels: dict[str, Any] = {}
        for kind in self.loaded.description.label_patterns:
            if kind == "instances":
                label_HW = read_ids(files[kind], is_turned_by_exif=is_turned)
                label_HW[np.isin(label_HW, self.loaded.description.ignored_instance_ids)] = 0
            else:
                label_HW = read_label(files[kind], self.loaded.table_of(kind), is_turned_by_exif=is_turned)
            require_same_size(files["images"], image_HW3.shape[:2], files[kind], label_HW.shape[:2], is_turned)
            labels[FIELD_OF_KIND[kind]] = as_mask(label_HW)
        name = self._names[index]
        return Sample(name=name, image_CHW=as_image(image_HW3), scene=self._scenes.get(name), **labels)

    def raw_labels(self, index: int) -> list[RawLabel]:
        """The class maps of one image before their tables: neither ids nor sizes are checked."""
        files = self.files[index]
        found = []
        for kind in self.loaded.description.label_patterns:
            if kind in TABLE_OF_KIND:
                table = self.loaded.table_of(kind)
                raw_HW = read_raw_label(files[kind], is_colour_coded=table.is_colour_coded)
                found.append(RawLabel(kind=TABLE_OF_KIND[kind], file=files[kind], raw_HW=raw_HW, table=table))
        return found


def _is_turned(image: Path) -> bool:
    with open_picture(image) as picture:
        return exif_orientation(picture) != 1


def _files_of_split(root: Path, loaded: LoadedDescription, split: str) -> dict[str, dict[str, Path]]:
    description = loaded.description
    patterns = {"images": description.images, **description.label_patterns}
    stems = None
    if description.split_lists is not None:
        if split not in description.split_lists:
            raise BadInput(_no_such_split(split, sorted(description.split_lists), loaded.source))
        beside = (loaded.folder or root) / description.split_lists[split]
        stems = stems_of_list(beside if beside.is_file() else root / description.split_lists[split])
    elif "{split}" not in description.images:
        # One pile of pictures is one split: the same pictures must not be trained on and measured on by mistake.
        if split != ONLY_SPLIT:
            raise BadInput(_no_such_split(split, [ONLY_SPLIT], loaded.source))
    elif split not in splits_of(root, description):
        raise BadInput(_no_such_split(split, splits_of(root, description), str(root)))
    return paired_files(
        root, {kind: pattern.replace("{split}", split) for kind, pattern in patterns.items()}, stems=stems
    )


def splits_of(root: Path, description: FolderDescription) -> list[str]:
    """The splits that a folder holds: its lists, or the folders that stand for {split}."""
    if description.split_lists is not None:
        return list(description.split_lists)
    folders = description.images.rpartition("/")[0] if "*" in description.images else description.images
    before, found, after = folders.partition("{split}")
    if not found:
        return [ONLY_SPLIT]
    candidates = sorted(entry for entry in (root / before).glob("*") if not entry.name.startswith("."))
    splits = [entry.name for entry in candidates if entry.is_dir() and (root / (before + entry.name + after)).is_dir()]
    if not splits:
        raise BadInput(
            f"a data folder must hold a folder for each split, but got none for {description.images!r} in {root}; "
            "check the folder and the pattern."
        )
    return splits


def _no_such_split(split: str, there: list[str], source: str) -> str:
    known = ", ".join(there) or "(none found)"
    return f"split must be one of {known}, but got {split!r} in {source}; choose one that exists."


def _scenes(root: Path, loaded: LoadedDescription, split: str) -> dict[str, int]:
    """Stem -> index of its scene. An image without a line, or with an ignored word, has none."""
    description, table = loaded.description, loaded.taxonomy.scenes
    if description.scenes is None or table is None:
        return {}
    path = root / description.scenes
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "bytes that are no UTF-8 text"
        raise BadInput(f"scenes must be a readable CSV file, but got {reason} in {path}; check the path.") from error
    rows = csv.DictReader(text.splitlines())
    columns = set(rows.fieldnames or [])
    if not {"image", "scene"} <= columns:
        raise BadInput(
            f"scenes must have the columns image and scene, but got {sorted(columns)} in {path}; mend its first line."
        )
    index_of = {name: index for index, name in enumerate(table.names)}
    scenes: dict[str, int] = {}
    for row in rows:
        word = (row["scene"] or "").strip()
        if not word or word in description.ignored_scenes or (row.get("split") or split) != split:
            continue
        if word not in index_of:
            raise BadInput(
                f"a scene must be one of {', '.join(table.names)}, but got {word!r} for {row['image']} in {path}, "
                f"line {rows.line_num}; add it to the taxonomy's scenes or to ignored_scenes."
            )
        image = (row["image"] or "").strip()
        scenes[image.rsplit(".", 1)[0] if image.lower().endswith((".jpg", ".jpeg", ".png")) else image] = index_of[word]
    return scenes
