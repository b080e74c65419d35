"""Feature pyramid: feature levels, fused at the finest stride; UPerNet's neck.

Xiao, Liu, Zhou, Jiang, Sun 2018, "Unified perceptual parsing for scene understanding", section 4.1.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from mereo.features.conv_norm import ConvNormReLU
from mereo.features.feature_levels import FeatureLevels
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.level_fusion import joined_levels
from mereo.features.stage import MAX_WIDTH
from mereo.strict import StrictConfig


class FeaturePyramid(FeatureLevels):
    """All maps of stride `finest_stride` and coarser -> one map of `width` channels at the finest of their strides."""

    def __init__(
        self,
        in_layout: FeatureLayout,
        *,
        width: int = 512,
        finest_stride: int = 4,
        grid_sizes: tuple[int, ...] = (1, 2, 3, 6),
    ) -> None:
        super().__init__(in_layout, width=width, finest_stride=finest_stride, grid_sizes=grid_sizes)
        self.layout = FeatureLayout(channels=(width,), strides=self.layout.strides[:1])
        self.fuse = ConvNormReLU(len(self.used) * width, width, kernel_size=3)

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        levels = super().forward(features, frame)
        return FeatureMaps((self.fuse(joined_levels(levels.maps)),), self.layout.strides, levels.evidence)


class FeaturePyramidConfig(StrictConfig):
    stage: Literal["feature_pyramid"] = "feature_pyramid"
    width: int = Field(512, ge=1, le=MAX_WIDTH)
    finest_stride: int = Field(4, ge=1)
    grid_sizes: tuple[Annotated[int, Field(ge=1, le=1000)], ...] = Field(
        (1, 2, 3, 6), max_length=32, description="empty: no pyramid pooling"
    )

    def build(self, in_layout: FeatureLayout, class_names: Sequence[str] = ()) -> FeaturePyramid:
        return FeaturePyramid(in_layout, width=self.width, finest_stride=self.finest_stride, grid_sizes=self.grid_sizes)
