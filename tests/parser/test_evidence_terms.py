"""Losses on evidence: what they rest on, and what a parser must have for them."""

import pytest
import torch
from test_objective import PIXELS_K, batch, configs
from tiny_parser import TAXONOMY, tiny_parser
from torch import nn

from mereo.data.class_histogram import class_weights
from mereo.errors import BadInput
from mereo.heads.pixel_classes import PixelClasses
from mereo.losses.pixel_cross_entropy import PixelCrossEntropy
from mereo.losses.region_classification import region_classification_loss
from mereo.parser.config import ParserConfig
from mereo.parser.objective import build_objective, needs_histogram
from mereo.parser.scene_parser import SceneParser
from mereo.strict_yaml import validated

BOTH = configs({"loss": "coarse_pixels"}, {"loss": "region_classification"})


def affinity_parser(num: int = 1) -> SceneParser:
    torch.manual_seed(0)
    path = [{"stage": "projection", "width": 8}, *[{"stage": "class_affinity", "edges": "learned"}] * num]
    content = {"backbone": {"name": "test_efficientnet"}, "path": path}
    return validated(ParserConfig, content, source="a test").build(TAXONOMY).eval()


def test_terms_rest_on_the_coarse_answer_and_its_features() -> None:
    parser = affinity_parser()
    objective = build_objective(BOTH, parser)
    answers = parser(batch().image_BCHW)
    losses = objective(answers, batch())
    evidence, label_BHW = answers.evidence[0], batch().semantic_BHW
    wanted = PixelCrossEntropy(ignore_label=TAXONOMY.ignore_index)(evidence.coarse_logits_BKHW, label_BHW)
    torch.testing.assert_close(losses.terms["coarse_pixels"], wanted)
    classifier = objective.terms["region_classification"].loss.classify
    wanted = region_classification_loss(
        evidence.features_BCHW, label_BHW, classifier, ignore_label=TAXONOMY.ignore_index
    )
    torch.testing.assert_close(losses.terms["region_classification"], wanted)
    torch.testing.assert_close(
        losses.total, 0.4 * losses.terms["coarse_pixels"] + 0.2 * losses.terms["region_classification"]
    )


def test_class_balance_weighs_the_regions_of_rare_classes_more() -> None:
    parser = affinity_parser()
    balanced = configs({"loss": "region_classification", "class_balance": 0.5})
    assert needs_histogram(balanced) and not needs_histogram(BOTH[1:])
    objective = build_objective(balanced, parser, pixels_K=PIXELS_K)
    answers, label_BHW = parser(batch().image_BCHW), batch().semantic_BHW
    wanted = region_classification_loss(
        answers.evidence[0].features_BCHW,
        label_BHW,
        objective.terms["region_classification"].loss.classify,
        class_weight=class_weights(PIXELS_K, power=0.5),
        ignore_label=TAXONOMY.ignore_index,
    )
    torch.testing.assert_close(objective(answers, batch()).terms["region_classification"], wanted)
    assert build_objective(BOTH[1:], parser).terms["region_classification"].loss.class_weight_K is None
    with pytest.raises(BadInput, match="class_balance must have the training split's histogram, but got none"):
        build_objective(balanced, parser)


def test_several_coarse_answers_are_averaged() -> None:
    parser = affinity_parser(num=2)
    answers = parser(batch().image_BCHW)
    loss = build_objective(BOTH[:1], parser)(answers, batch()).terms["coarse_pixels"]
    of_each = [
        PixelCrossEntropy(ignore_label=TAXONOMY.ignore_index)(one.coarse_logits_BKHW, batch().semantic_BHW)
        for one in answers.evidence
    ]
    torch.testing.assert_close(loss, sum(of_each) / 2)


def test_region_classification_needs_no_reasoner() -> None:
    """On plain FCN it rests on the last map; on a parser without a path on the backbone's."""
    for parser in (tiny_parser(), plain_parser(has_layout=True)):
        answers = parser(batch().image_BCHW)
        losses = build_objective(BOTH[1:], parser)(answers, batch())
        assert losses.total.isfinite() and losses.total > 0


def plain_parser(*, has_layout: bool) -> SceneParser:
    backbone = tiny_parser().backbone
    if not has_layout:
        backbone = nn.Sequential(backbone)
    layout = tiny_parser().backbone.layout
    return SceneParser(backbone, [], [PixelClasses(layout, num_classes=3)], taxonomy=TAXONOMY)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(BadInput, match="coarse_pixels must have a stage that gives a coarse answer, but got none"):
        build_objective(BOTH[:1], tiny_parser())
    with pytest.raises(BadInput, match="a stage under region_classification must say in `layout` which maps it gives"):
        build_objective(BOTH[1:], plain_parser(has_layout=False))
