"""Pyramid pooling: the last map pooled to several grids, spread back and joined; PSPNet's neck.

Zhao, Shi, Qi, Wang, Jia 2017, "Pyramid scene parsing network", section 3.2.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from mereo.features.conv_norm import ConvNormReLU
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.stage import MAX_WIDTH, Stage
from mereo.strict import StrictConfig


class PyramidPooling(nn.Module):
    """Average-pool to each grid size, project, spread back, concatenate with the map itself, project to `width`."""

    def __init__(self, in_channels: int, *, width: int, grid_sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.grid_sizes = grid_sizes
        # differs from the paper: `width` channels a grid, where it has 1/N of the map's for N grids. They are equal at
        # 2048 channels, width 512 and four grids.
        self.branches = nn.ModuleList([ConvNormReLU(in_channels, width) for _ in grid_sizes])
        self.project = ConvNormReLU(in_channels + len(grid_sizes) * width, width, kernel_size=3)

    def forward(self, features_BCHW: Tensor) -> Tensor:
        answers = [features_BCHW]
        for grid_size, branch in zip(self.grid_sizes, self.branches):
            pooled_BCgg = branch(F.adaptive_avg_pool2d(features_BCHW, grid_size))
            answers.append(resized(pooled_BCgg, features_BCHW.shape[-2:]))
        return self.project(torch.cat(answers, dim=1))


class PooledPyramid(Stage):
    """The last map -> one of `width` channels that has seen it at every grid size."""

    def __init__(
        self, in_layout: FeatureLayout, *, width: int = 512, grid_sizes: tuple[int, ...] = (1, 2, 3, 6)
    ) -> None:
        super().__init__(in_layout.with_last(width))
        self.pooling = PyramidPooling(in_layout.channels[-1], width=width, grid_sizes=grid_sizes)

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        return features.with_last(self.pooling(features.last))


def resized(features_BCHW: Tensor, size: tuple[int, int] | torch.Size) -> Tensor:
    if tuple(features_BCHW.shape[-2:]) == tuple(size):
        return features_BCHW
    return F.interpolate(features_BCHW, size=tuple(size), mode="bilinear", align_corners=False)


class PyramidPoolingConfig(StrictConfig):
    stage: Literal["pyramid_pooling"] = "pyramid_pooling"
    width: int = Field(512, ge=1, le=MAX_WIDTH)
    grid_sizes: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = Field((1, 2, 3, 6), min_length=1, max_length=32)

    def build(self, in_layout: FeatureLayout, class_names: Sequence[str] = ()) -> PooledPyramid:
        return PooledPyramid(in_layout, width=self.width, grid_sizes=self.grid_sizes)
