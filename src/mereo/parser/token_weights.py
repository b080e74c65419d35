"""What the tokens of a parser look at: the one place that knows which answers hold tokens."""

import numpy as np
import torch
from torch import Tensor

from mereo.errors import BadInput
from mereo.freed_memory import image_done
from mereo.heads.mask_queries import MaskQueriesHead, MaskQueriesPrediction
from mereo.parser.asking.answering import plain_answers
from mereo.parser.scene_parser import SceneAnswers, SceneParser
from mereo.reasoning.concept_tokens import ConceptEvidence
from mereo.reasoning.token_regions import TokenReasoner, TokenRegions


def has_tokens(parser: SceneParser) -> bool:
    return bool(parser.stages_of(TokenReasoner) or parser.heads_of(MaskQueriesHead))


def require_tokens(parser: SceneParser) -> None:
    if not has_tokens(parser):
        raise BadInput(
            "a parser must have tokens to look at, but got none; add a stage that gathers them, e.g. concept_tokens."
        )


def token_weights(answers: SceneAnswers) -> Tensor:
    """B K h w, 0 or more: of the last reasoner that gathers tokens; without one the masks of the head's queries."""
    if regions := answers.evidence_of(TokenRegions):
        return regions[-1].weight_BKHW
    if (prediction := answers.prediction_or_none(MaskQueriesPrediction)) is not None:
        return prediction.mask_logits_BQhw.float().sigmoid()
    raise BadInput("answers must hold tokens, but got none; ask has_tokens of their parser first.")


def concept_weights(answers: SceneAnswers) -> Tensor | None:
    """B K h w: the concept regions of the last concept_tokens stage, wherever it stands; None without one."""
    found = answers.evidence_of(ConceptEvidence)
    return found[-1].weight_BKHW if found else None


@torch.inference_mode()
def token_weights_of(parser: SceneParser, image_HWC: np.ndarray) -> np.ndarray:
    """K h w float32: what each token of one photograph is made of, in one plain pass."""
    weight_Khw: np.ndarray = token_weights(plain_answers(parser, image_HWC))[0].float().cpu().numpy()
    image_done()
    return weight_Khw
