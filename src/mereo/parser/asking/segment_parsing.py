"""From the queries of one pass to a class map and the instances in it, in agreement with each other."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mereo.assembly.query_segments import query_segments
from mereo.assembly.upsampled_labels import labels_of_scores, scores_at
from mereo.heads.mask_queries import MaskQueriesHead, MaskQueriesPrediction, SegmentRule
from mereo.parser.asking.image_scores import answering_head

if TYPE_CHECKING:
    from mereo.parser.scene_parser import SceneAnswers, SceneParser


PIXELS_AT_ONCE = 2**16


@dataclass(frozen=True, eq=False)
class SegmentedImage:
    semantic_HW: np.ndarray
    instances_HW: np.ndarray
    confidence_HW: np.ndarray | None


def segment_rule_of(parser: "SceneParser") -> SegmentRule | None:
    """How queries become segments, where they answer for the parser; None if they shall not, or no class is a thing."""
    head = answering_head(parser)
    return head.segment_rule if isinstance(head, MaskQueriesHead) and any(parser.taxonomy.is_thing) else None


def segmented_image(
    parser: "SceneParser", answers: "SceneAnswers", size: tuple[int, int], rule: SegmentRule, *, with_confidence: bool
) -> SegmentedImage:
    """A pixel of a segment has the segment's class; any other the likeliest class, and belongs to no instance."""
    prediction, is_thing = answers.prediction(MaskQueriesPrediction), parser.taxonomy.is_thing
    scores_Khw = prediction.class_probability_BKhw[0]
    likeliest_HW, confidence_HW = _likeliest(parser, scores_Khw, size, with_confidence=with_confidence)
    segments = query_segments(
        prediction.class_logits_BQK1[0],
        prediction.mask_logits_BQhw[0],
        size,
        is_thing=is_thing,
        least_score=rule.least_score,
        least_kept_share=rule.least_kept_share,
    )
    semantic_HW = segments.on_top_of(likeliest_HW)
    if confidence_HW is not None:
        row_N, column_N = np.nonzero(semantic_HW != likeliest_HW)
        for start in range(0, len(row_N), PIXELS_AT_ONCE):
            part = row_N[start : start + PIXELS_AT_ONCE], column_N[start : start + PIXELS_AT_ONCE]
            confidence_HW[part] = _share_of(parser, scores_Khw, size, part, semantic_HW[part])
    return SegmentedImage(semantic_HW, segments.instances_HW(is_thing), confidence_HW)


def _likeliest(
    parser: "SceneParser", scores_Khw: Tensor, size: tuple[int, int], *, with_confidence: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    if not with_confidence:
        return labels_of_scores(scores_Khw, size, are_logits=False), None
    return labels_of_scores(scores_Khw, size, with_confidence=True, are_logits=False, temperature=parser.temperature)


def _share_of(
    parser: "SceneParser",
    scores_Khw: Tensor,
    size: tuple[int, int],
    pixels: tuple[np.ndarray, np.ndarray],
    class_N: np.ndarray,
) -> np.ndarray:
    """The confidence of a segment's class where the segment overrules the likeliest class."""
    row_N, column_N = (torch.from_numpy(one) for one in pixels)
    root_NK = scores_at(scores_Khw, size, row_N, column_N) ** (1 / parser.temperature)
    index_N1 = torch.from_numpy(class_N).long()[:, None].to(root_NK.device)
    share_N: np.ndarray = (root_NK.gather(1, index_N1)[:, 0] / root_NK.sum(dim=1)).cpu().numpy()
    return share_N
