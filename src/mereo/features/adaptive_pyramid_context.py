"""Adaptive pyramid context: each pixel weighs the cells of several grids, guided by the whole map; APCNet's neck.

He, Deng, Zhou, Wang, Qiao 2019, "Adaptive pyramid context network for semantic segmentation", section 3.
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


class AdaptiveContext(nn.Module):
    """One grid of s x s cells y_j: z_i = sum_j a_ij y_j with a_i = sigmoid(linear(x_i + g(X))), g of the mean pixel.

    How z joins x (a convolution, the sum, one more convolution) is as in the code of mmsegmentation.
    """

    def __init__(self, in_channels: int, *, width: int, grid_size: int) -> None:
        super().__init__()
        self.grid_size = grid_size
        self.reduce = ConvNormReLU(in_channels, width)
        self.reduce_cells = ConvNormReLU(in_channels, width)
        self.guide = ConvNormReLU(width, width)
        self.affinity = nn.Conv2d(width, grid_size**2, kernel_size=1)
        self.transform = ConvNormReLU(width, width)
        self.fuse = ConvNormReLU(width, width)

    def forward(self, features_BCHW: Tensor) -> Tensor:
        reduced_BCHW = self.reduce(features_BCHW)
        cells_BCR = self.reduce_cells(F.adaptive_avg_pool2d(features_BCHW, self.grid_size)).flatten(2)
        guide_BC11 = self.guide(reduced_BCHW.mean(dim=(2, 3), keepdim=True))
        affinity_BRP = self.affinity(reduced_BCHW + guide_BC11).sigmoid().flatten(2)
        context_BCHW = (cells_BCR @ affinity_BRP).unflatten(2, features_BCHW.shape[-2:])
        answer_BCHW: Tensor = self.fuse(self.transform(context_BCHW) + reduced_BCHW)
        return answer_BCHW


class AdaptivePyramidContext(Stage):
    """The last map beside its adaptive contexts, joined by a 3x3 convolution to `width`."""

    def __init__(
        self, in_layout: FeatureLayout, *, width: int = 512, grid_sizes: tuple[int, ...] = (1, 2, 3, 6)
    ) -> None:
        super().__init__(in_layout.with_last(width))
        in_channels = in_layout.channels[-1]
        self.contexts = nn.ModuleList(
            [AdaptiveContext(in_channels, width=width, grid_size=grid_size) for grid_size in grid_sizes]
        )
        self.project = ConvNormReLU(in_channels + len(grid_sizes) * width, width, kernel_size=3)

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        last_BCHW = features.last
        answers = [last_BCHW, *(context(last_BCHW) for context in self.contexts)]
        return features.with_last(self.project(torch.cat(answers, dim=1)))


class AdaptivePyramidContextConfig(StrictConfig):
    stage: Literal["adaptive_pyramid_context"] = "adaptive_pyramid_context"
    width: int = Field(512, ge=1, le=MAX_WIDTH)
    grid_sizes: tuple[Annotated[int, Field(ge=1, le=32)], ...] = Field((1, 2, 3, 6), min_length=1, max_length=32)

    def build(self, in_layout: FeatureLayout, class_names: Sequence[str] = ()) -> AdaptivePyramidContext:
        return AdaptivePyramidContext(in_layout, width=self.width, grid_sizes=self.grid_sizes)
