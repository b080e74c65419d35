"""PanopticMap: which segment each pixel belongs to, and what each segment is. One type for labels and for answers."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from mereo.errors import BadInput

VOID = 0
# COCO writes an id as one RGB colour.
MAX_SEGMENT_ID = 2**24 - 1


@dataclass(frozen=True)
class PanopticSegment:
    """One thing, or all stuff of one class. A crowd is many things in one segment; only labels have those."""

    id: int
    class_index: int
    is_crowd: bool = False


# Compared as an object: arrays have no one answer to "equal".
@dataclass(frozen=True, eq=False)
class PanopticMap:
    """`ids_HW` holds the id of each pixel's segment, or 0 (void) where there is none. `name` is for error texts.

    That ids and segments fit each other is checked where the pixels are looked at anyway.

    >>> panoptic = PanopticMap(np.array([[0, 7, 7]]), (PanopticSegment(id=7, class_index=2),))
    >>> panoptic.positions().tolist()
    [[0, 1, 1]]
    """

    ids_HW: np.ndarray
    segments: tuple[PanopticSegment, ...]
    name: str = "the panoptic map"

    def __post_init__(self) -> None:
        object.__setattr__(self, "segments", tuple(self.segments))
        ids_HW = self.ids_HW
        if ids_HW.ndim != 2 or ids_HW.size == 0 or ids_HW.dtype.kind not in "iu":
            raise BadInput(
                f"segment ids must be whole numbers in rows and columns, but got {ids_HW.dtype} of shape "
                f"{ids_HW.shape} in {self.name}; pass one id a pixel."
            )
        lowest, highest = int(ids_HW.min()), int(ids_HW.max())
        if lowest < 0 or highest > MAX_SEGMENT_ID:
            got = lowest if lowest < 0 else highest
            raise BadInput(
                f"segment ids must lie between 0 and {MAX_SEGMENT_ID}, but got {got} {_at(ids_HW, got)} "
                f"in {self.name}; number the segments anew."
            )
        for segment in self.segments:
            if not 1 <= segment.id <= MAX_SEGMENT_ID:
                raise BadInput(
                    f"a segment's id must lie between 1 and {MAX_SEGMENT_ID}, but got {segment.id} in {self.name}; "
                    "number the segments anew."
                )
            if segment.class_index < 0:
                raise BadInput(
                    f"a segment's class must be an index from 0 up, but got {segment.class_index} for segment "
                    f"{segment.id} in {self.name}; leave segments without a class void."
                )
        repeated = [number for number, count in Counter(s.id for s in self.segments).items() if count > 1]
        if repeated:
            raise BadInput(
                f"a segment's id must occur once, but got {repeated[0]} more than once in {self.name}; "
                "number the segments anew."
            )

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.ids_HW.shape[0], self.ids_HW.shape[1]

    def positions(self) -> np.ndarray:
        """For each pixel 0 (void) or n for the n-th segment. Every id must be listed, and every segment have pixels."""
        position_HW = self.listed_positions()
        self.require_pixels(np.bincount(position_HW.ravel(), minlength=len(self.segments) + 1))
        return position_HW

    def listed_positions(self) -> np.ndarray:
        """The same for those who count the pixels anyway: `require_pixels` is left to them."""
        listed = np.array([segment.id for segment in self.segments], dtype=np.int64)
        size = max(int(self.ids_HW.max()), int(listed.max(initial=0))) + 1
        # As narrow as it can be: ids are spread over 24 bits, and a table of so many entries takes time to clear.
        lookup = np.zeros(size, dtype=np.min_scalar_type(len(listed) + 1))
        lookup[VOID] = 1  # 0 stays for ids that are not listed.
        lookup[listed] = np.arange(2, len(listed) + 2)
        position_HW = lookup[self.ids_HW]
        if not position_HW.min():
            unlisted = int(self.ids_HW[position_HW == 0].min())
            raise BadInput(
                f"every id of a panoptic map must be listed among its segments, but got id {unlisted} "
                f"{_at(self.ids_HW, unlisted)} in {self.name}; list it with its class."
            )
        position_HW -= 1
        return position_HW

    def require_pixels(self, area_P: np.ndarray) -> None:
        """What no one can see is no segment. `area_P` counts the pixels of void and of each segment."""
        empty = [segment.id for segment, area in zip(self.segments, area_P[1:], strict=True) if area == 0]
        if empty:
            raise BadInput(
                f"every listed segment must have pixels, but got none of id {min(empty)} in {self.name}; "
                "remove it from the list, or draw it."
            )

    def require_classes(self, num_classes: int) -> None:
        for segment in self.segments:
            if segment.class_index >= num_classes:
                raise BadInput(
                    f"a segment's class must be one of {num_classes} (0 to {num_classes - 1}), but got "
                    f"{segment.class_index} for segment {segment.id} in {self.name}; check the list of classes."
                )


def _at(ids_HW: np.ndarray, wanted: int) -> str:
    row, column = np.argwhere(ids_HW == wanted)[0]
    return f"at pixel (row {row}, column {column})"
