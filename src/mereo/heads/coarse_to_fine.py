"""Coarse to fine: each level asks a context that holds what the coarser levels have found, and adds to it.

"Specialize and fuse: pyramidal representation for semantic segmentation" (SaF), section 3.3.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mereo.features.conv_norm import ConvNormReLU, PresentBatchNorm2d
from mereo.features.pyramid_sampling import pyramid_sampled
from mereo.features.softmax_attention import attended


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a 1x1 shortcut. On coarse levels alone: few cells, little cost."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.first = ConvNormReLU(in_channels, width, kernel_size=3)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), PresentBatchNorm2d(width))
        self.shortcut = nn.Sequential(nn.Conv2d(in_channels, width, 1, bias=False), PresentBatchNorm2d(width))

    def forward(self, features_BCHW: Tensor) -> Tensor:
        return torch.relu(self.second(self.first(features_BCHW)) + self.shortcut(features_BCHW))


class Aggregation(nn.Module):
    """Equation 3: a level's features beside what they gather from the context."""

    def __init__(self, width: int, key_width: int, *, is_finest: bool) -> None:
        super().__init__()
        self.key_width = key_width
        self.query = nn.Conv2d(width, key_width, kernel_size=1)
        self.key = nn.Conv1d(width, key_width, kernel_size=1)
        self.value = nn.Conv1d(width, key_width, kernel_size=1)
        self.widen = nn.Conv2d(key_width, width, kernel_size=1)
        self.join: nn.Module = ConvNormReLU(2 * width, width) if is_finest else ResidualBlock(2 * width, width)

    def forward(self, features_BCHW: Tensor, context_BCS: Tensor) -> Tensor:
        query_BCP = self.query(features_BCHW).flatten(2) * self.key_width**-0.5
        gathered_BCP, _ = attended(query_BCP, self.key(context_BCS), self.value(context_BCS))
        gathered_BCHW = gathered_BCP.to(features_BCHW.dtype).unflatten(2, features_BCHW.shape[-2:])
        joined_BCHW: Tensor = self.join(torch.cat([self.widen(gathered_BCHW), features_BCHW], dim=1))
        return joined_BCHW


class CoarseToFine(nn.Module):
    """Features of all levels, coarsest first, each enriched by the context of the levels before it. Same shapes out."""

    def __init__(self, *, num_levels: int, width: int, key_width: int) -> None:
        super().__init__()
        last = num_levels - 1
        self.aggregate = nn.ModuleList(
            [Aggregation(width, key_width, is_finest=level == last) for level in range(num_levels)]
        )
        self.update = nn.ModuleList([nn.Conv1d(2 * width, width, kernel_size=1) for _ in range(last)])

    def forward(self, levels_BCHW: Sequence[Tensor]) -> list[Tensor]:
        context_BCS = pyramid_sampled(levels_BCHW[-1])
        enriched = []
        for level, features_BCHW in enumerate(levels_BCHW):
            enriched.append(self.aggregate[level](features_BCHW, context_BCS))
            if level < len(self.update):  # equation 4
                seen_BCS = torch.cat([pyramid_sampled(enriched[-1]), context_BCS], dim=1)
                context_BCS = self.update[level](seen_BCS)
        return enriched
