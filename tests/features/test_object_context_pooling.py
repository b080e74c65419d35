"""Object context pooling: the paper's equations by a loop in float64, sizes."""

import math

import pytest
import torch
from stage_contract import StageContract
from written_out import answer_of, brick, linear, num_parameters, small_map, softmax, trained, weighted_sum

from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureLayout
from mereo.features.object_context_pooling import ObjectContextPooling, ObjectContextPoolingConfig
from mereo.features.projection import Projection
from mereo.strict_yaml import validated


class TestObjectContextPooling(StageContract):
    def build(self, layout: FeatureLayout) -> ObjectContextPooling:
        return ObjectContextPooling(layout)


def test_equations_by_a_loop() -> None:
    torch.manual_seed(0)
    stage = trained(ObjectContextPooling(FeatureLayout((6,), (8,))))
    last_BCHW = small_map(6)
    wanted = torch.zeros_like(last_BCHW)
    for b, features_CHW in enumerate(last_BCHW):
        pixels = list(features_CHW.flatten(1).T)
        keys, values = [brick(stage.key, pixel) for pixel in pixels], [linear(stage.value, pixel) for pixel in pixels]
        for p, pixel in enumerate(pixels):
            query = brick(stage.query, pixel)
            context = weighted_sum(softmax([float(query @ key) / math.sqrt(3) for key in keys]), values)
            joined = brick(stage.join, torch.cat([linear(stage.widen, context), pixel]))
            wanted[b, :, p // 4, p % 4] = joined
    torch.testing.assert_close(answer_of(stage, last_BCHW).last, wanted)


def test_parameters_at_the_papers_widths() -> None:
    with torch.device("meta"):
        projection = Projection(FeatureLayout((2048,), (8,)), width=512)
        stage = ObjectContextPooling(projection.layout)
    # Queries and keys with norms; values and back with biases; the joining convolution with its norm.
    attention = 2 * (512 * 256 + 2 * 256) + (512 * 256 + 256) + (256 * 512 + 512)
    assert num_parameters(stage) == attention + 1024 * 512 + 2 * 512 == 1_051_392
    assert num_parameters(projection, stage) == 10_489_600  # "10.5M" for self-attention in OCR's table of sizes.


def test_an_unknown_setting() -> None:
    with pytest.raises(BadInput, match="key must be a known one, but got 'width'; known keys: stage"):
        validated(ObjectContextPoolingConfig, {"width": 5}, source="a test")


def test_the_config_builds_what_it_says() -> None:
    stage = ObjectContextPoolingConfig().build(FeatureLayout((3, 1), (4, 8)))
    assert stage.layout == FeatureLayout((3, 1), (4, 8)) and stage.key[0].out_channels == 1
