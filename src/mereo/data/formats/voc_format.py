"""PASCAL VOC, official layout: class and object palette PNGs, and a list of stems for each split."""

from pathlib import Path

import numpy as np

from mereo.data.file_fingerprint import fingerprint_of_files
from mereo.data.formats.file_pairing import paired_files, stems_of_list
from mereo.data.label_reading import RawLabel, read_ids, read_label, read_raw_label, require_same_size
from mereo.data.pictures.image_reading import read_image
from mereo.data.sample import Sample, Samples, as_image, as_mask
from mereo.data.taxonomy_file import load_taxonomy
from mereo.errors import BadInput

BORDER = 255
LIST_FOLDER = "ImageSets/Segmentation"


class VocSamples(Samples):
    """Semantic classes (background and 20 things) and object ids.

    The border that VOC draws round each object (255) is ignored in the semantic map, and 0 (no thing) in the instances.
    """

    def __init__(self, root: str | Path, *, split: str = "train") -> None:
        self.root, self.split = Path(root), split
        self.taxonomy = load_taxonomy("voc")
        stems = stems_of_list(_split_list(self.root, split))
        patterns = {"images": "JPEGImages", "semantic": "SegmentationClass"}
        # Some copies come without object maps: semantic training needs none.
        if (self.root / "SegmentationObject").is_dir():
            patterns["instances"] = "SegmentationObject"
        found = paired_files(self.root, patterns, stems=stems)
        self._names, self.files = list(found), list(found.values())

    @property
    def names(self) -> list[str]:
        return list(self._names)

    @property
    def source_files(self) -> list[Path]:
        return [path for files in self.files for path in files.values()]

    @property
    def fingerprint(self) -> str:
        return fingerprint_of_files(self.source_files)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        files = self.files[index]
        image_HW3 = read_image(files["images"])
        semantic_HW = read_label(files["semantic"], self.taxonomy.objects)
        require_same_size(files["images"], image_HW3.shape[:2], files["semantic"], semantic_HW.shape)
        instances_HW = None
        if "instances" in files:
            ids_HW = read_ids(files["instances"])
            require_same_size(files["images"], image_HW3.shape[:2], files["instances"], ids_HW.shape)
            instances_HW = as_mask(np.where(ids_HW == BORDER, 0, ids_HW))
        return Sample(
            name=self._names[index],
            image_CHW=as_image(image_HW3),
            semantic_HW=as_mask(semantic_HW),
            instances_HW=instances_HW,
        )

    def raw_labels(self, index: int) -> list[RawLabel]:
        file = self.files[index]["semantic"]
        raw_HW = read_raw_label(file, is_colour_coded=False)
        return [RawLabel(kind="objects", file=file, raw_HW=raw_HW, table=self.taxonomy.objects)]

    def picture_and_labels(self, index: int) -> tuple[Path, tuple[Path, ...]]:
        """The files of one sample; no label has an EXIF tag that counts."""
        return self.files[index]["images"], ()


def _split_list(root: Path, split: str) -> Path:
    path = root / LIST_FOLDER / f"{split}.txt"
    if not path.is_file():
        there = sorted(entry.stem for entry in (root / LIST_FOLDER).glob("*.txt"))
        raise BadInput(
            f"split must be one of {', '.join(there) or '(none found)'}, but got {split!r} in {root / LIST_FOLDER}; "
            "choose one that has a list."
        )
    return path
