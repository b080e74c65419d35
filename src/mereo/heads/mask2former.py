"""Mask2Former: queries look only where their own mask of the layer before lies, on one scale after the other.

Cheng et al. 2022, "Masked-attention mask transformer for universal image segmentation", sections 3.2 and 3.3.
"""

from typing import Literal

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from mereo.data.taxonomy import Taxonomy
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.sine_positions import sine_positions
from mereo.features.stage import MAX_WIDTH
from mereo.heads.deformable_pixel_decoder import DeformablePixelDecoder
from mereo.heads.mask_queries import (
    MAX_LAYERS,
    MaskQueriesConfig,
    MaskQueriesHead,
    MaskQueriesPrediction,
    SegmentRule,
)
from mereo.heads.query_layers import AmongQueries, FeedForward, IntoPixels


def visible_pixels(mask_logits_BQhw: Tensor, size: tuple[int, int]) -> Tensor:
    """`may_see_BQP` (bool): the pixels of a map of `size` inside each query's mask; all, where the mask is empty.

    Equation 2 of the paper. No gradient flows through it.
    """
    resized_BQhw = F.interpolate(mask_logits_BQhw.detach().float(), size=size, mode="bilinear", align_corners=False)
    inside_BQP = (resized_BQhw >= 0).flatten(2)
    return inside_BQP | ~inside_BQP.any(dim=2, keepdim=True)


class MaskedQueryLayer(nn.Module):
    """Queries look at the pixels they may see, then at each other, then think."""

    def __init__(self, width: int, *, num_heads: int, inner_width: int, dropout: float) -> None:
        super().__init__()
        self.into = IntoPixels(width, num_heads=num_heads, dropout=dropout)
        self.among = AmongQueries(width, num_heads=num_heads, dropout=dropout)
        self.think = FeedForward(width, inner_width=inner_width, dropout=dropout)

    def forward(
        self, query_BQC: Tensor, place_BQC: Tensor, pixels_BPC: Tensor, positions_PC: Tensor, may_see_BQP: Tensor
    ) -> Tensor:
        query_BQC = self.into(query_BQC, place_BQC, pixels_BPC, positions_PC, may_see_BQP)
        return self.think(self.among(query_BQC, place_BQC))


class Mask2Former(MaskQueriesHead):
    def __init__(
        self,
        layout: FeatureLayout,
        *,
        num_classes: int,
        width: int = 256,
        num_queries: int = 100,
        num_layers: int = 9,
        num_pixel_layers: int = 6,
        num_heads: int = 8,
        inner_width: int = 2048,
        pixel_inner_width: int = 1024,
        dropout: float = 0.0,
        segment_rule: SegmentRule | None = None,
    ) -> None:
        super().__init__(layout, num_classes=num_classes, width=width, segment_rule=segment_rule)
        self.pixel_decoder = DeformablePixelDecoder(
            [layout.channels[level] for level in self.used],
            width=width,
            num_layers=num_pixel_layers,
            num_heads=num_heads,
            inner_width=pixel_inner_width,
            dropout=dropout,
        )
        self.scale_vectors = nn.Embedding(self.pixel_decoder.num_scales, width)
        self.query_places = nn.Embedding(num_queries, width)
        self.queries = nn.Embedding(num_queries, width)
        self.layers = nn.ModuleList(
            [
                MaskedQueryLayer(width, num_heads=num_heads, inner_width=inner_width, dropout=dropout)
                for _ in range(num_layers)
            ]
        )

    def forward(self, features: FeatureMaps, frame: Frame) -> MaskQueriesPrediction:
        decoded = self.pixel_decoder([features.maps[level] for level in self.used])
        sizes = [(scale.shape[2], scale.shape[3]) for scale in decoded.scales]
        pixels = [
            scale.flatten(2).transpose(1, 2) + vector_C
            for scale, vector_C in zip(decoded.scales, self.scale_vectors.weight)
        ]
        positions = [
            sine_positions(size, channels=self.width, device=scale.device, dtype=scale.dtype).flatten(1).T
            for size, scale in zip(sizes, decoded.scales)
        ]
        batch_size = len(decoded.embedding_BCHW)
        place_BQC = self.query_places.weight.expand(batch_size, -1, -1)
        query_BQC = self.queries.weight.expand(batch_size, -1, -1)
        predictions = [self.predicted(query_BQC, decoded.embedding_BCHW)]
        for number, layer in enumerate(self.layers):
            scale = number % len(sizes)
            may_see_BQP = visible_pixels(predictions[-1].mask_logits_BQhw, sizes[scale])
            query_BQC = layer(query_BQC, place_BQC, pixels[scale], positions[scale], may_see_BQP)
            predictions.append(self.predicted(query_BQC, decoded.embedding_BCHW))
        last = predictions[-1]
        return MaskQueriesPrediction(last.class_logits_BQK1, last.mask_logits_BQhw, tuple(predictions[:-1]))


class Mask2FormerConfig(MaskQueriesConfig):
    head: Literal["mask2former"] = "mask2former"
    num_layers: int = Field(9, ge=1, le=MAX_LAYERS)
    num_pixel_layers: int = Field(6, ge=0, le=MAX_LAYERS)
    pixel_inner_width: int = Field(1024, ge=1, le=MAX_WIDTH)
    dropout: float = Field(0.0, ge=0, lt=1)

    def build(self, layout: FeatureLayout, taxonomy: Taxonomy) -> Mask2Former:
        return Mask2Former(
            layout,
            num_classes=taxonomy.num_objects,
            width=self.width,
            num_queries=self.num_queries,
            num_layers=self.num_layers,
            num_pixel_layers=self.num_pixel_layers,
            num_heads=self.num_heads,
            inner_width=self.inner_width,
            pixel_inner_width=self.pixel_inner_width,
            dropout=self.dropout,
            segment_rule=self.segment_rule,
        )
