"""What an explanation says of a picture: labels at its size, messages as the reasoner sends them, points in it."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_parser import TAXONOMY, random_image, tiny_parser

from mereo.assembly.upsampled_labels import labels_of_scores
from mereo.errors import BadInput
from mereo.features.feature_maps import Frame
from mereo.interaction.affinity_explanation import explain_affinity
from mereo.parser.asking.image_scores import prepared_image, scores_of
from mereo.parser.config import ParserConfig
from mereo.parser.scene_parser import SceneParser
from mereo.reasoning.affinity_influences import influences
from mereo.strict_yaml import validated

COUNTS_KK = torch.tensor([[9, 6, 2], [6, 7, 1], [2, 1, 3]])
IMAGE_HWC = random_image(61, 83)


def affinity_parser(head: dict[str, object] | None = None, **options: object) -> SceneParser:
    torch.manual_seed(3)
    path = [{"stage": "projection", "width": 8}, {"stage": "class_affinity", **options}]
    content = {"backbone": {"name": "test_efficientnet"}, "path": path} | ({"heads": [head]} if head else {})
    parser = validated(ParserConfig, content, source="a test").build(TAXONOMY).eval()
    if head is None:
        torch.nn.init.normal_(parser.heads[0].classify.weight)
    torch.nn.init.normal_(parser.path[1].guess.weight)
    with torch.no_grad():  # No class above the others everywhere.
        evidence = parser(prepared_image(parser, IMAGE_HWC, IMAGE_HWC.shape[:2])).evidence[0]
        parser.path[1].guess.bias.sub_(evidence.coarse_logits_BKHW.mean(dim=(0, 2, 3)))
    if options.get("edges") != "learned":
        parser.path[1].take_counts(COUNTS_KK)
    return parser


def test_labels_are_those_of_both_answers() -> None:
    parser = affinity_parser()
    explanation = explain_affinity(parser, IMAGE_HWC)
    assert np.array_equal(explanation.refined_HW, parser.parse(IMAGE_HWC).semantic)
    assert explanation.coarse_HW.shape == (61, 83) and len(explanation.regions) > 1
    assert explanation.changed_HW.any() and not explanation.changed_HW.all()
    assert sum(region.share for region in explanation.regions) == pytest.approx(1)
    shares = [region.share for region in explanation.regions]
    assert shares == sorted(shares, reverse=True)


def test_strengths_are_the_messages_that_are_sent() -> None:
    """The messages of all sources, and of the region itself, add up to what the reasoner adds to a node."""
    parser = affinity_parser()
    stage = parser.path[1]
    with torch.no_grad():
        answers = parser(prepared_image(parser, IMAGE_HWC, (61, 83)))
        evidence = answers.evidence[0]
        nodes_KC = evidence.nodes_BKC[0]
        for region in influences(stage, evidence):
            target = region.class_index
            for given, branch, edges_BKK in (
                (region.support, stage.support, evidence.positive_BKK),
                (region.suppression, stage.suppress, evidence.negative_BKK),
            ):
                strengths = [one.strength for one in given]
                assert strengths == sorted(strengths, reverse=True) and target not in {one.source for one in given}
                for one in given:
                    assert one.edge == pytest.approx(float(edges_BKK[0, one.source, target]))
                    message_C = branch.strength * branch.transform(nodes_KC[one.source] * one.edge)
                    wanted = message_C.norm() / nodes_KC[target].norm()
                    assert one.strength == pytest.approx(float(wanted), rel=1e-4)


@pytest.mark.parametrize(("messages", "support", "suppression"), [("positive", True, False), ("negative", False, True)])
def test_a_branch_that_is_switched_off_gives_nothing(messages: str, support: bool, suppression: bool) -> None:
    explanation = explain_affinity(affinity_parser(messages=messages), IMAGE_HWC)
    assert bool(explanation.regions[0].support) == support
    assert bool(explanation.regions[0].suppression) == suppression


def test_a_point_asks_for_its_region() -> None:
    explanation = explain_affinity(affinity_parser(), IMAGE_HWC)
    for x, y in ((0, 0), (82, 60), (40, 30)):
        assert explanation.region_at(x, y).class_index == explanation.coarse_HW[y, x]
    for x, y in ((83, 0), (0, 61)):
        with pytest.raises(BadInput, match=f"a point must lie in the picture of 83x61, but got {x},{y}; choose"):
            explanation.region_at(x, y)


def test_learned_edges_are_explained_too() -> None:
    explanation = explain_affinity(affinity_parser(edges="learned"), IMAGE_HWC)
    assert {one.edge for region in explanation.regions for one in region.support} == {1.0}


@pytest.mark.parametrize(
    "head",
    [
        {"head": "semantic_pyramid", "width": 8, "key_width": 4, "unity_width": 4},
        {"head": "maskformer", "width": 8, "num_queries": 5, "num_layers": 1, "num_heads": 2, "inner_width": 8},
        {"head": "perceptual", "width": 8},
        {"head": "segment_sorting", "width": 8, "embedding_width": 4, "grid": [3, 3]},
    ],
    ids=lambda head: str(head["head"]),
)
def test_every_head_that_says_classes_is_explained(head: dict[str, object]) -> None:
    parser = affinity_parser(head=head)
    explanation = explain_affinity(parser, IMAGE_HWC)
    assert np.array_equal(
        explanation.refined_HW, labels_of_scores(*scores_and_size(parser), are_logits=head["head"] == "perceptual")
    )
    assert explanation.changed_HW.any()


def scores_and_size(parser: SceneParser) -> tuple[torch.Tensor, tuple[int, int]]:
    with torch.no_grad():
        return scores_of(parser(prepared_image(parser, IMAGE_HWC, (61, 83)))).scores_Khw, (61, 83)


def test_a_parser_without_the_stage_is_refused() -> None:
    with pytest.raises(BadInput, match="a parser must have a class_affinity stage to explain affinities, but got one"):
        explain_affinity(tiny_parser(), IMAGE_HWC)


def test_training_mode_is_left_as_it_was() -> None:
    parser = affinity_parser().train()
    explain_affinity(parser, IMAGE_HWC)
    assert parser.training and parser(torch.zeros(2, 3, 32, 32), Frame(image_size=(32, 32))).evidence
