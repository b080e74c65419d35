"""What an explanation says of a picture's tokens: the parser's own answer, masks as the stage left them, points."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_parser import TAXONOMY, random_image, tiny_parser

from mereo.errors import BadInput
from mereo.interaction.token_explanation import explain_tokens
from mereo.parser.asking.image_scores import prepared_image
from mereo.parser.config import ParserConfig
from mereo.parser.scene_parser import SceneParser
from mereo.strict_yaml import validated

IMAGE_HWC = random_image(61, 83)
CONCEPTS = {"stage": "concept_tokens", "num_concepts": 6, "width": 8, "feedforward_width": 8, "num_heads": 2}
NODES = {"stage": "global_reasoning_unit", "num_nodes": 6, "width": 8}


def token_parser(*stages: dict[str, Any]) -> SceneParser:
    torch.manual_seed(3)
    path = [{"stage": "projection", "width": 8}, *(stages or (CONCEPTS,))]
    content = {"backbone": {"name": "test_efficientnet"}, "path": path}
    parser = validated(ParserConfig, content, source="a test").build(TAXONOMY).eval()
    torch.nn.init.normal_(parser.heads[0].classify.weight)
    return parser


@pytest.mark.parametrize(("stage", "has_concepts"), [(CONCEPTS, True), (NODES, False)], ids=["concepts", "nodes"])
def test_all_tokens_as_the_stage_left_them(stage: dict[str, Any], has_concepts: bool) -> None:
    parser = token_parser(stage).train()
    explanation = explain_tokens(parser, IMAGE_HWC)
    assert parser.training and (explanation.concept_Khw is not None) == has_concepts
    parser.eval()
    with torch.no_grad():
        evidence = parser(prepared_image(parser, IMAGE_HWC, IMAGE_HWC.shape[:2])).evidence[-1]
    assert {token.index for token in explanation.tokens} == set(range(6))
    for token in explanation.tokens:
        np.testing.assert_allclose(token.weight_hw, evidence.weight_BKHW[0, token.index].numpy(), rtol=1e-5)
    np.testing.assert_array_equal(explanation.parse.semantic, parser.parse(IMAGE_HWC).semantic)
    masses = [token.mass for token in explanation.tokens]
    assert masses == sorted(masses, reverse=True) and sum(masses) == pytest.approx(1)


def test_concepts_are_those_of_the_concept_stage_wherever_it_stands() -> None:
    """Nodes behind it are the tokens, but no concepts: what they are made of is no probability."""
    parser = token_parser(CONCEPTS, NODES | {"num_nodes": 4})
    explanation = explain_tokens(parser, IMAGE_HWC)
    with torch.no_grad():
        concepts, nodes = parser(prepared_image(parser, IMAGE_HWC, IMAGE_HWC.shape[:2])).evidence
    assert explanation.concept_Khw is not None and len(explanation.tokens) == 4
    np.testing.assert_allclose(explanation.concept_Khw, concepts.weight_BKHW[0].numpy(), rtol=1e-5)
    np.testing.assert_allclose(explanation.weight_Khw, nodes.weight_BKHW[0].numpy(), rtol=1e-5)


def test_queries_of_a_mask_head_are_tokens_too() -> None:
    queries = {"head": "maskformer", "width": 8, "num_queries": 5, "num_heads": 2, "num_layers": 1, "inner_width": 8}
    torch.manual_seed(0)
    content = {"backbone": {"name": "test_efficientnet"}, "heads": [queries]}
    parser = validated(ParserConfig, content, source="a test").build(TAXONOMY).eval()
    explanation = explain_tokens(parser, IMAGE_HWC)
    with torch.no_grad():
        prediction = parser(prepared_image(parser, IMAGE_HWC, IMAGE_HWC.shape[:2])).predictions[0]
    assert len(explanation.tokens) == 5 and explanation.concept_Khw is None
    for token in explanation.tokens:
        wanted = prediction.mask_logits_BQhw[0, token.index].sigmoid().numpy()
        np.testing.assert_allclose(token.weight_hw, wanted, rtol=1e-5)


def test_it_asks_the_network_once() -> None:
    parser, passes = token_parser(), []
    with parser.backbone.register_forward_hook(lambda *arguments: passes.append(1)):
        explain_tokens(parser, IMAGE_HWC)
    assert len(passes) == 1


def test_a_point_asks_the_cell_it_lies_in() -> None:
    explanation = explain_tokens(token_parser(), IMAGE_HWC)
    rows, columns = explanation.tokens[0].weight_hw.shape
    for x, y in ((0, 0), (82, 60), (40, 13)):
        row, column = int((y + 0.5) * rows / 61), int((x + 0.5) * columns / 83)
        weights = [token.weight_hw[row, column] for token in explanation.tokens_at(x, y)]
        assert len(weights) == 6 and weights == sorted(weights, reverse=True)


def test_a_point_outside() -> None:
    with pytest.raises(BadInput, match="a point must lie in the picture of 83x61, but got 83,0; choose another"):
        explain_tokens(token_parser(), IMAGE_HWC).tokens_at(83, 0)


def test_a_parser_without_tokens() -> None:
    with pytest.raises(BadInput, match="a parser must gather tokens to explain them, but got one without"):
        explain_tokens(tiny_parser(), IMAGE_HWC)
