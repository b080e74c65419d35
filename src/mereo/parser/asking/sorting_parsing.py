"""From the sorted segments of one pass to a class map, the instances in it, and a vector for each."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mereo.assembly.smooth_labels import smooth_labels
from mereo.assembly.sorted_segments import SegmentGroups, grouped_segments, seed_segments
from mereo.heads.instance_centers import InstanceCenters, InstanceCentersPrediction
from mereo.heads.segment_sorting import SegmentSorting, SegmentSortingPrediction
from mereo.parser.asking.image_scores import answering_head

if TYPE_CHECKING:
    from mereo.parser.scene_parser import SceneAnswers, SceneParser


@dataclass(frozen=True, eq=False)
class SortedImage:
    """`vector_of` maps class and instance id to the vector of that segment."""

    semantic_HW: np.ndarray
    instances_HW: np.ndarray | None
    confidence_HW: np.ndarray | None
    vector_of: dict[tuple[int, int], np.ndarray]
    vector_width: int


def sorts_segments(parser: "SceneParser") -> bool:
    """Whether the head that answers for the parser is one of sorted segments."""
    return isinstance(answering_head(parser), SegmentSorting)


def sorted_image(
    parser: "SceneParser", answers: "SceneAnswers", size: tuple[int, int], *, with_confidence: bool
) -> SortedImage:
    """Every pixel belongs to a segment, and a segment has one class and at most one instance: both maps agree."""
    prediction = answers.prediction(SegmentSortingPrediction)
    groups = groups_of(parser, answers, size)
    segment_hw = prediction.segment_Bhw[0]
    group_hw = groups.group_S[segment_hw]
    # By bilinear shares, so that borders are as smooth as those of classes are elsewhere.
    group_HW = smooth_labels(group_hw.int().cpu().numpy(), size)
    confidence_HW = None
    if with_confidence:
        confidence_hw = _confidence(prediction.class_logits_BSK[0], groups, parser.temperature)[segment_hw]
        confidence_11HW = F.interpolate(confidence_hw[None, None], size=size, mode="bilinear", align_corners=False)
        confidence_HW = confidence_11HW[0, 0].half().cpu().numpy()
    class_G, instance_G = (one_G.int().cpu().numpy() for one_G in (groups.class_G, groups.instance_G))
    vector_GD = groups.vector_GD.float().cpu().numpy()
    return SortedImage(
        semantic_HW=class_G[group_HW],
        instances_HW=instance_G[group_HW] if any(parser.taxonomy.is_thing) else None,
        confidence_HW=confidence_HW,
        vector_of={
            (int(index), int(instance)): vector_D for index, instance, vector_D in zip(class_G, instance_G, vector_GD)
        },
        vector_width=vector_GD.shape[1],
    )


def groups_of(parser: "SceneParser", answers: "SceneAnswers", size: tuple[int, int]) -> SegmentGroups:
    """What the segments of the first image, a photograph of `size`, become."""
    prediction = answers.prediction(SegmentSortingPrediction)
    segment_hw, rule = prediction.segment_Bhw[0], prediction.rule
    area_S = torch.bincount(segment_hw.flatten(), minlength=prediction.class_logits_BSK.shape[1])
    return grouped_segments(
        prediction.embedding_sum_BSD[0],
        prediction.class_logits_BSK[0].float().softmax(dim=1),
        area_S,
        is_thing=parser.taxonomy.is_thing,
        threshold=rule.threshold,
        is_seed_S=seeds_of(parser, answers),
        least_stuff_area=rule.least_stuff_pixels * segment_hw.numel() / (size[0] * size[1]),
    )


def seeds_of(parser: "SceneParser", answers: "SceneAnswers") -> Tensor | None:
    """`is_seed_S` of the first image's segments; None where segments merge by the threshold alone."""
    prediction = answers.prediction(SegmentSortingPrediction)
    return seeds_among(parser, answers, prediction.segment_Bhw[0], prediction.class_logits_BSK.shape[1])


def seeds_among(parser: "SceneParser", answers: "SceneAnswers", segment_hw: Tensor, num_segments: int) -> Tensor | None:
    """The same of any segments of the first image's cells."""
    prediction = answers.prediction(SegmentSortingPrediction)
    if not (prediction.rule.uses_seeds and parser.heads_of(InstanceCenters)):
        return None
    center_N2 = answers.prediction(InstanceCentersPrediction).center_N2[0]
    return seed_segments(segment_hw, center_N2, num_segments)


def _confidence(class_logits_SK: Tensor, groups: SegmentGroups, temperature: float) -> Tensor:
    """What a segment gives the class that it has in the end."""
    probability_SK = (class_logits_SK.float() / temperature).softmax(dim=1)
    return probability_SK.gather(1, groups.class_G[groups.group_S][:, None])[:, 0]
