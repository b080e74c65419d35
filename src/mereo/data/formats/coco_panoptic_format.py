"""COCO panoptic as labelled images: the classes of all segments, and the things among them as instances."""

from pathlib import Path

import numpy as np

from mereo.data.file_fingerprint import fingerprint_of_files
from mereo.data.formats.coco_panoptic_maps import CocoPanopticMaps, require_files
from mereo.data.label_reading import RawLabel, require_same_size
from mereo.data.panoptic_map import PanopticMap
from mereo.data.pictures.image_reading import read_image
from mereo.data.sample import Sample, Samples, as_image, as_mask


class CocoPanopticSamples(Samples):
    """Semantic classes of all segments, and as instances the segment ids of things.

    A crowd (iscrowd: many things in one segment) keeps its class in the semantic map, and is 0, no thing, in the
    instances: which pixel belongs to which thing is not known there. Pixels of id 0 are ignored.
    """

    def __init__(self, annotations: str | Path, *, segments: str | Path, images: str | Path) -> None:
        self.maps = CocoPanopticMaps(annotations, segments=segments)
        self.taxonomy = self.maps.taxonomy
        self.images = [Path(images) / name for name in self.maps.image_file_names]
        require_files(self.images, self.maps.annotations)

    @property
    def names(self) -> list[str]:
        return self.maps.names

    @property
    def fingerprint(self) -> str:
        return fingerprint_of_files([self.maps.annotations, *self.images, *self.maps.files])

    def __len__(self) -> int:
        return len(self.maps)

    def __getitem__(self, index: int) -> Sample:
        image_HW3, panoptic = read_image(self.images[index]), self.maps[index]
        require_same_size(self.images[index], image_HW3.shape[:2], self.maps.files[index], panoptic.size)
        classes = [self.taxonomy.ignore_index, *(segment.class_index for segment in panoptic.segments)]
        things = [
            segment.id if self.taxonomy.is_thing[segment.class_index] and not segment.is_crowd else 0
            for segment in panoptic.segments
        ]
        position_HW = panoptic.positions()
        return Sample(
            name=self.names[index],
            image_CHW=as_image(image_HW3),
            semantic_HW=as_mask(np.array(classes, dtype=np.int32)[position_HW]),
            instances_HW=as_mask(np.array([0, *things], dtype=np.int32)[position_HW]),
        )

    def panoptic_map(self, index: int) -> PanopticMap:
        """The labels as panoptic quality takes them, crowds included."""
        return self.maps[index]

    def raw_labels(self, index: int) -> list[RawLabel]:
        """Category ids, -1 where nothing is labelled."""
        category_HW = self.maps.categories_of(index)
        return [RawLabel(kind="objects", file=self.maps.files[index], raw_HW=category_HW, table=self.taxonomy.objects)]

    def picture_and_labels(self, index: int) -> tuple[Path, tuple[Path, ...]]:
        """The files of one sample; no label has an EXIF tag that counts."""
        return self.images[index], ()
