"""Deformable pixel decoder: the three coarsest maps talk to each other; a pyramid takes them down to the finest grid.

Cheng et al. 2022, "Masked-attention mask transformer for universal image segmentation", section 3.2.1 and appendix.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mereo.features.deformable_attention import DeformableAttention
from mereo.features.sine_positions import sine_positions
from mereo.heads.group_norm_convs import lateral, smoothing
from mereo.heads.query_layers import FeedForward

MAX_SCALES = 3


@dataclass(frozen=True)
class DecodedPixels:
    """The maps that queries look at, coarsest first, and the embedding of each pixel of the finest grid."""

    scales: tuple[Tensor, ...]
    embedding_BCHW: Tensor


class ScaleExchange(nn.Module):
    """One layer: every pixel asks a few places on all scales, then thinks."""

    def __init__(self, width: int, *, num_heads: int, num_scales: int, inner_width: int, dropout: float) -> None:
        super().__init__()
        self.attention = DeformableAttention(width, num_heads=num_heads, num_levels=num_scales)
        self.dropout, self.norm = nn.Dropout(dropout), nn.LayerNorm(width)
        self.think = FeedForward(width, inner_width=inner_width, dropout=dropout)

    def forward(self, tokens_BPC: Tensor, positions_PC: Tensor, sizes: list[tuple[int, int]]) -> Tensor:
        asked_BPC = self.attention(tokens_BPC + positions_PC, tokens_BPC, sizes)
        return self.think(self.norm(tokens_BPC + self.dropout(asked_BPC)))


class DeformablePixelDecoder(nn.Module):
    def __init__(
        self,
        channels: list[int],
        *,
        width: int,
        num_layers: int = 6,
        num_heads: int = 8,
        inner_width: int = 1024,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.width = width
        self.num_scales = min(MAX_SCALES, len(channels))
        coarse, fine = channels[-self.num_scales :], channels[: -self.num_scales]
        # Coarsest first, as the decoder's queries visit them.
        self.projections = nn.ModuleList([lateral(channel, width, bias=True) for channel in reversed(coarse)])
        self.scale_positions = nn.Parameter(torch.randn(self.num_scales, width))
        self.layers = nn.ModuleList(
            [
                ScaleExchange(
                    width,
                    num_heads=num_heads,
                    num_scales=self.num_scales,
                    inner_width=inner_width,
                    dropout=dropout,
                )
                for _ in range(num_layers)
            ]
        )
        self.laterals = nn.ModuleList([lateral(channel, width) for channel in fine])
        self.smooth = nn.ModuleList([smoothing(width, width) for _ in fine])
        self.embed = nn.Conv2d(width, width, kernel_size=1)

    def forward(self, maps: list[Tensor]) -> DecodedPixels:
        projected = [project(one) for project, one in zip(self.projections, reversed(maps))]
        sizes = [(one.shape[2], one.shape[3]) for one in projected]
        positions_PC = torch.cat(
            [
                sine_positions(size, channels=self.width, device=one.device).flatten(1).T + scale_C
                for size, one, scale_C in zip(sizes, projected, self.scale_positions)
            ]
        )
        tokens_BPC = torch.cat([one.flatten(2).transpose(1, 2) for one in projected], dim=1)
        for layer in self.layers:
            tokens_BPC = layer(tokens_BPC, positions_PC, sizes)
        scales = [
            scale_BPC.transpose(1, 2).unflatten(2, size)
            for scale_BPC, size in zip(tokens_BPC.split([h * w for h, w in sizes], dim=1), sizes)
        ]
        merged_BCHW = scales[-1]
        for level in reversed(range(len(self.laterals))):
            lateral_BCHW = self.laterals[level](maps[level])
            coarser_BCHW = F.interpolate(
                merged_BCHW, size=lateral_BCHW.shape[-2:], mode="bilinear", align_corners=False
            )
            merged_BCHW = self.smooth[level](lateral_BCHW + coarser_BCHW)
        return DecodedPixels(tuple(scales), self.embed(merged_BCHW))
