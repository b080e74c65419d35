"""A parse as a panoptic map: each instance is a segment, and so is each class among the pixels of no instance."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from mereo.assembly.parse import Parse
from mereo.data.panoptic_map import MAX_SEGMENT_ID, VOID, PanopticMap, PanopticSegment

# How far the colours of a class's segments may lie from the colour of the class, in each channel.
MAX_SHIFT = 48
# Powers of one irrational number, so that the shifts fill a cube evenly however many there are.
SHIFT_STEPS = (0.8191725134, 0.6710436067, 0.5497004779)


def panoptic_map(parse: Parse) -> PanopticMap:
    """The n-th segment here is the n-th of `parse.segments`. No pixel is void.

    A class that is a thing, but whose pixels belong to no instance, is one segment, as stuff is: the parser did not say
    which are which.
    """
    ids = segment_ids([segment.class_index for segment in parse.segments], parse.taxonomy.objects.colours_K3)
    id_of_class = np.zeros(parse.taxonomy.num_objects, dtype=np.int32)
    id_of_instance = np.zeros(max((segment.instance_id for segment in parse.segments), default=0) + 1, dtype=np.int32)
    for segment, number in zip(parse.segments, ids, strict=True):
        if segment.instance_id:
            id_of_instance[segment.instance_id] = number
        else:
            id_of_class[segment.class_index] = number
    ids_HW = id_of_class[parse.semantic]
    if parse.instances is not None:
        instance_HW = id_of_instance[parse.instances]
        ids_HW = np.where(instance_HW == VOID, ids_HW, instance_HW)
    segments = (PanopticSegment(number, segment.class_index) for segment, number in zip(parse.segments, ids))
    return PanopticMap(ids_HW, tuple(segments), name=parse.name)


def segment_ids(class_indices: Sequence[int], colours_K3: np.ndarray) -> tuple[int, ...]:
    """Ids that, written as colours (R + 256 G + 65536 B), show something: the class's colour, or one close to it.

    Counted from 1 they would all look black.

    >>> [f"{number:06x}" for number in segment_ids([0, 0, 0], np.array([[255, 0, 128]]))]
    ['8000ff', '8541ee', '5921dc']
    """
    taken, ids = {VOID}, []
    number_in_class: defaultdict[int, int] = defaultdict(int)
    for index in class_indices:
        number = number_in_class[index]
        number_in_class[index] += 1
        red, green, blue = (int(channel) for channel in colours_K3[index])
        if number:  # Around a colour that leaves room on both sides: clipped afterwards, many would be the same.
            red, green, blue = (
                min(max(channel, MAX_SHIFT), 255 - MAX_SHIFT) + _shift(number, step)
                for channel, step in zip((red, green, blue), SHIFT_STEPS)
            )
        candidate = red | green << 8 | blue << 16
        while candidate in taken:
            candidate = candidate % MAX_SEGMENT_ID + 1
        taken.add(candidate)
        ids.append(candidate)
    return tuple(ids)


def _shift(number: int, step: float) -> int:
    return int(number * step % 1 * (2 * MAX_SHIFT + 1)) - MAX_SHIFT
