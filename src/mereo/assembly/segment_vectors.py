"""Segment vectors: what search keeps of a parse. One row for each of its segments, in their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class AnySegment(Protocol):
    """What is asked of a segment of a parse."""

    @property
    def class_index(self) -> int: ...
    @property
    def instance_id(self) -> int: ...
    @property
    def area_pixels(self) -> int: ...
    @property
    def box_xyxy(self) -> tuple[int, int, int, int]: ...


# Compared as an object: arrays have no one answer to "equal".
@dataclass(frozen=True, eq=False)
class SegmentVectors:
    """`vector_ND` (float32, length 1: the direction of the mean embedding), and of the same segment its class, its
    instance id (0: stuff), its box (left, top, right, bottom; the last two exclusive) and its area, in pixels of the
    photograph."""

    vector_ND: np.ndarray
    class_N: np.ndarray
    instance_N: np.ndarray
    box_N4: np.ndarray
    area_N: np.ndarray

    def __len__(self) -> int:
        return len(self.vector_ND)


def segment_vectors(
    segments: Sequence[AnySegment], vector_of: Mapping[tuple[int, int], np.ndarray], width: int
) -> SegmentVectors:
    """`vector_of` maps class and instance id to a vector of `width` numbers."""
    vectors = [vector_of[one.class_index, one.instance_id] for one in segments]
    return SegmentVectors(
        vector_ND=np.array(vectors, dtype=np.float32).reshape(len(vectors), width),
        class_N=np.array([one.class_index for one in segments], dtype=np.int32),
        instance_N=np.array([one.instance_id for one in segments], dtype=np.int32),
        box_N4=np.array([one.box_xyxy for one in segments], dtype=np.int32).reshape(-1, 4),
        area_N=np.array([one.area_pixels for one in segments], dtype=np.int64),
    )
