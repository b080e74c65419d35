"""Concatenated levels: the maps of a network, one behind the other at the finest stride, with nothing learned.

Sun et al. 2019, "High-resolution representations for labeling pixels and regions", section 3.1: HRNetV2 hands on its
four branches so; HRNet-48's have 720 channels at stride 4.
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.level_fusion import joined_levels
from mereo.features.stage import Stage
from mereo.strict import StrictConfig


class ConcatenatedLevels(Stage):
    """All maps of stride `finest_stride` and coarser -> one of all their channels at the finest of their strides."""

    def __init__(self, in_layout: FeatureLayout, *, finest_stride: int = 4) -> None:
        used = in_layout.levels_from(finest_stride)
        channels = sum(in_layout.channels[level] for level in used)
        super().__init__(FeatureLayout(channels=(channels,), strides=(in_layout.strides[used[0]],)))
        self.used = used

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        joined_BCHW = joined_levels([features.maps[level] for level in self.used])
        return FeatureMaps((joined_BCHW,), (features.strides[self.used[0]],), features.evidence)


class ConcatenatedLevelsConfig(StrictConfig):
    stage: Literal["concatenated_levels"] = "concatenated_levels"
    finest_stride: int = Field(4, ge=1)

    def build(self, in_layout: FeatureLayout, class_names: Sequence[str] = ()) -> ConcatenatedLevels:
        return ConcatenatedLevels(in_layout, finest_stride=self.finest_stride)
