"""Projection: one convolution to a chosen width on the last map; FCN's 3x3 before its classifier."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from mereo.features.conv_norm import ConvNormReLU
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.stage import MAX_WIDTH, Stage
from mereo.strict import StrictConfig


class Projection(Stage):
    def __init__(self, in_layout: FeatureLayout, *, width: int = 512, kernel_size: int = 3) -> None:
        super().__init__(in_layout.with_last(width))
        self.project = ConvNormReLU(in_layout.channels[-1], width, kernel_size=kernel_size)

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        return features.with_last(self.project(features.last))


class ProjectionConfig(StrictConfig):
    stage: Literal["projection"] = "projection"
    width: int = Field(512, ge=1, le=MAX_WIDTH)
    kernel_size: Literal[1, 3, 5, 7] = 3

    def build(self, in_layout: FeatureLayout, class_names: Sequence[str] = ()) -> Projection:
        return Projection(in_layout, width=self.width, kernel_size=self.kernel_size)
