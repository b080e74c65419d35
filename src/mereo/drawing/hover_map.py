"""HoverMap: which segment lies under the pointer, small enough to stand inside a page.

A page opened from disk may show pictures, but a browser does not let it read their pixels. So each image brings a
coarse map of its segments along as text: runs of equal values.
"""

import base64
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mereo.assembly.parse import Parse, Segment
from mereo.picture_sizes import size_within
from mereo.regions.nearest_places import at_size

MAX_SIDE = 320


@dataclass(frozen=True)
class HoverMap:
    """`runs` is base64 of (index into the parse's segments, run length) pairs, row by row, each a LEB128 number."""

    size: tuple[int, int]
    runs: str


def hover_map(parse: Parse, *, max_side: int = MAX_SIDE, segments: tuple[Segment, ...] | None = None) -> HoverMap:
    """`segments` are those that the page lists, where they are not the parse's own (of an overview: the whole's)."""
    size = size_within(parse.size, max_side)
    position_of_class = np.zeros(parse.taxonomy.num_objects, dtype=np.int64)
    position_of_instance: dict[int, int] = {}
    for position, segment in enumerate(parse.segments if segments is None else segments):
        if segment.instance_id:
            position_of_instance[segment.instance_id] = position
        else:
            position_of_class[segment.class_index] = position
    segment_hw = position_of_class[at_size(parse.semantic, size)]
    if parse.instances is not None:
        instance_hw = at_size(parse.instances, size)
        ids, inverse = np.unique(instance_hw, return_inverse=True)
        of_instance_hw = np.array([position_of_instance.get(int(one), 0) for one in ids])[inverse.reshape(-1)]
        segment_hw = np.where(instance_hw != 0, of_instance_hw.reshape(segment_hw.shape), segment_hw)
    return HoverMap((segment_hw.shape[0], segment_hw.shape[1]), encoded_runs(segment_hw))


def index_hover_map(index_HW: np.ndarray, *, max_side: int = MAX_SIDE) -> HoverMap:
    """Of any map of indices: its own numbers, on the same grid."""
    index_hw = at_size(index_HW, size_within((index_HW.shape[0], index_HW.shape[1]), max_side))
    return HoverMap((index_hw.shape[0], index_hw.shape[1]), encoded_runs(index_hw))


def hover_script() -> str:
    """The function `decodedRuns` for a page's script."""
    return Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def encoded_runs(value_hw: np.ndarray) -> str:
    """Runs of equal values, row by row, as base64.

    >>> base64.b64decode(encoded_runs(np.array([[7, 7, 7], [7, 0, 300]]))).hex(" ")
    '07 04 00 01 ac 02 01'
    """
    flat = value_hw.ravel()
    starts = np.concatenate([[0], np.flatnonzero(np.diff(flat)) + 1])
    lengths = np.diff(np.concatenate([starts, [len(flat)]]))
    content = bytearray()
    for value, length in zip(flat[starts].tolist(), lengths.tolist()):
        for number in (value, length):
            while number > 127:
                content.append(number & 127 | 128)
                number >>= 7
            content.append(number)
    return base64.b64encode(bytes(content)).decode("ascii")
