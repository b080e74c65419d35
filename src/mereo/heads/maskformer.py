"""MaskFormer: a feature pyramid gives pixel embeddings, a DETR decoder gives queries; their products are masks.

Cheng, Schwing, Kirillov 2021, "Per-pixel classification is not all you need for semantic segmentation", section 3.3.
"""

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from mereo.data.taxonomy import Taxonomy
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.sine_positions import sine_positions
from mereo.heads.group_norm_convs import lateral, smoothing
from mereo.heads.mask_queries import (
    MAX_LAYERS,
    MaskQueriesConfig,
    MaskQueriesHead,
    MaskQueriesPrediction,
    SegmentRule,
)
from mereo.heads.query_layers import AmongQueries, FeedForward, IntoPixels


class PyramidPixelDecoder(nn.Module):
    """All maps, coarsest first, added on the way down to the finest grid; then the embedding of each of its pixels."""

    def __init__(self, channels: list[int], *, width: int) -> None:
        super().__init__()
        self.start = smoothing(channels[-1], width)
        self.laterals = nn.ModuleList([lateral(channel, width) for channel in channels[:-1]])
        self.smooth = nn.ModuleList([smoothing(width, width) for _ in channels[:-1]])
        self.embed = nn.Conv2d(width, width, kernel_size=3, padding=1)
        nn.init.xavier_uniform_(self.embed.weight)

    def forward(self, maps: list[Tensor]) -> Tensor:
        merged_BCHW = self.start(maps[-1])
        for level in reversed(range(len(self.laterals))):
            lateral_BCHW = self.laterals[level](maps[level])
            coarser_BCHW = F.interpolate(merged_BCHW, size=lateral_BCHW.shape[-2:], mode="nearest")
            merged_BCHW = self.smooth[level](lateral_BCHW + coarser_BCHW)
        return self.embed(merged_BCHW)


class QueryLayer(nn.Module):
    """Queries look at each other, then at the pixels, then think."""

    def __init__(self, width: int, *, num_heads: int, inner_width: int, dropout: float) -> None:
        super().__init__()
        self.among = AmongQueries(width, num_heads=num_heads, dropout=dropout)
        self.into = IntoPixels(width, num_heads=num_heads, dropout=dropout)
        self.think = FeedForward(width, inner_width=inner_width, dropout=dropout)

    def forward(self, query_BQC: Tensor, place_BQC: Tensor, pixels_BPC: Tensor, positions_PC: Tensor) -> Tensor:
        query_BQC = self.among(query_BQC, place_BQC)
        return self.think(self.into(query_BQC, place_BQC, pixels_BPC, positions_PC))


class MaskFormer(MaskQueriesHead):
    def __init__(
        self,
        layout: FeatureLayout,
        *,
        num_classes: int,
        width: int = 256,
        num_queries: int = 100,
        num_layers: int = 6,
        num_heads: int = 8,
        inner_width: int = 2048,
        dropout: float = 0.1,
        segment_rule: SegmentRule | None = None,
    ) -> None:
        super().__init__(layout, num_classes=num_classes, width=width, segment_rule=segment_rule)
        channels = [layout.channels[level] for level in self.used]
        self.pixel_decoder = PyramidPixelDecoder(channels, width=width)
        self.project = nn.Conv2d(channels[-1], width, kernel_size=1) if channels[-1] != width else nn.Identity()
        self.query_places = nn.Embedding(num_queries, width)
        self.layers = nn.ModuleList(
            [
                QueryLayer(width, num_heads=num_heads, inner_width=inner_width, dropout=dropout)
                for _ in range(num_layers)
            ]
        )

    def forward(self, features: FeatureMaps, frame: Frame) -> MaskQueriesPrediction:
        maps = [features.maps[level] for level in self.used]
        embedding_BCHW = self.pixel_decoder(maps)
        last_BCHW = self.project(maps[-1])
        pixels_BPC = last_BCHW.flatten(2).transpose(1, 2)
        positions_Chw = sine_positions(
            (last_BCHW.shape[2], last_BCHW.shape[3]),
            channels=self.width,
            device=last_BCHW.device,
            dtype=last_BCHW.dtype,
        )
        positions_PC = positions_Chw.flatten(1).T
        place_BQC = self.query_places.weight.expand(len(last_BCHW), -1, -1)
        query_BQC = torch.zeros_like(place_BQC)
        predictions = []
        for layer in self.layers:
            query_BQC = layer(query_BQC, place_BQC, pixels_BPC, positions_PC)
            predictions.append(self.predicted(query_BQC, embedding_BCHW))
        last = predictions[-1]
        return MaskQueriesPrediction(last.class_logits_BQK1, last.mask_logits_BQhw, tuple(predictions[:-1]))


class MaskFormerConfig(MaskQueriesConfig):
    head: Literal["maskformer"] = "maskformer"
    num_layers: int = Field(6, ge=1, le=MAX_LAYERS)
    dropout: float = Field(0.1, ge=0, lt=1)

    def build(self, layout: FeatureLayout, taxonomy: Taxonomy) -> MaskFormer:
        return MaskFormer(
            layout,
            num_classes=taxonomy.num_objects,
            width=self.width,
            num_queries=self.num_queries,
            num_layers=self.num_layers,
            num_heads=self.num_heads,
            inner_width=self.inner_width,
            dropout=self.dropout,
            segment_rule=self.segment_rule,
        )
