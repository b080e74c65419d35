"""Dual attention: the paper's equations by a loop in float64, closed gates, sizes."""

import pytest
import torch
from stage_contract import StageContract, with_random_statistics
from written_out import answer_of, brick, linear, num_parameters, small_map, softmax, trained, weighted_sum

from mereo.errors import BadInput
from mereo.features.dual_attention import DualAttention, DualAttentionConfig
from mereo.features.feature_maps import FeatureLayout
from mereo.features.projection import Projection
from mereo.strict_yaml import validated

LAYOUT = FeatureLayout((16,), (8,))


class TestDualAttention(StageContract):
    def build(self, layout: FeatureLayout) -> DualAttention:
        return DualAttention(layout)


class TestDualAttentionWithOpenGates(StageContract):
    """As after training: the gates start at 0, which hides the attention from most of the contract."""

    def build(self, layout: FeatureLayout) -> DualAttention:
        stage = DualAttention(layout)
        torch.nn.init.constant_(stage.position.gate, 0.7)
        torch.nn.init.constant_(stage.channel.gate, -0.4)
        return stage


def test_equations_by_a_loop() -> None:
    torch.manual_seed(0)
    stage = trained(DualAttention(LAYOUT))
    last_BCHW = small_map(16) / 2
    position, channel = stage.position, stage.channel
    wanted = torch.zeros_like(last_BCHW)
    for b, features_CHW in enumerate(last_BCHW):
        pixels = list(features_CHW.flatten(1).T)
        queries, keys, values = ([linear(f, p) for p in pixels] for f in (position.query, position.key, position.value))
        of_position = [
            position.gate.item() * weighted_sum(softmax([float(query @ key) for key in keys]), values) + pixel
            for query, pixel in zip(queries, pixels)
        ]
        channels = list(features_CHW.flatten(1))
        of_channel_CP = torch.stack(
            [
                channel.gate.item() * weighted_sum(softmax([float(one @ other) for other in channels]), channels) + one
                for one in channels
            ]
        )
        for p in range(12):
            sum_C = brick(stage.after_position, of_position[p]) + brick(stage.after_channel, of_channel_CP[:, p])
            wanted[b, :, p // 4, p % 4] = sum_C
    torch.testing.assert_close(answer_of(stage, last_BCHW).last, wanted)


def test_a_fresh_stage_attends_to_nothing() -> None:
    torch.manual_seed(0)
    stage = with_random_statistics(DualAttention(LAYOUT)).double().eval()
    last_BCHW = small_map(16)
    assert stage.position.gate == 0 and stage.channel.gate == 0
    with torch.no_grad():
        wanted = stage.after_position(last_BCHW) + stage.after_channel(last_BCHW)
    torch.testing.assert_close(answer_of(stage, last_BCHW).last, wanted)


def test_closed_gates_open_in_training() -> None:
    """At 0 the transforms get a gradient of 0, but the gates one that is not."""
    torch.manual_seed(0)
    stage = DualAttention(LAYOUT).double().train()
    last_BCHW = small_map(16)
    (stage.after_position(stage.position(last_BCHW)) + stage.after_channel(stage.channel(last_BCHW))).sum().backward()
    assert stage.position.gate.grad != 0 and stage.channel.gate.grad != 0
    assert not stage.position.value.weight.grad.any()


def test_parameters_at_the_papers_widths() -> None:
    with torch.device("meta"):
        projection = Projection(FeatureLayout((2048,), (8,)), width=512)
        stage = DualAttention(projection.layout)
    # Queries and keys of 512 / 8, values, two gates; two fusing 1x1 convolutions with their norms.
    attention = 2 * (512 * 64 + 64) + 512 * 512 + 512 + 2
    assert num_parameters(stage) == attention + 2 * (512 * 512 + 2 * 512) == 854_658
    assert num_parameters(projection, stage) == 10_292_866


def test_an_unknown_setting() -> None:
    with pytest.raises(BadInput, match="key must be a known one, but got 'width'; known keys: stage"):
        validated(DualAttentionConfig, {"width": 5}, source="a test")


def test_the_config_builds_what_it_says() -> None:
    assert DualAttentionConfig().build(FeatureLayout((3, 4), (4, 8))).layout == FeatureLayout((3, 4), (4, 8))
