"""Two maps as one panoptic map: classes and instances of a picture, labelled or answered, told apart as segments."""

from collections.abc import Sequence

import numpy as np

from mereo.data.panoptic_map import VOID, PanopticMap, PanopticSegment
from mereo.shapes import require_shapes


def panoptic_labels_of(
    semantic_HW: np.ndarray,
    instances_HW: np.ndarray | None,
    *,
    is_thing: Sequence[bool],
    ignore_index: int | None = 255,
    name: str = "labels",
) -> PanopticMap:
    """A class of stuff is one segment, and so are the pixels of one instance that carry one class of things.

    Void: ignored pixels, and pixels of a thing without an instance, since nobody said which are which.

    >>> found = panoptic_labels_of(np.array([[0, 1, 1, 1]]), np.array([[0, 4, 9, 0]]), is_thing=(False, True))
    >>> found.ids_HW.tolist(), [segment.class_index for segment in found.segments]
    ([[1, 2, 3, 0]], [0, 1, 1])
    """
    class_HW = semantic_HW.astype(np.int64)
    instance_HW = np.zeros_like(class_HW) if instances_HW is None else instances_HW.astype(np.int64)
    require_shapes(class_HW=class_HW, instance_HW=instance_HW)
    is_known_HW = np.ones(class_HW.shape, dtype=bool) if ignore_index is None else class_HW != ignore_index
    class_HW[~is_known_HW] = 0
    is_thing_HW = np.asarray(is_thing, dtype=bool)[class_HW]
    is_known_HW &= ~is_thing_HW | (instance_HW > 0)
    key_HW = class_HW + len(is_thing) * np.where(is_thing_HW, instance_HW, 0)
    key_N, rank_P = np.unique(key_HW[is_known_HW], return_inverse=True)
    ids_HW = np.full(class_HW.shape, VOID, dtype=np.int32)
    ids_HW[is_known_HW] = rank_P + 1
    segments = (PanopticSegment(rank + 1, int(key) % len(is_thing)) for rank, key in enumerate(key_N))
    return PanopticMap(ids_HW, tuple(segments), name=name)
