"""One image of a batch of answers, whatever heads and reasoners left in them.

A field's name says what it holds: tensors whose axes begin with B are cut along it; a tuple of tensors whose axes name
no B holds one an image; tensors in tuples and dictionaries without axes in their name begin with B; dataclasses are cut
field by field. What is neither (sizes, rules) is of all images alike.
"""

import re
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mereo.errors import BadInput
from mereo.heads.segment_sorting import SegmentSortingPrediction
from mereo.regions.grouping_hierarchy import GroupingHierarchy

if TYPE_CHECKING:
    from mereo.parser.scene_parser import SceneAnswers

_AXES = re.compile(r"_([A-Z][A-Za-z0-9]*)$")


def answers_of_one(answers: "SceneAnswers", index: int) -> "SceneAnswers":
    """What a batch of that one image alone would have given."""
    num_images = len(answers.features.last)
    if not 0 <= index < num_images:
        raise BadInput(f"index must be below {num_images}, the images of the batch, but got {index}; count from 0.")
    one: SceneAnswers = _cut("", answers, index)
    return one


def _cut(name: str, value: Any, index: int) -> Any:
    axes = _AXES.search(name)
    if isinstance(value, Tensor):
        return value[index : index + 1] if axes is None or axes[1].startswith("B") else value
    if isinstance(value, dict):
        return {key: _cut("", one, index) for key, one in value.items()}
    if isinstance(value, tuple):
        if axes is not None and not axes[1].startswith("B"):
            return value[index : index + 1]
        return tuple(_cut(name, one, index) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        cut = {one.name: _cut(one.name, getattr(value, one.name), index) for one in fields(value) if one.init}
        return _without_padding(replace(value, **cut))
    return value


def _without_padding(one: Any) -> Any:
    """Images of a batch may have different numbers of regions: an image alone has no room for those of the others."""
    if isinstance(one, GroupingHierarchy):
        counts = [_num_used(is_present_1R[0]) for is_present_1R in one.is_present_per_level]
        pairs = list(zip(counts, counts[1:]))
        return replace(
            one,
            vertices_per_level=tuple(v[:, :n] for v, n in zip(one.vertices_per_level, counts)),
            risen_per_level=tuple(v[:, :n] for v, n in zip(one.risen_per_level, counts)),
            is_present_per_level=tuple(p[:, :n] for p, n in zip(one.is_present_per_level, counts)),
            groupings=tuple(grouping[:, :r, :s] for grouping, (r, s) in zip(one.groupings, pairs)),
            nearest=tuple(nearest[:, :r] for nearest, (r, _) in zip(one.nearest, pairs)),
            messages=tuple(message[:, :r, :s] for message, (r, s) in zip(one.messages, pairs)),
        )
    if isinstance(one, SegmentSortingPrediction):
        num = int(one.segment_Bhw.max()) + 1
        return replace(
            one, embedding_sum_BSD=one.embedding_sum_BSD[:, :num], class_logits_BSK=one.class_logits_BSK[:, :num]
        )
    return one


def _num_used(is_present_R: Tensor) -> int:
    """Padding stands behind all that is present."""
    present_N = is_present_R.nonzero()[:, 0]
    return int(present_N[-1]) + 1 if len(present_N) else 0
