"""The loss on concept regions as a recipe names it: which evidence it rests on, and which settings reach it."""

import math
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "interaction"))
from test_token_explanation import token_parser
from tiny_parser import TAXONOMY, tiny_parser

from mereo.data.batches import Batch
from mereo.errors import BadInput
from mereo.losses.concept_regions import ConceptRegions
from mereo.parser.objective import build_objective
from mereo.parser.scene_parser import SceneParser
from mereo.parser.terms.concept_terms import ConceptRegionsConfig
from mereo.parser.token_weights import token_weights


def batch() -> Batch:
    """The same each time."""
    label_BHW = torch.randint(0, 3, (2, 4, 5), generator=torch.Generator().manual_seed(1))
    label_BHW = label_BHW.repeat_interleave(8, dim=1).repeat_interleave(8, dim=2)
    image_BCHW = torch.randint(0, 256, (2, 3, 32, 40), generator=torch.Generator().manual_seed(2)).byte()
    return Batch(("a", "b"), image_BCHW, semantic_BHW=label_BHW)


def term_of(parser: SceneParser, **settings: Any) -> torch.Tensor:
    objective = build_objective((ConceptRegionsConfig(**settings),), parser)
    losses = objective(parser(batch().image_BCHW), batch())
    wanted = settings.get("weight", 0.25) * losses.terms["concept_regions"]
    torch.testing.assert_close(losses.total, wanted, equal_nan=True)
    return losses.terms["concept_regions"]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"total": 2},
        {"dice_weight": 0.0},
        {"cosine_weight": 3.0},
        {"union": "clamped_sum"},
        {"min_fraction": 0.5},
        {"opens": True},
    ],
    ids=str,
)
def test_settings_reach_the_loss(settings: dict[str, Any]) -> None:
    parser, of_batch = token_parser(), batch()
    probability_BKhw = parser(of_batch.image_BCHW).evidence[0].weight_BKHW
    assert of_batch.semantic_BHW is not None
    wanted = ConceptRegions(**settings, ignore_label=TAXONOMY.ignore_index)(probability_BKhw, of_batch.semantic_BHW)
    torch.testing.assert_close(term_of(parser, **settings), wanted)


def test_features_that_are_no_numbers_are_a_loss_that_is_none() -> None:
    """The training loop skips such a step; it would not go on after an error."""
    parser = token_parser()
    next(parser.backbone.parameters()).data.fill_(math.nan)
    assert term_of(parser).isnan()


def test_a_parser_without_concepts() -> None:
    with pytest.raises(BadInput, match="concept_regions must have a concept_tokens stage on the path, but got none"):
        build_objective((ConceptRegionsConfig(),), tiny_parser())


def test_answers_without_tokens() -> None:
    with pytest.raises(BadInput, match="answers must hold tokens, but got none; ask has_tokens of their parser first"):
        token_weights(tiny_parser()(batch().image_BCHW))
