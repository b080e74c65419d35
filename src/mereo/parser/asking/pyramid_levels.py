"""Asking every level of a parser's pyramid about one photograph; whether it has such levels."""

import numpy as np
import torch

from mereo.assembly.level_answers import LevelAnswers
from mereo.errors import BadInput
from mereo.freed_memory import image_done
from mereo.heads.pyramid_fusion import fuse_pyramid
from mereo.heads.semantic_pyramid import SemanticPyramid, SemanticPyramidPrediction
from mereo.parser.asking.answering import plain_answers
from mereo.parser.asking.image_scores import answering_head
from mereo.parser.scene_parser import SceneAnswers, SceneParser


def has_levels(parser: object) -> bool:
    """Whether cells of several sizes answer: a pyramid without unities answers with its finest cells alone."""
    return isinstance(parser, SceneParser) and _answers_by_levels(parser)


@torch.inference_mode()
def level_answers_of(parser: SceneParser, image_HWC: np.ndarray) -> LevelAnswers:
    """In one plain pass at the parser's working size."""
    if not _answers_by_levels(parser):
        raise BadInput(
            "a parser must have a pyramid of levels with unities to say which one answers, but got one without; "
            "train one with the head semantic_pyramid."
        )
    levels = level_answers(plain_answers(parser, image_HWC))
    image_done()
    return levels


@torch.inference_mode()
def level_answers(answers: SceneAnswers) -> LevelAnswers:
    """What a parser that has levels (`has_levels`) said of one image."""
    prediction = answers.prediction(SemanticPyramidPrediction)
    probabilities, unities = prediction.probability_per_level, prediction.unity_per_level
    _, level_1hw = fuse_pyramid(probabilities, unities, threshold=prediction.threshold)
    best = [probability_1Khw[0].max(dim=0) for probability_1Khw in probabilities]
    finest_level_hw = level_1hw[0].cpu().numpy()
    # The level that speaks for a pixel speaks for the whole cell, so one pixel of each cell tells.
    levels = [finest_level_hw[:: 2**n, :: 2**n] for n in reversed(range(len(probabilities)))]
    return LevelAnswers(
        class_per_level=tuple(one.indices.cpu().numpy() for one in best),
        probability_per_level=tuple(one.values.cpu().numpy() for one in best),
        unity_per_level=tuple(unity_1hw[0].cpu().numpy() for unity_1hw in unities),
        speaks_per_level=tuple(level_hw == level for level, level_hw in enumerate(levels)),
        is_done_per_level=tuple(level_hw < level for level, level_hw in enumerate(levels)),
        level_hw=finest_level_hw,
        cell_sizes=prediction.cell_sizes,
        threshold=prediction.threshold,
    )


def _answers_by_levels(parser: SceneParser) -> bool:
    head = answering_head(parser)
    return isinstance(head, SemanticPyramid) and head.unity is not None
