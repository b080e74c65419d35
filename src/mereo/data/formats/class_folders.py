"""Pictures sorted into one folder a class: the folder's name is the texture (or the scene) of the whole picture."""

from pathlib import Path
from typing import Literal

from mereo.data.file_fingerprint import fingerprint_of_files
from mereo.data.formats.file_pairing import files_by_stem
from mereo.data.label_reading import RawLabel
from mereo.data.pictures.image_reading import read_image
from mereo.data.sample import Sample, Samples, as_image
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.data.taxonomy_file import load_taxonomy
from mereo.errors import BadInput


class ClassFolderSamples(Samples):
    """`root/split/banded/x.jpg`. Without a taxonomy, the classes are the folders of all splits, sorted by name.

    All splits count, so that an index means the same class in each of them. No pixel is labelled: such samples train
    only a head for textures or scenes, and the taxonomy's one object is the surface that was photographed.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        split: str = "train",
        label: Literal["texture", "scene"] = "texture",
        taxonomy: str | Path | None = None,
    ) -> None:
        self.root, self.split, self.label = Path(root), split, label
        folder = self.root / split
        if not folder.is_dir():
            there = ", ".join(_folders(self.root)) if self.root.is_dir() else ""
            raise BadInput(
                f"split must be one of {there or '(none found)'}, but got {split!r} in {root}; choose one that exists."
            )
        found = files_by_stem(folder, ".")
        if not found:
            raise BadInput(f"class folders must hold at least one image, but got none in {folder}; check the path.")
        loose = [stem for stem in found if "/" not in stem]
        if loose:
            raise BadInput(
                f"images must lie in a folder of their class, but got {loose[0]!r} and {len(loose) - 1} others "
                f"beside the class folders in {folder}; move them."
            )
        self.taxonomy = _taxonomy_of_folders(self.root, label) if taxonomy is None else load_taxonomy(taxonomy)
        table = self.taxonomy.textures if label == "texture" else self.taxonomy.scenes
        if table is None:
            raise BadInput(f"taxonomy {self.taxonomy.name} must list {label}s, but got none; add them or leave it out.")
        index_of = {name: index for index, name in enumerate(table.names)}
        unknown = sorted({stem.split("/")[0] for stem in found} - set(index_of))
        if unknown:
            raise BadInput(
                f"a class folder must be named after one of the taxonomy's {label}s, but got {unknown[:5]} "
                f"in {folder}; rename it, or add it to taxonomy {self.taxonomy.name}."
            )
        self._names, self.files = list(found), list(found.values())
        self._classes = [index_of[stem.split("/")[0]] for stem in found]

    @property
    def names(self) -> list[str]:
        return list(self._names)

    @property
    def source_files(self) -> list[Path]:
        return list(self.files)

    @property
    def fingerprint(self) -> str:
        return fingerprint_of_files(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        image_CHW, class_index = as_image(read_image(self.files[index])), self._classes[index]
        if self.label == "texture":
            return Sample(name=self._names[index], image_CHW=image_CHW, texture=class_index)
        return Sample(name=self._names[index], image_CHW=image_CHW, scene=class_index)

    def raw_labels(self, index: int) -> list[RawLabel]:
        """No label maps here: the label is the folder's name."""
        return []


def _folders(root: Path) -> list[str]:
    return sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _taxonomy_of_folders(root: Path, label: str) -> Taxonomy:
    names = sorted({name for split in _folders(root) for name in _folders(root / split)})
    table = LabelTable(names=tuple(names))
    surface = LabelTable(names=("surface",))
    return Taxonomy(
        name=root.resolve().name,
        objects=surface,
        textures=table if label == "texture" else None,
        scenes=table if label == "scene" else None,
    )
