"""Parse: everything that a parser says about one photograph, at the photograph's size."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from mereo.assembly.asked_parse import PixelAnswer, answer_at, mask_of
from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.assembly.segment_vectors import SegmentVectors
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput

if TYPE_CHECKING:
    from mereo.drawing.parse_files import ParseFiles

# COCO's colour-coded ids fit in 24 bits; larger ids would need far larger look-up tables than images.
MAX_INSTANCE_ID = 2**24 - 1
# Below one half, the other classes together are likelier than the one that was chosen.
UNSURE_BELOW = 0.5


class NotToldApart(str):
    """A warning that things of one class are one segment. Things that another network finds answer it."""


@dataclass(frozen=True)
class Segment:
    """One region of a parse: what it is, where, how large. The box ends after its last pixel (x1, y1 exclusive)."""

    name: str
    class_index: int
    is_thing: bool
    area_pixels: int
    share: float
    box_xyxy: tuple[int, int, int, int]
    instance_id: int = 0


# Compared as an object: arrays have no one answer to "equal".
@dataclass(frozen=True, eq=False)
class Parse:
    """`semantic` holds indices into `taxonomy.object_names` for every pixel, never the ignore index.

    What a parser does not answer stays None: instances (id of each pixel's thing), parts, materials, texture (maps of
    indices), scene and image_texture (one index for the whole picture; a texture makes sense for pictures of a single
    surface), answer_level, confidence (0..1 for each pixel), vectors (one for each of `segments`, to search
    by), groups (of superpixels, level by level), unfamiliarity (how far the picture lies from those that the parser was
    trained on, as a multiple of what is usual). `warnings` are sentences that a person should read before trusting the
    answers; mostly there are none.

    A pixel's part is one of its object's. Pixels of objects without parts hold the part table's ignore index, and so
    does the rest of an object where that table has no "rest".

    >>> table = LabelTable(names=("sky", "road"))
    >>> image_HWC = np.zeros((2, 4, 3), dtype=np.uint8)
    >>> parse = Parse(image_HWC, np.array([[0, 0, 0, 0], [0, 1, 1, 1]]), Taxonomy("street", table))
    >>> [(segment.name, segment.share, segment.box_xyxy) for segment in parse.segments]
    [('sky', 0.625, (0, 0, 4, 2)), ('road', 0.375, (1, 1, 4, 2))]
    >>> parse.at(1, 1).name, int(parse.mask("road").sum())
    ('road', 3)
    """

    image_HWC: np.ndarray
    semantic: np.ndarray
    taxonomy: Taxonomy
    name: str = "image"
    instances: np.ndarray | None = None
    parts: np.ndarray | None = None
    materials: np.ndarray | None = None
    texture: np.ndarray | None = None
    scene: int | None = None
    image_texture: int | None = None
    answer_level: np.ndarray | None = None
    confidence: np.ndarray | None = None
    vectors: SegmentVectors | None = None
    groups: GroupedPhotograph | None = None
    unfamiliarity: float | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        image_HWC, taxonomy = self.image_HWC, self.taxonomy
        if image_HWC.ndim != 3 or image_HWC.shape[2] != 3 or image_HWC.dtype != np.uint8 or 0 in image_HWC.shape:
            raise BadInput(
                f"the image of a parse must be H x W x 3 uint8 with pixels in it, but got {image_HWC.shape} "
                f"{image_HWC.dtype} in {self.name}; convert it to RGB."
            )
        for field in ("semantic", "instances", "parts", "materials", "texture", "answer_level", "confidence"):
            self._check_size(field)
        # A class map of the objects has an answer everywhere; the other maps may be silent (ignore index).
        self._check_indices("semantic", taxonomy.objects, may_be_ignored=False)
        self._check_indices("parts", taxonomy.parts)
        self._check_indices("materials", taxonomy.materials)
        self._check_indices("texture", taxonomy.textures)
        if self.instances is not None:
            _check_range("instances", self.instances, highest=MAX_INSTANCE_ID, parse_name=self.name)
        if self.confidence is not None and not _is_between(self.confidence, 0.0, 1.0 + 1e-3):
            raise BadInput(f"confidence must be numbers from 0 to 1, but got others in {self.name}; apply a softmax.")
        self._check_word("scene", "scenes", self.scene, taxonomy.scenes)
        self._check_word("image_texture", "textures", self.image_texture, taxonomy.textures)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image_HWC.shape[0], self.image_HWC.shape[1]

    @property
    def scene_name(self) -> str | None:
        return None if self.scene is None or self.taxonomy.scenes is None else self.taxonomy.scenes.names[self.scene]

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Largest first: one for each instance, and one for each class of the pixels that belong to none."""
        found = [*self._class_segments(), *self._instance_segments()]
        return tuple(sorted(found, key=lambda one: (-one.area_pixels, one.class_index, one.instance_id)))

    @property
    def names_found(self) -> tuple[str, ...]:
        """Names of the classes in the picture, the largest area first."""
        area_K = np.bincount(self.semantic.ravel(), minlength=self.taxonomy.num_objects)
        order = np.argsort(-area_K, kind="stable")
        return tuple(self.taxonomy.object_names[index] for index in order if area_K[index])

    def mask(
        self, name: str | Segment | None = None, *, part: str | None = None, material: str | None = None
    ) -> np.ndarray:
        """Where something is (H W bool): an object by its name, one of `segments`, a part, a material.

        Of several the pixels that are all of them: `mask("car", part="wheel")` are the wheels of cars.
        """
        return mask_of(self, name, part=part, material=material)

    def at(self, x: int, y: int) -> PixelAnswer:
        """What is at this pixel, counted from the upper left corner."""
        return answer_at(self, x, y)

    def unsure(self, threshold: float = UNSURE_BELOW) -> np.ndarray:
        """True where the confidence lies below `threshold` (H W bool): pixels to look at before they are trusted."""
        if self.confidence is None:
            raise BadInput(
                f"a parse must have confidences to say where it is unsure, but got none in {self.name}; "
                "parse with with_confidence=True."
            )
        if not 0 <= threshold <= 1:
            raise BadInput(f"threshold must be from 0 to 1, but got {threshold}; e.g. {UNSURE_BELOW}.")
        # As an array: a plain number would be rounded to half precision, where confidences are.
        return np.less(self.confidence, np.array([[threshold]], dtype=np.float64))

    def overlay(
        self,
        *,
        alpha: float = 0.5,
        has_outlines: bool = True,
        has_names: bool = True,
        has_legend: bool = False,
        unsure_below: float | None = None,
    ) -> np.ndarray:
        """The photograph with its classes in colour (H W 3 uint8); a legend adds rows below.

        Where the confidence lies below `unsure_below`, the picture is hatched.
        """
        from mereo.drawing.legend import with_legend
        from mereo.drawing.overlay import draw_overlay

        unsure_HW = None if unsure_below is None else self.unsure(unsure_below)
        picture_HWC = draw_overlay(
            self, alpha=alpha, has_outlines=has_outlines, has_names=has_names, unsure_HW=unsure_HW
        )
        return with_legend(picture_HWC, self) if has_legend else picture_HWC

    def save(self, folder: str | Path, *, stem: str | None = None) -> "ParseFiles":
        """Write label map (PNG), overlay and description (JSON) into `folder`; the paths written."""
        from mereo.drawing.parse_files import save_parse

        return save_parse(self, folder, stem=stem)

    def _class_segments(self) -> list[Segment]:
        num_classes = self.taxonomy.num_objects
        label_HW = self.semantic
        if self.instances is not None:  # A pixel of an instance is told with the instance.
            label_HW = np.where(self.instances == 0, label_HW, num_classes)
        area_K = np.bincount(label_HW.ravel(), minlength=num_classes + 1)[:num_classes]
        boxes = ndimage.find_objects(_positive_int(label_HW), max_label=num_classes)
        return [
            self._segment(int(index), int(area_K[index]), boxes[index], instance_id=0)
            for index in np.flatnonzero(area_K)
        ]

    def _instance_segments(self) -> list[Segment]:
        if self.instances is None:
            return []
        area_of_id = np.bincount(self.instances.ravel())
        ids = np.flatnonzero(area_of_id[1:]) + 1
        rank_of_id = np.zeros(len(area_of_id), dtype=np.int32)
        rank_of_id[ids] = np.arange(1, len(ids) + 1)
        rank_HW = rank_of_id[self.instances]
        segments = []
        for instance_id, box in zip(ids.tolist(), ndimage.find_objects(rank_HW, max_label=len(ids))):
            # Where the two maps disagree, an instance is what most of its pixels are.
            class_areas = np.bincount(self.semantic[box][self.instances[box] == instance_id])
            segments.append(self._segment(int(class_areas.argmax()), int(area_of_id[instance_id]), box, instance_id))
        return segments

    def _segment(self, index: int, area: int, box: tuple[slice, slice], instance_id: int) -> Segment:
        rows, columns = box
        return Segment(
            name=self.taxonomy.object_names[index],
            class_index=index,
            is_thing=self.taxonomy.is_thing[index],
            area_pixels=area,
            share=area / (self.size[0] * self.size[1]),
            box_xyxy=(columns.start, rows.start, columns.stop, rows.stop),
            instance_id=instance_id,
        )

    def _check_size(self, field: str) -> None:
        array_HW = getattr(self, field)
        if array_HW is not None and array_HW.shape != self.size:
            raise BadInput(
                f"{field} must have the image's size {self.size[1]}x{self.size[0]}, "
                f"but got shape {array_HW.shape} in {self.name}; upsample it first."
            )

    def _check_word(self, field: str, task: str, index: int | None, table: LabelTable | None) -> None:
        if index is not None and (table is None or not 0 <= index < len(table)):
            known = f"no {task}" if table is None else f"{len(table)} {task}"
            raise BadInput(
                f"{field} must be an index of the taxonomy's {task}, but got {index} with {known} in {self.name}; "
                "use the parser's own taxonomy."
            )

    def _check_indices(self, field: str, table: LabelTable | None, *, may_be_ignored: bool = True) -> None:
        index_HW = getattr(self, field)
        if index_HW is None:
            return
        if table is None:
            raise BadInput(
                f"{field} must have a table in the taxonomy, but got none in {self.name}; "
                "use the parser's own taxonomy."
            )
        allowed = table.ignore_index if may_be_ignored else None
        _check_range(field, index_HW, highest=len(table) - 1, parse_name=self.name, also=allowed)


def _check_range(field: str, index_HW: np.ndarray, *, highest: int, parse_name: str, also: int | None = None) -> None:
    got = None
    if index_HW.dtype.kind not in "iu" or not np.can_cast(index_HW.dtype, np.int64):
        got = str(index_HW.dtype)
    elif not _is_between(index_HW, 0, highest):
        is_wrong_HW = (index_HW < 0) | (index_HW > highest)
        if also is not None:
            is_wrong_HW &= index_HW != also
        wrong = index_HW[is_wrong_HW]
        got = str(int(wrong[0])) if wrong.size else None
    if got is not None:
        raise BadInput(
            f"{field} must hold whole numbers from 0 to {highest}, but got {got} in {parse_name}; "
            "map raw ids through the taxonomy first."
        )


def _is_between(array_HW: np.ndarray, lowest: float, highest: float) -> bool:
    """False for NaN, too."""
    return bool(array_HW.min() >= lowest and array_HW.max() <= highest)


def _positive_int(label_HW: np.ndarray) -> np.ndarray:
    """Labels from 1 up, as find_objects counts them."""
    return label_HW.astype(np.int32) + 1
