"""Feature levels: laterals and a top-down path, every level kept; UPerNet's neck before its levels are fused.

Xiao, Liu, Zhou, Jiang, Sun 2018, "Unified perceptual parsing for scene understanding", section 4.1: pooling at several
grid sizes on the last map (PPM) and a feature pyramid below it.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from mereo.features.conv_norm import ConvNormReLU
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.pyramid_pooling import PyramidPooling, resized
from mereo.features.stage import MAX_WIDTH, Stage
from mereo.strict import StrictConfig


class FeatureLevels(Stage):
    """All maps of stride `finest_stride` and coarser -> as many maps of `width` channels at the same strides."""

    def __init__(
        self,
        in_layout: FeatureLayout,
        *,
        width: int = 512,
        finest_stride: int = 4,
        grid_sizes: tuple[int, ...] = (1, 2, 3, 6),
    ) -> None:
        used = in_layout.levels_from(finest_stride)
        strides = tuple(in_layout.strides[level] for level in used)
        super().__init__(FeatureLayout(channels=(width,) * len(used), strides=strides))
        self.used = used
        channels = [in_layout.channels[level] for level in self.used]
        self.pooling = PyramidPooling(channels[-1], width=width, grid_sizes=grid_sizes)
        self.laterals = nn.ModuleList([ConvNormReLU(channel, width) for channel in channels[:-1]])
        self.smooth = nn.ModuleList([ConvNormReLU(width, width, kernel_size=3) for _ in channels[:-1]])

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        maps = [features.maps[level] for level in self.used]
        coarser_BCHW = self.pooling(maps[-1])
        levels = [coarser_BCHW]
        for level in reversed(range(len(self.laterals))):
            lateral_BCHW = self.laterals[level](maps[level])
            coarser_BCHW = lateral_BCHW + resized(coarser_BCHW, lateral_BCHW.shape[-2:])
            levels.insert(0, self.smooth[level](coarser_BCHW))
        strides = tuple(features.strides[level] for level in self.used)
        return FeatureMaps(tuple(levels), strides, features.evidence)


class FeatureLevelsConfig(StrictConfig):
    """A `level_fusion`, or a head that reads all levels, comes behind it; reasoners may stand between."""

    stage: Literal["feature_levels"] = "feature_levels"
    width: int = Field(512, ge=1, le=MAX_WIDTH)
    finest_stride: int = Field(4, ge=1)
    grid_sizes: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = Field(
        (1, 2, 3, 6), max_length=32, description="empty: no pyramid pooling"
    )

    def build(self, in_layout: FeatureLayout, class_names: Sequence[str] = ()) -> FeatureLevels:
        return FeatureLevels(in_layout, width=self.width, finest_stride=self.finest_stride, grid_sizes=self.grid_sizes)
