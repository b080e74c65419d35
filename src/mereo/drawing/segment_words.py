"""What people read of merged segments: how far apart two were, where merging stopped, what became of one segment."""

import math
from collections.abc import Sequence

from mereo.assembly.merging_history import Joining, MergingHistory
from mereo.assembly.segment_merging import Merge
from mereo.drawing.legend import percent


def angle(cosine: float) -> float:
    """In degrees, 0 to 180: how far two directions are apart.

    >>> angle(0.5), angle(1.0000001)
    (60.00000000000001, 0.0)
    """
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def angle_text(cosine: float) -> str:
    """
    >>> angle_text(0.85), angle_text(0.9999), angle_text(-1)
    ('32°', '0.8°', '180°')
    """
    degrees = angle(cosine)
    return f"{degrees:.1f}°" if degrees < 9.95 else f"{degrees:.0f}°"


def apart_text(cosine: float) -> str:
    """
    >>> apart_text(0.85)
    '32° apart (cosine 0.850)'
    """
    return f"{angle_text(cosine)} apart (cosine {cosine:.3f})"


def counted(number: int, word: str) -> str:
    """
    >>> counted(1, "seed"), counted(2, "seed")
    ('1 seed', '2 seeds')
    """
    return f"{number} {word}{'' if number == 1 else 's'}"


def way_in_words(history: MergingHistory) -> str:
    """How many segments there were, how many merged, what the answer has of them."""
    things = int((history.instance_G > 0).sum())
    classes = len(history.class_G) - things
    whole = f"{counted(things, 'thing')} and {classes} whole {'class' if classes == 1 else 'classes'}"
    start = f"{counted(history.num_segments, 'segment')}, {int(history.is_thing_S.sum())} on things"
    return f"{start}; {counted(len(history.merges), 'merge')}; in the answer {whole}."


def stop_in_words(history: MergingHistory) -> str:
    """Why merging went no further."""
    if not history.is_thing_S.any():
        return "No segment is of a thing, so nothing merges by its direction: each class becomes one segment."
    if history.is_seed_S is not None:
        seeds = int((history.is_seed_S & history.is_thing_S).sum())
        if not seeds:
            return "No seed lies on a thing, so no thing grows: each class becomes one segment."
        return (
            f"{counted(seeds, 'seed')} on things: a segment merges with a seed of its class, the nearest pair first, "
            "until none is left; there is no threshold."
        )
    limit = f"the threshold {history.threshold:g}"
    if history.threshold <= 1:
        limit += f" ({angle_text(history.threshold)})"
    if history.refused is None:
        return f"Merging ended because no class had two groups left, and not at {limit}."
    return f"Merging stopped at {limit}: the nearest pair left is {apart_text(history.refused.cosine)}."


def segment_in_words(history: MergingHistory, segment: int, names: Sequence[str]) -> str:
    """What it was taken for, and what it is part of in the answer. Segments are counted from 1 for people."""
    own, group = names[history.class_S[segment]], int(history.group_S[segment])
    members, instance = len(history.members_of(group)), int(history.instance_G[group])
    others = "alone" if members == 1 else f"with {counted(members - 1, 'other segment')}"
    said = f"Segment {segment + 1}: {own} {percent(float(history.probability_S[segment]))}"
    name = names[history.class_G[group]]
    if instance:
        return f"{said}. In the answer it is {name}, instance {instance}, {others}."
    if history.is_thing_S[segment]:
        return f"{said}. No seed reached it: in the answer it is {name} without an instance, {others}."
    return f"{said}. Stuff: all segments of a class become one, so in the answer it is {name}, {others}."


def joining_in_words(joining: Joining) -> str:
    """
    >>> joining_in_words(Joining(3, (5,), (7,), 0.99))
    'step 3: with segment 8, 8.1° apart (cosine 0.990)'
    >>> joining_in_words(Joining(4, (5, 7), (1, 2, 3), 0.85))
    'step 4: with segments 2, 3, 4, 32° apart (cosine 0.850)'
    """
    return f"step {joining.step}: with {segments_text(joining.other)}, {apart_text(joining.cosine)}"


def segments_text(segments: Sequence[int], most: int = 6) -> str:
    """
    >>> segments_text([4]), segments_text([4, 6, 2], most=2)
    ('segment 5', 'segments 5, 7 and 1 more')
    """
    shown = ", ".join(str(segment + 1) for segment in segments[:most])
    more = f" and {len(segments) - most} more" if len(segments) > most else ""
    return f"segment{'' if len(segments) == 1 else 's'} {shown}{more}"


def step_in_words(history: MergingHistory, step: int, names: Sequence[str]) -> str:
    """A short line below a picture."""
    left = counted(history.count_after(step), "segment")
    if step == 0:
        return f"Before: {left}"
    if step >= history.num_steps:
        return f"Answer: {left}, stuff by its class"
    merge = history.merges[step - 1]
    return f"Step {step}: {left}; {merge_in_words(merge, history, names)}"


def merge_in_words(merge: Merge, history: MergingHistory, names: Sequence[str]) -> str:
    name = names[history.class_S[merge.kept]]
    return f"{name} {merge.gone + 1} joined {merge.kept + 1}, {angle_text(merge.cosine)} apart"
