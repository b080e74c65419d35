"""COCO panoptic: segment ids packed into PNG colours (R + 256 G + 65536 B), their classes in one JSON."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mereo.data.coco_panoptic_json import PanopticFile, Segment, read_panoptic_json
from mereo.data.file_fingerprint import fingerprint_of_files
from mereo.data.image_reading import read_image
from mereo.data.label_reading import RawLabel, read_colours, require_same_size
from mereo.data.sample import Sample, as_image, as_mask
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput

UNLABELLED = 0


@dataclass(frozen=True)
class _Files:
    image: Path
    segments: Path
    listed: dict[int, Segment]


class CocoPanopticSamples:
    """Semantic classes of all segments, and as instances the segment ids of things.

    A crowd (iscrowd: many things in one segment) keeps its class in the semantic map, and is 0, no thing, in the
    instances: which pixel belongs to which thing is not known there. Pixels of id 0 are ignored.
    """

    def __init__(self, annotations: str | Path, *, segments: str | Path, images: str | Path) -> None:
        self.annotations = Path(annotations)
        file = read_panoptic_json(self.annotations)
        self.taxonomy = _taxonomy(file, self.annotations)
        self.files: list[_Files] = []
        for annotation in sorted(file.annotations, key=lambda annotation: annotation.file_name):
            image, label = Path(images) / file.image_names[annotation.image_id], Path(segments) / annotation.file_name
            for path in (image, label):
                if not path.is_file():
                    raise BadInput(
                        f"a file named in the annotations must exist, but got none in {path} ({self.annotations}); "
                        "copy it there, or remove it from the JSON."
                    )
            self.files.append(_Files(image, label, {segment.id: segment for segment in annotation.segments_info}))
        if not self.files:
            raise BadInput(f"annotations must hold at least one image, but got none in {annotations}; check the file.")

    @property
    def names(self) -> list[str]:
        return [files.segments.stem for files in self.files]

    @property
    def fingerprint(self) -> str:
        paths = [path for files in self.files for path in (files.image, files.segments)]
        return fingerprint_of_files([self.annotations, *paths])

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        files = self.files[index]
        image_HW3 = read_image(files.image)
        ids_HW, category_HW = _ids_and_categories(files, self.annotations)
        require_same_size(files.image, image_HW3.shape[:2], files.segments, ids_HW.shape)
        things = [s.id for s in files.listed.values() if self._is_thing(s) and not s.iscrowd]
        return Sample(
            name=files.segments.stem,
            image_CHW=as_image(image_HW3),
            semantic_HW=as_mask(self.taxonomy.objects.to_index(category_HW, file=str(files.segments))),
            instances_HW=as_mask(np.where(np.isin(ids_HW, things), ids_HW, 0)),
        )

    def _is_thing(self, segment: Segment) -> bool:
        index = self.taxonomy.objects.raw_to_index[segment.category_id]
        return index is not None and self.taxonomy.is_thing[index]

    def raw_labels(self, index: int) -> list[RawLabel]:
        """Category ids, -1 where nothing is labelled."""
        files = self.files[index]
        _, category_HW = _ids_and_categories(files, self.annotations)
        return [RawLabel(kind="objects", file=files.segments, raw_HW=category_HW, table=self.taxonomy.objects)]


# COCO numbers its categories from 1, but other files may use 0, so the unlabelled pixels get a number of their own.
UNLABELLED_CATEGORY = -1


def read_segment_ids(path: str | Path) -> np.ndarray:
    """Segment ids of a panoptic PNG, H W int32."""
    channels = read_colours(path).astype(np.int32)
    return channels[..., 0] | channels[..., 1] << 8 | channels[..., 2] << 16


def _ids_and_categories(files: _Files, annotations: Path) -> tuple[np.ndarray, np.ndarray]:
    ids_HW = read_segment_ids(files.segments)
    present, position_P = np.unique(ids_HW, return_inverse=True)
    in_file = {int(raw) for raw in present} - {UNLABELLED}
    unlisted, absent = sorted(in_file - set(files.listed)), sorted(set(files.listed) - in_file)
    if unlisted:
        row, column = np.argwhere(ids_HW == unlisted[0])[0]
        raise BadInput(
            f"every segment of a PNG must be listed in segments_info, but got id {unlisted[0]} at pixel "
            f"(row {row}, column {column}) in {files.segments} ({annotations}); add it to the JSON."
        )
    if absent:
        raise BadInput(
            f"every listed segment must have pixels, but got none of id {absent[0]} in {files.segments} "
            f"({annotations}); remove it from segments_info, or draw it."
        )
    categories = [files.listed[int(raw)].category_id if raw else UNLABELLED_CATEGORY for raw in present]
    return ids_HW, np.array(categories, dtype=np.int64)[position_P].reshape(ids_HW.shape)


def _taxonomy(file: PanopticFile, path: Path) -> Taxonomy:
    categories = sorted(file.categories, key=lambda category: category.id)
    colours = tuple("#{:02x}{:02x}{:02x}".format(*c.color) for c in categories if c.color is not None)
    raw_to_index: dict[int, int | None] = {category.id: index for index, category in enumerate(categories)}
    raw_to_index[UNLABELLED_CATEGORY] = None
    objects = LabelTable(
        names=tuple(category.name for category in categories),
        raw_to_index=raw_to_index,
        colours=colours if len(colours) == len(categories) else (),
    )
    return Taxonomy(name=path.stem, objects=objects, is_thing=tuple(bool(category.isthing) for category in categories))
