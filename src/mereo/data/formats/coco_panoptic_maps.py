"""COCO panoptic without the images: segment ids packed into PNG colours (R + 256 G + 65536 B), classes in one JSON."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mereo.data.formats.coco_panoptic_json import Category, PanopticFile, read_panoptic_json
from mereo.data.label_reading import read_colours
from mereo.data.panoptic_map import PanopticMap, PanopticSegment
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput

# COCO numbers its categories from 1, but other files may use 0, so the unlabelled pixels get a number of their own.
UNLABELLED_CATEGORY = -1


class CocoPanopticMaps:
    """One `PanopticMap` for each annotation, read when it is asked for, in the order of their file names.

    With `labels` these are answers to be compared with labels: they have the labels' categories, and need not repeat
    them, nor the images.
    """

    def __init__(
        self, annotations: str | Path, *, segments: str | Path, labels: "CocoPanopticMaps | None" = None
    ) -> None:
        self.annotations = Path(annotations)
        file = read_panoptic_json(self.annotations, labels=None if labels is None else labels.file)
        if labels is not None:
            _require_categories_of(labels, file, self.annotations)
        if not file.annotations:
            raise BadInput(f"annotations must hold at least one image, but got none in {annotations}; check the file.")
        self.file: PanopticFile = file
        self.taxonomy: Taxonomy = _taxonomy(file.categories, self.annotations) if labels is None else labels.taxonomy
        raw_to_index = self.taxonomy.objects.raw_to_index
        self._index_of_category = {raw: index for raw, index in raw_to_index.items() if index is not None}
        self._annotated = sorted(file.annotations, key=lambda annotation: annotation.file_name)
        self.files = [Path(segments) / annotation.file_name for annotation in self._annotated]
        require_files(self.files, self.annotations)

    @property
    def names(self) -> list[str]:
        return [path.stem for path in self.files]

    @property
    def image_ids(self) -> list[int | str]:
        return [annotation.image_id for annotation in self._annotated]

    @property
    def image_file_names(self) -> list[str]:
        names = self.file.image_names
        return [names[annotation.image_id] for annotation in self._annotated]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> PanopticMap:
        """Not yet looked at: whoever looks at its pixels learns of ids that are missing here or there."""
        path = self.files[index]
        segments = tuple(
            PanopticSegment(listed.id, self._index_of_category[listed.category_id], listed.iscrowd)
            for listed in self._annotated[index].segments_info
        )
        return PanopticMap(read_segment_ids(path), segments, name=f"{path} ({self.annotations})")

    def categories_of(self, index: int) -> np.ndarray:
        """Category id of each pixel, -1 where nothing is labelled."""
        position_HW = self[index].positions()
        categories = [segment.category_id for segment in self._annotated[index].segments_info]
        return np.array([UNLABELLED_CATEGORY, *categories], dtype=np.int64)[position_HW]


def read_segment_ids(path: str | Path) -> np.ndarray:
    """Segment ids of a panoptic PNG, H W int32."""
    channels = read_colours(path)
    ids_HW = channels[..., 2].astype(np.int32)
    for channel in (1, 0):  # In place: three arrays of wide numbers would cost more than decoding the file.
        ids_HW <<= 8
        ids_HW |= channels[..., channel]
    return ids_HW


def require_files(paths: Iterable[Path], annotations: Path) -> None:
    for path in paths:
        if not os.path.isfile(path):  # Path.is_file() raises where a name is too long.
            raise BadInput(
                f"a file named in the annotations must exist, but got none in {path} ({annotations}); "
                "copy it there, or remove it from the JSON."
            )


def _require_categories_of(labels: CocoPanopticMaps, file: PanopticFile, annotations: Path) -> None:
    """Answers may list fewer or more categories than the labels, but one number must mean one thing."""
    name_of = {category.id: category.name for category in labels.file.categories}
    for category in file.categories:
        expected = name_of.get(category.id, category.name)
        if category.name != expected:
            raise BadInput(
                f"category {category.id} must be {expected!r} as in {labels.annotations}, but got {category.name!r} in "
                f"{annotations}; compare answers with labels of the same classes."
            )
    for annotation in file.annotations:
        for segment in annotation.segments_info:
            if segment.category_id not in name_of:
                raise BadInput(
                    f"category_id must be one of those in {labels.annotations}, but got {segment.category_id} for "
                    f"segment {segment.id} of {annotation.file_name} in {annotations}; leave such segments out."
                )


def _taxonomy(categories: list[Category], path: Path) -> Taxonomy:
    categories = sorted(categories, key=lambda category: category.id)
    colours = tuple("#{:02x}{:02x}{:02x}".format(*c.color) for c in categories if c.color is not None)
    raw_to_index: dict[int, int | None] = {category.id: index for index, category in enumerate(categories)}
    raw_to_index[UNLABELLED_CATEGORY] = None
    objects = LabelTable(
        names=tuple(category.name for category in categories),
        raw_to_index=raw_to_index,
        colours=colours if len(colours) == len(categories) else (),
    )
    return Taxonomy(name=path.stem, objects=objects, is_thing=tuple(bool(category.isthing) for category in categories))
