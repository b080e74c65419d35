"""Asymmetric non-local block: the paper's equations by a loop in float64, the sampled means, sizes."""

import math

import pytest
import torch
from stage_contract import StageContract
from written_out import answer_of, brick, linear, small_map, softmax, trained, weighted_sum

from mereo.errors import BadInput
from mereo.features.asymmetric_nonlocal import AsymmetricNonlocal, AsymmetricNonlocalConfig
from mereo.features.feature_maps import FeatureLayout
from mereo.features.pyramid_sampling import pyramid_sampled

LAYOUT = FeatureLayout((6,), (8,))


class TestAsymmetricNonlocal(StageContract):
    def build(self, layout: FeatureLayout) -> AsymmetricNonlocal:
        return AsymmetricNonlocal(layout)


def test_sampled_means_by_a_loop() -> None:
    features_BCHW = torch.randn(2, 3, 6, 12, dtype=torch.float64)
    means = [
        features_BCHW[:, :, y * 6 // n : (y + 1) * 6 // n, x * 12 // n : (x + 1) * 12 // n].mean(dim=(2, 3))
        for n in (1, 3, 6)
        for y in range(n)
        for x in range(n)
    ]
    torch.testing.assert_close(pyramid_sampled(features_BCHW, (1, 3, 6)), torch.stack(means, dim=2))


def test_there_are_110_of_them_whatever_the_size() -> None:
    for size in ((1, 1), (5, 7), (64, 48)):
        assert pyramid_sampled(torch.zeros(1, 2, *size)).shape == (1, 2, 110)


def test_equations_by_a_loop() -> None:
    torch.manual_seed(0)
    stage = trained(AsymmetricNonlocal(LAYOUT, grid_sizes=(1, 2)))
    last_BCHW = small_map(6)
    sampled_BCS = pyramid_sampled(last_BCHW, (1, 2))
    wanted = torch.zeros_like(last_BCHW)
    for b, features_CHW in enumerate(last_BCHW):
        tokens = list(sampled_BCS[b].T)
        keys, values = (
            [one.weight[:, :, 0].detach() @ token + one.bias.detach() for token in tokens]
            for one in (stage.key, stage.value)
        )
        for p, pixel in enumerate(features_CHW.flatten(1).T):
            query = linear(stage.query, pixel)
            weights = softmax([float(query @ key) / math.sqrt(3) for key in keys])
            context = linear(stage.widen, weighted_sum(weights, values))
            wanted[b, :, p // 4, p % 4] = brick(stage.join, torch.cat([context, pixel]))
    torch.testing.assert_close(answer_of(stage, last_BCHW).last, wanted)


def test_grids_that_are_none() -> None:
    with pytest.raises(BadInput, match="grid_sizes must be one or more numbers from 1 up, but got"):
        AsymmetricNonlocal(LAYOUT, grid_sizes=())
    with pytest.raises(BadInput, match="grid_sizes must be at most 64, but got"):
        AsymmetricNonlocalConfig(grid_sizes=(1, 900)).build(LAYOUT)
