"""Level fusion: all maps at the finest stride, joined by one 3x3 convolution; the end of UPerNet's neck."""

from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from mereo.features.conv_norm import ConvNormReLU
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.pyramid_pooling import resized
from mereo.features.stage import MAX_WIDTH, Stage
from mereo.strict import StrictConfig


def joined_levels(levels: Sequence[Tensor]) -> Tensor:
    """B C H W: every map at the first one's size, one behind the other."""
    return torch.cat([_with_whole_gradient(resized(level_BChw, levels[0].shape[-2:])) for level_BChw in levels], dim=1)


def _with_whole_gradient(level_BChw: Tensor) -> Tensor:
    """Its gradient is a slice of the joined one, with gaps between pixels: torch's way back through the upsampling
    would copy it into another order and take six times as long on a CPU."""
    is_channels_last = level_BChw.is_contiguous(memory_format=torch.channels_last)
    if level_BChw.device.type == "cpu" and level_BChw.requires_grad and is_channels_last:
        level_BChw.register_hook(lambda gradient: gradient.contiguous(memory_format=torch.channels_last))
    return level_BChw


class LevelFusion(Stage):
    """All maps -> one of `width` channels at the finest of their strides."""

    def __init__(self, in_layout: FeatureLayout, *, width: int = 512) -> None:
        super().__init__(FeatureLayout(channels=(width,), strides=in_layout.strides[:1]))
        self.fuse = ConvNormReLU(sum(in_layout.channels), width, kernel_size=3)

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        return FeatureMaps((self.fuse(joined_levels(features.maps)),), features.strides[:1], features.evidence)


class LevelFusionConfig(StrictConfig):
    stage: Literal["level_fusion"] = "level_fusion"
    width: int = Field(512, ge=1, le=MAX_WIDTH)

    def build(self, in_layout: FeatureLayout, class_names: Sequence[str] = ()) -> LevelFusion:
        return LevelFusion(in_layout, width=self.width)
