"""Asymmetric non-local block: every pixel asks a pyramid of means instead of all pixels; ANL.

Zhu, Xu, Bai, Huang, Bai 2019, "Asymmetric non-local neural networks for semantic segmentation", section 3.3 (APNB). A
projection to 512 channels stands before it.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from mereo.errors import BadInput
from mereo.features.conv_norm import ConvNormReLU
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.pyramid_sampling import GRID_SIZES, pyramid_sampled
from mereo.features.softmax_attention import attended
from mereo.features.stage import Stage
from mereo.strict import StrictConfig

MAX_GRID_SIZE = 64


class AsymmetricNonlocal(Stage):
    """The last map beside what its pixels gather from the sampled means, joined by a 1x1 convolution. Same width."""

    def __init__(self, in_layout: FeatureLayout, *, grid_sizes: Sequence[int] = GRID_SIZES) -> None:
        if not grid_sizes or min(grid_sizes) < 1:
            raise BadInput(f"grid_sizes must be one or more numbers from 1 up, but got {tuple(grid_sizes)}; e.g. 1, 3.")
        super().__init__(in_layout)
        width = in_layout.channels[-1]
        self.grid_sizes, self.key_width = tuple(grid_sizes), max(1, width // 2)
        self.query = nn.Conv2d(width, self.key_width, kernel_size=1)
        self.key = nn.Conv1d(width, self.key_width, kernel_size=1)
        self.value = nn.Conv1d(width, self.key_width, kernel_size=1)
        self.widen = nn.Conv2d(self.key_width, width, kernel_size=1)
        self.join = ConvNormReLU(2 * width, width)

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        last_BCHW = features.last
        sampled_BCS = pyramid_sampled(last_BCHW, self.grid_sizes)
        # differs from the paper: products divided by the root of their length, as in the authors' code.
        query_BCP = self.query(last_BCHW).flatten(2) * self.key_width**-0.5
        gathered_BCP, _ = attended(query_BCP, self.key(sampled_BCS), self.value(sampled_BCS))
        context_BCHW = self.widen(gathered_BCP.to(last_BCHW.dtype).unflatten(2, last_BCHW.shape[-2:]))
        joined_BCHW: Tensor = self.join(torch.cat([context_BCHW, last_BCHW], dim=1))
        return features.with_last(joined_BCHW)


class AsymmetricNonlocalConfig(StrictConfig):
    stage: Literal["asymmetric_nonlocal"] = "asymmetric_nonlocal"
    grid_sizes: tuple[int, ...] = Field(GRID_SIZES, min_length=1, max_length=8)

    def build(self, in_layout: FeatureLayout, class_names: Sequence[str] = ()) -> AsymmetricNonlocal:
        if max(self.grid_sizes) > MAX_GRID_SIZE:
            raise BadInput(f"grid_sizes must be at most {MAX_GRID_SIZE}, but got {self.grid_sizes}; e.g. 1, 3, 6, 8.")
        return AsymmetricNonlocal(in_layout, grid_sizes=self.grid_sizes)
