"""Full ADE20K: classes and instances packed into PNG colours, names, parts and scene in a JSON beside each picture."""

from pathlib import Path

import numpy as np

from mereo.data.file_fingerprint import fingerprint_of_files
from mereo.data.formats.ade20k_json import Ade20kAnnotation, ade20k_taxonomy, read_annotation
from mereo.data.label_reading import RawLabel, read_colours, require_same_size
from mereo.data.pictures.image_reading import read_image
from mereo.data.sample import Sample, Samples, as_image, as_mask
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.data.taxonomy_file import load_taxonomy
from mereo.errors import BadInput

UNLABELLED = 0


class Ade20kSamples(Samples):
    """All `NAME.jpg` under `root` that have `NAME_seg.png` and `NAME.json` beside them.

    Without a taxonomy, the classes are those named in the JSON files under `root`, so one for training and measuring
    must be made once and given to both. With one, its names choose among ADE20K's (full name, or first synonym), and
    other classes are ignored. Parts are those of level 1 (a car's wheel); parts of parts (`_parts_2.png`) are left out.
    """

    def __init__(self, root: str | Path, *, taxonomy: str | Path | None = None) -> None:
        self.root = Path(root)
        segmented = sorted(self.root.rglob("*_seg.png"))
        if not segmented:
            raise BadInput(f"ADE20K must hold *_seg.png files, but got none in {self.root}; check the root.")
        self._stems = [path.with_name(path.name.removesuffix("_seg.png")) for path in segmented]
        for ending in (".jpg", ".json"):
            missing = [stem.name for stem in self._stems if not _beside(stem, ending).is_file()]
            if missing:
                raise BadInput(
                    f"every *_seg.png must have a {ending} file beside it, but got none for {len(missing)}: "
                    f"{', '.join(missing[:5])} in {self.root}; copy the missing files."
                )
        self.annotations = [read_annotation(_beside(stem, ".json")) for stem in self._stems]
        self.taxonomy: Taxonomy = ade20k_taxonomy(
            self.annotations, chosen=None if taxonomy is None else load_taxonomy(taxonomy)
        )

    @property
    def names(self) -> list[str]:
        return [stem.relative_to(self.root).as_posix() for stem in self._stems]

    @property
    def source_files(self) -> list[Path]:
        return [_beside(stem, ending) for stem in self._stems for ending in (".jpg", ".json", "_seg.png")]

    @property
    def fingerprint(self) -> str:
        return fingerprint_of_files(self.source_files)

    def __len__(self) -> int:
        return len(self._stems)

    def __getitem__(self, index: int) -> Sample:
        stem, annotation = self._stems[index], self.annotations[index]
        image, segmented = _beside(stem, ".jpg"), _beside(stem, "_seg.png")
        image_HW3 = read_image(image)
        code_HW, instance_HW = read_codes(segmented)
        require_same_size(image, image_HW3.shape[:2], segmented, code_HW.shape)
        _require_named(code_HW, annotation, segmented)
        semantic_HW = self.taxonomy.objects.to_index(code_HW, file=str(segmented))
        is_thing_K = np.zeros(self.taxonomy.ignore_index + 1, dtype=bool)
        is_thing_K[: len(self.taxonomy.is_thing)] = self.taxonomy.is_thing
        parts_HW = None
        if self.taxonomy.parts is not None:
            raw = self._raw_parts(index, self.taxonomy.parts, code_HW.shape)
            require_same_size(image, image_HW3.shape[:2], raw.file, raw.raw_HW.shape)
            parts_HW = as_mask(self.taxonomy.parts.to_index(raw.raw_HW, file=str(raw.file)))
        scenes = self.taxonomy.scenes
        is_known = scenes is not None and annotation.scene_word in scenes.names
        return Sample(
            name=self.names[index],
            image_CHW=as_image(image_HW3),
            semantic_HW=as_mask(semantic_HW),
            instances_HW=as_mask(np.where(is_thing_K[semantic_HW], instance_HW, 0)),
            parts_HW=parts_HW,
            scene=scenes.names.index(annotation.scene_word) if scenes is not None and is_known else None,
        )

    def raw_labels(self, index: int) -> list[RawLabel]:
        segmented = _beside(self._stems[index], "_seg.png")
        code_HW, _ = read_codes(segmented)
        found = [RawLabel(kind="objects", file=segmented, raw_HW=code_HW, table=self.taxonomy.objects)]
        if self.taxonomy.parts is not None:
            found.append(self._raw_parts(index, self.taxonomy.parts, code_HW.shape))
        return found

    def picture_and_labels(self, index: int) -> tuple[Path, tuple[Path, ...]]:
        """The files of one sample; no label has an EXIF tag that counts."""
        return _beside(self._stems[index], ".jpg"), ()

    def _raw_parts(self, index: int, table: LabelTable, size: tuple[int, ...]) -> RawLabel:
        file = _beside(self._stems[index], "_parts_1.png")
        # A picture without parts has no such file.
        raw_HW = read_codes(file)[0] if file.is_file() else np.full(size, UNLABELLED, dtype=np.int32)
        return RawLabel(kind="parts", file=file, raw_HW=raw_HW, table=table)


def read_codes(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Class codes (red // 10 * 256 + green: the `name_ndx` of the JSON) and instance ids (blue), both H W int32."""
    channels = read_colours(path).astype(np.int32)
    return channels[..., 0] // 10 * 256 + channels[..., 1], channels[..., 2]


def _require_named(code_HW: np.ndarray, annotation: Ade20kAnnotation, file: Path) -> None:
    named = {entry.name_ndx for entry in annotation.object if entry.level == 0}
    unnamed = sorted({int(code) for code in np.unique(code_HW)} - named - {UNLABELLED})
    if unnamed:
        row, column = np.argwhere(code_HW == unnamed[0])[0]
        raise BadInput(
            f"every class code must be named in the picture's JSON, but got {unnamed[0]} at pixel (row {row}, column "
            f"{column}) in {file}; the two files must belong together."
        )


def _beside(stem: Path, ending: str) -> Path:
    return stem.with_name(stem.name + ending)
