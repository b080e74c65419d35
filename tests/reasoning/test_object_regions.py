"""Object regions: the paper's equations by a loop in float64, what the evidence says, sizes."""

import math
from typing import Any

import pytest
import torch
from contract import ReasonerContract
from torch import Tensor
from written_out import answer_of, brick, linear, num_parameters, small_map, softmax, trained, weighted_sum

from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.projection import Projection
from mereo.reasoning.coarse_answer import CoarseAnswer, CoarseReasoner
from mereo.reasoning.object_regions import ObjectRegions, ObjectRegionsConfig, ObjectRegionsEvidence
from mereo.strict_yaml import validated

LAYOUT = FeatureLayout((6,), (8,))


def object_regions(layout: FeatureLayout = LAYOUT, *, num_classes: int = 3) -> ObjectRegions:
    """A guess that says several classes."""
    stage = ObjectRegions(layout, num_classes=num_classes)
    torch.nn.init.normal_(stage.guess.weight)
    return stage


class TestObjectRegions(ReasonerContract):
    config: dict[str, Any] = {"stage": "object_regions"}
    losses = [{"loss": "pixel_cross_entropy"}, {"loss": "coarse_pixels"}]

    def build(self, layout: FeatureLayout) -> ObjectRegions:
        return object_regions(layout)

    def asked_of(self, answer: FeatureMaps) -> list[Tensor]:
        return [*answer.maps, answer.evidence[-1].coarse_logits_BKHW]


def test_equations_by_a_loop() -> None:
    torch.manual_seed(0)
    stage = trained(object_regions())
    last_BCHW = small_map(6)
    answer = answer_of(stage, last_BCHW)
    evidence = answer.evidence[-1]
    for b, features_CHW in enumerate(last_BCHW):
        pixels = list(features_CHW.flatten(1).T)
        logits = [linear(stage.guess, pixel) for pixel in pixels]
        regions = [weighted_sum(softmax([float(one[k]) for one in logits]), pixels) for k in range(3)]
        torch.testing.assert_close(evidence.regions_BKC[b], torch.stack(regions))
        keys, values = [brick(stage.key, f) for f in regions], [brick(stage.value, f) for f in regions]
        for p, pixel in enumerate(pixels):
            query = brick(stage.query, pixel)
            weights = softmax([float(query @ key) / math.sqrt(3) for key in keys])
            context = brick(stage.widen, weighted_sum(weights, values))
            y, x = p // 4, p % 4
            torch.testing.assert_close(answer.last[b, :, y, x], brick(stage.join, torch.cat([pixel, context])))
            torch.testing.assert_close(evidence.coarse_logits_BKHW[b, :, y, x], logits[p])
            assert evidence.relation_BKHW[b, :, y, x].tolist() == pytest.approx(weights)


def test_the_evidence_is_a_coarse_answer() -> None:
    stage = trained(object_regions())
    last_BCHW = small_map(6)
    evidence = answer_of(stage, last_BCHW).evidence[-1]
    assert isinstance(stage, CoarseReasoner)
    assert isinstance(evidence, ObjectRegionsEvidence) and isinstance(evidence, CoarseAnswer)
    assert evidence.features_BCHW is last_BCHW
    assert (evidence.regions_BKC.shape, evidence.relation_BKHW.shape) == ((2, 3, 6), (2, 3, 3, 4))
    torch.testing.assert_close(evidence.relation_BKHW.sum(dim=1), torch.ones(2, 3, 4, dtype=torch.float64))


def test_regions_are_means_whatever_the_precision() -> None:
    """Soft regions of 4096 equal pixels: in bfloat16 the shares would not add up to 1."""
    torch.manual_seed(0)
    stage = object_regions().eval()
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        evidence = answer_of(stage, torch.ones(1, 6, 64, 64)).evidence[-1]
    torch.testing.assert_close(evidence.regions_BKC, torch.ones(1, 3, 6))


def test_the_answer_trains_the_guess_too() -> None:
    torch.manual_seed(0)
    stage = object_regions().double().train()
    stage(FeatureMaps((small_map(6),), (8,)), Frame(image_size=(24, 32))).last.square().sum().backward()
    assert stage.guess.weight.grad.abs().max() > 0


def test_parameters_at_the_papers_widths() -> None:
    with torch.device("meta"):
        projection = Projection(FeatureLayout((2048,), (8,)), width=512)
        stage = ObjectRegions(projection.layout, num_classes=59)
    # Queries, keys, values of 256 with norms; back to 512; both joined; the guess of 59 classes.
    attention = 3 * (512 * 256 + 2 * 256) + 256 * 512 + 2 * 512
    assert num_parameters(stage) == attention + 1024 * 512 + 2 * 512 + 512 * 59 + 59 == 1_082_427
    assert num_parameters(projection, stage) == 10_520_635  # "10.5M" in the paper's table of sizes.


def test_no_classes() -> None:
    with pytest.raises(BadInput, match="object regions must have at least one class, but got 0; pass the class names"):
        ObjectRegionsConfig().build(LAYOUT)


def test_an_unknown_setting() -> None:
    with pytest.raises(BadInput, match="key must be a known one, but got 'width'; known keys: stage"):
        validated(ObjectRegionsConfig, {"width": 5}, source="a test")


def test_the_config_builds_one_region_a_class() -> None:
    stage = ObjectRegionsConfig().build(FeatureLayout((3, 4), (4, 8)), ("sky", "road"))
    assert stage.guess.out_channels == 2 and stage.layout == FeatureLayout((3, 4), (4, 8))
