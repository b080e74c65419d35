"""Atrous pyramid: the last map seen at several dilations and as a whole; DeepLabV3's ASPP.

Chen, Papandreou, Schroff, Adam 2017, "Rethinking atrous convolution for semantic image segmentation", section 3.3.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from mereo.features.conv_norm import ConvNormReLU
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.stage import MAX_WIDTH, Stage
from mereo.strict import StrictConfig

# The paper's rates (6, 12, 18) belong to stride 16 and double at stride 8: they mean 96, 192, 288 pixels of the image.
RATES_IN_PIXELS = (96, 192, 288)


class AtrousPyramid(Stage):
    """1x1, one dilated 3x3 a rate and image pooling, concatenated and projected to `width`."""

    def __init__(self, in_layout: FeatureLayout, *, width: int = 256, rates: tuple[int, ...] | None = None) -> None:
        super().__init__(in_layout.with_last(width))
        in_channels, stride = in_layout.channels[-1], in_layout.strides[-1]
        self.rates = rates if rates is not None else tuple(max(1, pixels // stride) for pixels in RATES_IN_PIXELS)
        self.branches = nn.ModuleList(
            [ConvNormReLU(in_channels, width)]
            + [ConvNormReLU(in_channels, width, kernel_size=3, dilation=rate) for rate in self.rates]
        )
        self.pooled = ConvNormReLU(in_channels, width)
        self.project = ConvNormReLU((len(self.branches) + 1) * width, width)

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        last_BCHW = features.last
        pooled_BC11 = self.pooled(last_BCHW.mean(dim=(2, 3), keepdim=True))
        answers = [branch(last_BCHW) for branch in self.branches]
        answers.append(pooled_BC11.expand(-1, -1, *last_BCHW.shape[-2:]))
        return features.with_last(self.project(torch.cat(answers, dim=1)))


class AtrousPyramidConfig(StrictConfig):
    stage: Literal["atrous_pyramid"] = "atrous_pyramid"
    width: int = Field(256, ge=1, le=MAX_WIDTH)
    rates: tuple[Annotated[int, Field(ge=1, le=1000)], ...] | None = Field(
        None, max_length=32, description="dilations; left out: the paper's, for the map's stride"
    )

    def build(self, in_layout: FeatureLayout, class_names: Sequence[str] = ()) -> AtrousPyramid:
        return AtrousPyramid(in_layout, width=self.width, rates=self.rates)
