"""Level branch: the same few 3x3 convolutions on every feature map, joined at the finest stride by a 1x1.

Xiong et al. 2019, "UPSNet: a unified panoptic segmentation network", section 3.1 (its semantic head); Dai et al. 2017,
"Deformable convolutional networks", section 2.1. "Contextual image parsing via panoptic segment sorting" (PSS),
section 4.1, has it before its embeddings.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torchvision.ops import DeformConv2d

from mereo.features.conv_3x3 import Conv3x3
from mereo.features.feature_maps import FeatureLayout, FeatureMaps
from mereo.features.level_fusion import joined_levels
from mereo.heads.group_norm_convs import group_norm, lateral

Convolution = Literal["deformable", "plain"]


class LevelBranch(nn.Module):
    """Maps of stride 4 and coarser -> one of `out_channels` at the finest of their strides.

    The convolutions see maps of all scales, so each map whose channels are not `width` is brought to it first.
    """

    def __init__(
        self,
        layout: FeatureLayout,
        *,
        width: int,
        out_channels: int,
        num_layers: int = 3,
        convolution: Convolution = "deformable",
    ) -> None:
        super().__init__()
        self.used = layout.levels_from()
        channels = [layout.channels[level] for level in self.used]
        self.laterals = nn.ModuleList(
            [nn.Identity() if channel == width else lateral(channel, width) for channel in channels]
        )
        self.layers = nn.Sequential(*(_layer(width, convolution) for _ in range(num_layers)))
        self.fuse = nn.Conv2d(width * len(self.used), out_channels, kernel_size=1)

    def forward(self, features: FeatureMaps) -> Tensor:
        levels = [
            self.layers(bring(features.maps[level])) for level, bring in zip(self.used, self.laterals, strict=True)
        ]
        joined: Tensor = self.fuse(joined_levels(levels))
        return joined


class DeformableConv3x3(nn.Module):
    """A 3x3 convolution whose nine points move: where to is read from the map itself, at first nowhere."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.offsets = nn.Conv2d(width, 2 * 9, kernel_size=3, padding=1)
        self.convolve = DeformConv2d(width, width, kernel_size=3, padding=1, bias=False)
        nn.init.zeros_(self.offsets.weight)
        if self.offsets.bias is not None:  # It always has one; type checkers cannot know.
            nn.init.zeros_(self.offsets.bias)
        nn.init.kaiming_normal_(self.convolve.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, features_BCHW: Tensor) -> Tensor:
        # Places on a large map need all digits, and torchvision wants one type for both.
        with torch.autocast(features_BCHW.device.type, enabled=False):
            wide_BCHW = features_BCHW.float()
            moved: Tensor = self.convolve(wide_BCHW, self.offsets(wide_BCHW))
        return moved.to(features_BCHW.dtype)


def _layer(width: int, convolution: Convolution) -> nn.Sequential:
    if convolution == "deformable":
        return nn.Sequential(DeformableConv3x3(width), group_norm(width), nn.ReLU(inplace=True))
    convolve = Conv3x3(width, width)
    nn.init.kaiming_normal_(convolve.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(convolve, group_norm(width), nn.ReLU(inplace=True))
