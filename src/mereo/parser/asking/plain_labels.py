"""Classes, instances and confidence of a photograph, from the answers of one pass or from averaged scores."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mereo.assembly.upsampled_labels import labels_of_scores
from mereo.parser.asking.divided_things import divided_image, divides_things
from mereo.parser.asking.image_scores import ImageScores, scores_of
from mereo.parser.asking.segment_parsing import segment_rule_of, segmented_image
from mereo.parser.asking.sorting_parsing import SortedImage, sorted_image, sorts_segments
from mereo.regions.nearest_places import at_size

if TYPE_CHECKING:
    from mereo.parser.scene_parser import SceneAnswers, SceneParser


@dataclass(frozen=True, eq=False)
class ImageLabels:
    """At the photograph's size. `level_HW`: which level of a pyramid answers; `sorted`: what sorted segments say."""

    semantic_HW: np.ndarray
    confidence_HW: np.ndarray | None = None
    instances_HW: np.ndarray | None = None
    level_HW: np.ndarray | None = None
    sorted: SortedImage | None = None


def labels_of_answers(
    parser: "SceneParser", answers: "SceneAnswers", size: tuple[int, int], *, with_confidence: bool
) -> ImageLabels:
    """Of the first head that says classes. Queries and sorted segments also tell instances apart, sorted segments of a
    later head too."""
    if sorts_segments(parser):
        found = sorted_image(parser, answers, size, with_confidence=with_confidence)
        return ImageLabels(found.semantic_HW, found.confidence_HW, found.instances_HW, sorted=found)
    rule = segment_rule_of(parser)
    if rule is not None:
        segmented = segmented_image(parser, answers, size, rule, with_confidence=with_confidence)
        return ImageLabels(segmented.semantic_HW, segmented.confidence_HW, segmented.instances_HW)
    labels = labels_of_image_scores(parser, scores_of(answers), size, with_confidence=with_confidence)
    if not divides_things(parser):
        return labels
    divided = divided_image(parser, answers, labels.semantic_HW)
    return replace(labels, instances_HW=divided.instances_HW, sorted=divided)


def labels_of_image_scores(
    parser: "SceneParser", found: ImageScores, size: tuple[int, int], *, with_confidence: bool
) -> ImageLabels:
    level_HW = None if found.level_hw is None else at_size(found.level_hw.cpu().numpy().astype(np.uint8), size)
    are_logits = not found.are_probabilities
    if not with_confidence:
        return ImageLabels(labels_of_scores(found.scores_Khw, size, are_logits=are_logits), level_HW=level_HW)
    semantic_HW, confidence_HW = labels_of_scores(
        found.scores_Khw, size, with_confidence=True, are_logits=are_logits, temperature=parser.temperature
    )
    return ImageLabels(semantic_HW, confidence_HW, level_HW=level_HW)
