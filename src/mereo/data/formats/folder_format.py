"""FolderSamples: pictures and label maps in plain folders, as a mereo.yaml or a built-in description says."""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from mereo.data.file_fingerprint import fingerprint_of_files
from mereo.data.formats.file_pairing import paired_files, stems_of_list
from mereo.data.formats.folder_description import TABLE_OF_KIND, FolderDescription, LoadedDescription, load_description
from mereo.data.label_reading import RawLabel, read_ids, read_label, read_raw_label, require_same_size
from mereo.data.pictures.image_reading import read_image
from mereo.data.pictures.turned_pictures import is_turned
from mereo.data.sample import Sample, Samples, as_image, as_mask
from mereo.data.scene_words import held_out_stems, read_scene_words
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
SceneChoice = Literal["all", "train", "held_out", "none"]


class FolderSamples(Samples):
    """The samples of one split, sorted by stem (or in the order of the split's list).

    `scenes`: all words of the split; none; those to train on; or those held out to measure on, which also leaves only
    their pictures in the split (`data/scene_words.py` says how they are chosen).
    """

    def __init__(
        self,
        root: str | Path,
        *,
        split: str = "train",
        description: str | Path | None = None,
        scenes: SceneChoice = "all",
    ) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise BadInput(f"a data root must be a folder, but got none in {self.root}; check the path.")
        self.split = split
        self.loaded: LoadedDescription = load_description(self.root, description)
        self.taxonomy: Taxonomy = self.loaded.taxonomy
        files_by_stem = _files_of_split(self.root, self.loaded, split)
        self.scene_of_stem = _chosen_scenes(self.root, self.loaded, split, set(files_by_stem), scenes)
        if scenes == "held_out":
            files_by_stem = {stem: files for stem, files in files_by_stem.items() if stem in self.scene_of_stem}
            if not files_by_stem:
                raise BadInput(
                    f"held-out scenes must be at least one, but got none in {self.root}; "
                    "use the scenes of another split."
                )
        self._names, self.files = list(files_by_stem), list(files_by_stem.values())

    @property
    def names(self) -> list[str]:
        return list(self._names)

    @property
    def source_files(self) -> list[Path]:
        return [path for files in self.files for path in files.values()]

    @property
    def num_with_scene(self) -> int:
        return sum(name in self.scene_of_stem for name in self._names)

    @property
    def fingerprint(self) -> str:
        return fingerprint_of_files(self.source_files)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        files = self.files[index]
        image_HW3 = read_image(files["images"])
        is_picture_turned = is_turned(files["images"])
        labels: dict[str, Any] = {}
        for kind in self.loaded.description.label_patterns:
            if kind == "instances":
                label_HW = read_ids(files[kind], is_turned_by_exif=is_picture_turned)
                label_HW[np.isin(label_HW, self.loaded.description.ignored_instance_ids)] = 0
            else:
                label_HW = read_label(files[kind], self.loaded.table_of(kind), is_turned_by_exif=is_picture_turned)
            require_same_size(files["images"], image_HW3.shape[:2], files[kind], label_HW.shape[:2], is_picture_turned)
            labels[FIELD_OF_KIND[kind]] = as_mask(label_HW)
        name = self._names[index]
        return Sample(name=name, image_CHW=as_image(image_HW3), scene=self.scene_of_stem.get(name), **labels)

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

    def picture_and_labels(self, index: int) -> tuple[Path, tuple[Path, ...]]:
        """The files of one sample; labels whose own EXIF tag counts."""
        files = self.files[index]
        return files["images"], tuple(files[kind] for kind in self.loaded.description.label_patterns)


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


def _chosen_scenes(
    root: Path, loaded: LoadedDescription, split: str, stems: set[str], choice: SceneChoice
) -> dict[str, int]:
    description, table = loaded.description, loaded.taxonomy.scenes
    if choice in ("train", "held_out") and (description.scenes is None or description.scene_sequence is None):
        raise BadInput(
            f"scenes: {choice} must have scenes and scene_sequence in the description, but got none in "
            f"{loaded.source}; add them, or use scenes: all."
        )
    if description.scenes is None or table is None or choice == "none":
        return {}
    words = read_scene_words(
        root / description.scenes, table, split=split, ignored=description.ignored_scenes, stems=stems
    )
    words = {stem: word for stem, word in words.items() if stem in stems}
    if choice == "all" or description.scene_sequence is None:
        return words
    held_out = held_out_stems(words, description.scene_sequence)
    return {stem: word for stem, word in words.items() if (stem in held_out) == (choice == "held_out")}
