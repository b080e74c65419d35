"""How one picture's segments became its things and stuff: embeddings, over-segmentation, merges, answer."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mereo.assembly.merging_history import Joining, MergingHistory
from mereo.assembly.parse import Parse
from mereo.assembly.sorted_segments import SegmentGroups
from mereo.errors import BadInput
from mereo.heads.segment_sorting import SegmentSortingPrediction
from mereo.parser.asking.answering import plain_answers
from mereo.parser.asking.divided_things import class_pieces, divides_things
from mereo.parser.asking.image_scores import scores_of
from mereo.parser.asking.parsing import parse_image
from mereo.parser.asking.sorting_parsing import groups_of, seeds_of, sorts_segments
from mereo.parser.scene_parser import SceneAnswers, SceneParser


@dataclass(frozen=True, eq=False)
class SegmentExplanation:
    """The parser's own answer, the embeddings of length 1 that it rests on, and how it came about."""

    parse: Parse
    embedding_Dhw: np.ndarray
    history: MergingHistory

    def segment_at(self, x: int, y: int) -> tuple[int, tuple[Joining, ...]]:
        """The segment at this pixel of the photograph, and the merges by which its group grew.

        Where another head says the classes, borders of the answer are that head's and run through cells: the nearest
        cell of the answer's own segment is meant; of what is too small for any cell, the segment there.
        """
        history = self.history
        segment, group = history.segment_at(x, y, self.parse.size), self._group_at(x, y)
        if group is not None and history.group_S[segment] != group:
            rows, columns = history.segment_hw.shape
            at_y, at_x = (y + 0.5) * rows / self.parse.size[0] - 0.5, (x + 0.5) * columns / self.parse.size[1] - 0.5
            cell_N2 = np.argwhere(history.group_S[history.segment_hw] == group)
            row, column = cell_N2[((cell_N2 - (at_y, at_x)) ** 2).sum(axis=1).argmin()]
            segment = int(history.segment_hw[row, column])
        return segment, history.joinings(segment)

    def _group_at(self, x: int, y: int) -> int | None:
        """The group that the answer has there; None if it has no cell."""
        instance = 0 if self.parse.instances is None else self.parse.instances[y, x]
        is_it_G = (self.history.class_G == self.parse.semantic[y, x]) & (self.history.instance_G == instance)
        return int(is_it_G.argmax()) if is_it_G.any() else None


@torch.inference_mode()
def explain_segments(parser: SceneParser, image_HWC: np.ndarray) -> SegmentExplanation:
    """All of it from one plain pass."""
    if not isinstance(parser, SceneParser) or not (sorts_segments(parser) or divides_things(parser)):
        raise BadInput(
            "a parser must sort segments to explain them, but got one without, or one whose queries tell its things "
            "apart; train one with the head segment_sorting, e.g. recipes/drawn_sorting.yaml."
        )
    answers = plain_answers(parser, image_HWC)
    parse = parse_image(parser, image_HWC, ready=answers)
    embedding_Dhw = answers.prediction(SegmentSortingPrediction).embedding_BDhw[0].float().cpu().numpy()
    if sorts_segments(parser):
        history = merging_history(parser, answers, parse.size)
    else:
        history = history_of_pieces(parser, answers, parse.semantic)
    return SegmentExplanation(parse, embedding_Dhw, history)


def merging_history(parser: SceneParser, answers: SceneAnswers, size: tuple[int, int]) -> MergingHistory:
    """Of the photograph of `size` that the answers are about."""
    prediction = answers.prediction(SegmentSortingPrediction)
    best = prediction.class_logits_BSK[0].float().softmax(dim=1).max(dim=1)
    return _history(
        parser,
        answers,
        groups_of(parser, answers, size),
        segment_hw=prediction.segment_Bhw[0],
        embedding_sum_SD=prediction.embedding_sum_BSD[0],
        class_S=best.indices,
        probability_S=best.values,
        is_seed_S=seeds_of(parser, answers),
    )


def history_of_pieces(parser: SceneParser, answers: SceneAnswers, semantic_HW: np.ndarray) -> MergingHistory:
    """Where another head says the classes, in `semantic_HW`: of what each segment has of one class. The probability is
    the mean over its cells of that head's."""
    pieces, found = class_pieces(parser, answers, semantic_HW), scores_of(answers)
    probability_Khw = found.scores_Khw if found.are_probabilities else found.scores_Khw.softmax(dim=0)
    size = tuple(pieces.piece_hw.shape)
    probability_KP = F.interpolate(probability_Khw[None].float(), size=size, mode="bilinear")[0].flatten(1)
    piece_P, num_pieces = pieces.piece_hw.flatten(), len(pieces.class_S)
    of_class_P = probability_KP.gather(0, pieces.class_S[piece_P][None])[0]
    sum_S = of_class_P.new_zeros(num_pieces).index_add(0, piece_P, of_class_P)
    return _history(
        parser,
        answers,
        pieces.groups,
        segment_hw=pieces.piece_hw,
        embedding_sum_SD=pieces.embedding_sum_SD,
        class_S=pieces.class_S,
        probability_S=sum_S / torch.bincount(piece_P, minlength=num_pieces),
        is_seed_S=pieces.is_seed_S,
    )


def _history(
    parser: SceneParser,
    answers: SceneAnswers,
    groups: SegmentGroups,
    *,
    segment_hw: Tensor,
    embedding_sum_SD: Tensor,
    class_S: Tensor,
    probability_S: Tensor,
    is_seed_S: Tensor | None,
) -> MergingHistory:
    index_S = class_S.cpu().numpy()
    return MergingHistory(
        segment_hw=segment_hw.int().cpu().numpy(),
        embedding_sum_SD=embedding_sum_SD.cpu().double().numpy(),
        class_S=index_S,
        probability_S=probability_S.cpu().numpy(),
        group_S=groups.group_S.cpu().numpy(),
        class_G=groups.class_G.cpu().numpy(),
        instance_G=groups.instance_G.cpu().numpy(),
        merges=groups.merges,
        refused=groups.refused,
        threshold=answers.prediction(SegmentSortingPrediction).rule.threshold,
        is_thing_S=np.array(parser.taxonomy.is_thing, dtype=bool)[index_S],
        is_seed_S=None if is_seed_S is None else is_seed_S.cpu().numpy(),
    )
