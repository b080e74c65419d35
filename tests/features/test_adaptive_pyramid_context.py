"""Adaptive pyramid context: the paper's equations by a loop in float64, sizes."""

import math

import pytest
import torch
from stage_contract import StageContract
from torch import Tensor
from written_out import answer_of, brick, brick_3x3, linear, num_parameters, small_map, trained, weighted_sum

from mereo.errors import BadInput
from mereo.features.adaptive_pyramid_context import (
    AdaptiveContext,
    AdaptivePyramidContext,
    AdaptivePyramidContextConfig,
)
from mereo.features.feature_maps import FeatureLayout
from mereo.strict_yaml import validated


class TestAdaptivePyramidContext(StageContract):
    def build(self, layout: FeatureLayout) -> AdaptivePyramidContext:
        return AdaptivePyramidContext(layout, width=6)


def context_by_loop(context: AdaptiveContext, features_CHW: Tensor) -> Tensor:
    _, height, width = features_CHW.shape
    s = context.grid_size
    cells = []
    for row in range(s):
        rows = slice(row * height // s, math.ceil((row + 1) * height / s))
        for column in range(s):
            columns = slice(column * width // s, math.ceil((column + 1) * width / s))
            cells.append(brick(context.reduce_cells, features_CHW[:, rows, columns].mean(dim=(1, 2))))
    reduced = [brick(context.reduce, pixel) for pixel in features_CHW.flatten(1).T]
    guide = brick(context.guide, torch.stack(reduced).mean(dim=0))
    answers = []
    for pixel in reduced:
        weights = [1 / (1 + math.exp(-score)) for score in linear(context.affinity, pixel + guide).tolist()]
        gathered = weighted_sum(weights, cells)
        answers.append(brick(context.fuse, brick(context.transform, gathered) + pixel))
    return torch.stack(answers, dim=1).view(-1, height, width)


def test_equations_by_a_loop() -> None:
    torch.manual_seed(0)
    stage = trained(AdaptivePyramidContext(FeatureLayout((5,), (8,)), width=3, grid_sizes=(1, 2, 6)))
    last_BCHW = small_map(5)
    wanted = []
    for features_CHW in last_BCHW:
        maps = [features_CHW, *(context_by_loop(context, features_CHW) for context in stage.contexts)]
        wanted.append(brick_3x3(stage.project, torch.cat(maps)))
    torch.testing.assert_close(answer_of(stage, last_BCHW).last, torch.stack(wanted))


def test_parameters_at_the_papers_widths() -> None:
    with torch.device("meta"):
        stage = AdaptivePyramidContext(FeatureLayout((2048,), (8,)))
    # A grid of s x s: two reductions, three 512 to 512, all with norms, and 512 to s x s; then 3x3 over all.
    a_grid = 2 * (2048 * 512 + 2 * 512) + 3 * (512 * 512 + 2 * 512)
    affinities = sum(513 * s * s for s in (1, 2, 3, 6))
    project = (2048 + 4 * 512) * 512 * 9 + 2 * 512
    assert num_parameters(stage) == 4 * a_grid + affinities + project == 30_455_858


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({"grid_sizes": []}, "grid_sizes: .*at least 1 item"),
        ({"grid_sizes": [1, 0]}, "grid_sizes.1: .*greater than or equal to 1, but got 0"),
        ({"grid_sizes": [33]}, "grid_sizes.0: .*less than or equal to 32, but got 33"),
        ({"width": 0}, "width: .*greater than or equal to 1, but got 0"),
        ({"widht": 3}, "did you mean 'width'"),
    ],
)
def test_wrong_settings(content: dict[str, object], match: str) -> None:
    with pytest.raises(BadInput, match=match):
        validated(AdaptivePyramidContextConfig, content, source="a test")


def test_the_config_builds_what_it_says() -> None:
    stage = AdaptivePyramidContextConfig(width=5, grid_sizes=(2,)).build(FeatureLayout((3, 4), (4, 8)))
    assert (stage.layout.channels, stage.layout.strides, len(stage.contexts)) == ((3, 5), (4, 8), 1)
