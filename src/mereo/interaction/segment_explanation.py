"""How one picture's segments became its things and stuff: embeddings, over-segmentation, merges, answer."""

from dataclasses import dataclass

import numpy as np
import torch

from mereo.assembly.merging_history import Joining, MergingHistory
from mereo.assembly.parse import Parse
from mereo.errors import BadInput
from mereo.heads.segment_sorting import SegmentSortingPrediction
from mereo.parser.answering import plain_answers
from mereo.parser.parsing import parse_image
from mereo.parser.scene_parser import SceneAnswers, SceneParser
from mereo.parser.sorting_parsing import groups_of, seeds_of, sorts_segments


@dataclass(frozen=True, eq=False)
class SegmentExplanation:
    """The parser's own answer, the embeddings of length 1 that it rests on, and how it came about."""

    parse: Parse
    embedding_Dhw: np.ndarray
    history: MergingHistory

    def segment_at(self, x: int, y: int) -> tuple[int, tuple[Joining, ...]]:
        """The segment at this pixel of the photograph, and the merges by which its group grew."""
        segment = self.history.segment_at(x, y, self.parse.size)
        return segment, self.history.joinings(segment)


@torch.inference_mode()
def explain_segments(parser: SceneParser, image_HWC: np.ndarray) -> SegmentExplanation:
    """All of it from one plain pass."""
    if not isinstance(parser, SceneParser) or not sorts_segments(parser):
        raise BadInput(
            "a parser must sort segments to explain them, but got one without; train one with the head "
            "segment_sorting, e.g. recipes/drawn_sorting.yaml."
        )
    answers = plain_answers(parser, image_HWC)
    parse = parse_image(parser, image_HWC, ready=answers)
    prediction = answers.prediction(SegmentSortingPrediction)
    return SegmentExplanation(
        parse, prediction.embedding_BDhw[0].float().cpu().numpy(), merging_history(parser, answers, parse.size)
    )


def merging_history(parser: SceneParser, answers: SceneAnswers, size: tuple[int, int]) -> MergingHistory:
    """Of the photograph of `size` that the answers are about."""
    prediction, groups = answers.prediction(SegmentSortingPrediction), groups_of(parser, answers, size)
    best = prediction.class_logits_BSK[0].float().softmax(dim=1).max(dim=1)
    is_seed_S, class_S = seeds_of(parser, answers), best.indices.cpu().numpy()
    return MergingHistory(
        segment_hw=prediction.segment_Bhw[0].int().cpu().numpy(),
        embedding_sum_SD=prediction.embedding_sum_BSD[0].cpu().double().numpy(),
        class_S=class_S,
        probability_S=best.values.cpu().numpy(),
        group_S=groups.group_S.cpu().numpy(),
        class_G=groups.class_G.cpu().numpy(),
        instance_G=groups.instance_G.cpu().numpy(),
        merges=groups.merges,
        refused=groups.refused,
        threshold=prediction.rule.threshold,
        is_thing_S=np.array(parser.taxonomy.is_thing, dtype=bool)[class_S],
        is_seed_S=None if is_seed_S is None else is_seed_S.cpu().numpy(),
    )
