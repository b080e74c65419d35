"""Dual attention: pixels attend to all pixels, channels to all channels; DANet's two modules on one map.

Fu, Liu, Tian, Li, Bao, Fang, Lu 2019, "Dual attention network for scene segmentation", sections 3.2 to 3.4. A
projection to 512 channels stands before it.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from mereo.features.conv_norm import ConvNormReLU
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.softmax_attention import attended
from mereo.features.stage import Stage
from mereo.strict import StrictConfig


class PositionAttention(nn.Module):
    """Each pixel gets a mean over all pixels, weighted by how alike they are. `gate` (alpha) starts at 0."""

    def __init__(self, width: int) -> None:
        super().__init__()
        # differs from the paper: queries and keys of an eighth of the width, as in the authors' code.
        self.query = nn.Conv2d(width, max(1, width // 8), kernel_size=1)
        self.key = nn.Conv2d(width, max(1, width // 8), kernel_size=1)
        self.value = nn.Conv2d(width, width, kernel_size=1)
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, features_BCHW: Tensor) -> Tensor:
        query_BcP, key_BcP, value_BCP = (
            transform(features_BCHW).flatten(2) for transform in (self.query, self.key, self.value)
        )
        gathered_BCP, _ = attended(query_BcP, key_BcP, value_BCP)  # equation 1
        return self.gate * gathered_BCP.unflatten(2, features_BCHW.shape[-2:]) + features_BCHW  # equation 2


class ChannelAttention(nn.Module):
    """Each channel gets a mean over all channels, weighted by their products. `gate` (beta) starts at 0.

    As printed. The authors' code turns the products around (the largest of a row less each of them).
    """

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, features_BCHW: Tensor) -> Tensor:
        channels_BPC = features_BCHW.flatten(2).transpose(1, 2)
        gathered_BPC, _ = attended(channels_BPC, channels_BPC, channels_BPC)  # equation 3
        gathered_BCHW = gathered_BPC.transpose(1, 2).unflatten(2, features_BCHW.shape[-2:])
        return self.gate * gathered_BCHW + features_BCHW  # equation 4


class DualAttention(Stage):
    """Both modules side by side on the last map, each transformed, and their sum. Same width out."""

    def __init__(self, in_layout: FeatureLayout) -> None:
        super().__init__(in_layout)
        width = in_layout.channels[-1]
        self.position, self.channel = PositionAttention(width), ChannelAttention()
        # differs from the authors' code: one projection before both modules and 1x1 convolutions behind them, where it
        # has two and 3x3. The section leaves both open, and this is nearer to the 10.6M parameters that others report.
        self.after_position = ConvNormReLU(width, width)
        self.after_channel = ConvNormReLU(width, width)

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        of_position_BCHW = self.after_position(self.position(features.last))
        return features.with_last(of_position_BCHW + self.after_channel(self.channel(features.last)))


class DualAttentionConfig(StrictConfig):
    stage: Literal["dual_attention"] = "dual_attention"

    def build(self, in_layout: FeatureLayout, class_names: Sequence[str] = ()) -> DualAttention:
        return DualAttention(in_layout)
