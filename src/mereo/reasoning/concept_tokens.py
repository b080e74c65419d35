"""Concept tokens: learned concepts find their regions, the regions' tokens reason, what they say goes back to pixels.

Hossain, Sigal, Little, "Framework-agnostic semantically-aware global reasoning for segmentation" (SGR), sections 3.1
and 3.2. docs/papers/semantic_global_reasoning.md maps equations to functions and tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.position_codes import position_codes
from mereo.features.stage import MAX_WIDTH
from mereo.reasoning.graph_convolution import GraphConvolution
from mereo.reasoning.token_regions import TokenReasoner, TokenRegions
from mereo.regions.concept_masks import gathered_by_masks, mask_centroids, spread_by_masks
from mereo.shapes import require_shapes
from mereo.strict import StrictConfig

Refinement = Literal["transformer", "graph"]
Norm = Literal["area", "none"]


@dataclass(frozen=True, eq=False)
class ConceptEvidence(TokenRegions):
    """`weight_BKHW` are the concept regions, each probability on its own. Tokens before and after they reasoned."""

    centroid_BK2: Tensor
    tokens_BKD: Tensor
    refined_BKD: Tensor


class ConceptTokens(TokenReasoner):
    """The last map plus what the tokens of the image make of it. Same shapes out."""

    def __init__(
        self,
        in_layout: FeatureLayout,
        *,
        num_concepts: int = 512,
        width: int = 512,
        feedforward_width: int = 2048,
        num_layers: int = 2,
        num_heads: int = 8,
        dropout: float = 0.1,
        refinement: Refinement = "transformer",
        has_pixel_codes: bool = True,
        has_centroid_codes: bool = True,
        token_norm: Norm = "area",
        spread_norm: Norm = "area",
    ) -> None:
        if width % 2 or width % num_heads:
            raise BadInput(
                f"the width of tokens must be even and a multiple of num_heads, but got {width} with {num_heads} "
                "heads; e.g. 512 with 8."
            )
        super().__init__(in_layout)
        channels = in_layout.channels[-1]
        self.width = width
        self.has_pixel_codes, self.has_centroid_codes = has_pixel_codes, has_centroid_codes
        self.token_norm, self.spread_norm = token_norm, spread_norm
        self.concepts = nn.Linear(2 * channels, num_concepts, bias=False)  # b_k
        self.reduce = nn.Linear(2 * channels, width, bias=False)  # W_d
        self.refine: nn.Module
        if refinement == "transformer":
            layer = nn.TransformerEncoderLayer(width, num_heads, feedforward_width, dropout, batch_first=True)
            self.refine = nn.TransformerEncoder(layer, num_layers, enable_nested_tensor=False)
        else:
            self.refine = nn.Sequential(*(GraphConvolution(num_concepts, width) for _ in range(num_layers)))
        self.widen = nn.Conv2d(width, channels, kernel_size=1)

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        last_BCHW = features.last
        # One convolution for both: they read the same features.
        weight_O2C = torch.cat([self.concepts.weight, self.reduce.weight])
        answers_BOHW = convolved_with_codes(last_BCHW, weight_O2C, has_codes=self.has_pixel_codes)
        logits_BKHW, reduced_BDHW = answers_BOHW.split([len(self.concepts.weight), self.width], dim=1)
        # In float32 at least: in bfloat16 all above 0.998 is 1, and a concept that is surely wrong learns nothing.
        probability_BKHW = logits_BKHW.to(torch.promote_types(logits_BKHW.dtype, torch.float32)).sigmoid()  # equation 2
        # differs from the paper: "area" divides the printed sum of equation 3 by the mask's mass; the centroid's code,
        # between -1 and 1, would drown in a sum over thousands of pixels.
        tokens_BKD = gathered_by_masks(reduced_BDHW, probability_BKHW, is_mean=self.token_norm == "area")
        centroid_BK2 = mask_centroids(probability_BKHW)  # equation 4
        coded_BKD = tokens_BKD + centroid_codes(centroid_BK2, self.width) if self.has_centroid_codes else tokens_BKD
        refined_BKD = self.refine(coded_BKD)
        # differs from the paper: with "area" a pixel gets the mean of its tokens and not their sum, which at the start
        # is that of half of all tokens.
        spread_BDHW = spread_by_masks(refined_BKD, probability_BKHW, is_mean=self.spread_norm == "area")
        enhanced_BCHW = last_BCHW + self.widen(spread_BDHW.to(last_BCHW.dtype))
        evidence = ConceptEvidence(probability_BKHW, centroid_BK2, tokens_BKD, refined_BKD)
        return features.with_last(enhanced_BCHW).with_evidence(evidence)


def convolved_with_codes(features_BCHW: Tensor, weight_O2C: Tensor, *, has_codes: bool = True) -> Tensor:
    """B O H W: a 1x1 convolution of equation 1's features, [X + PE(x); X + PE(y)], without making them.

    W [X + PE(x); X + PE(y)] = (W_x + W_y) X + W_x PE(x) + W_y PE(y): half the multiply-adds, and the codes, which
    change along one axis each, are multiplied once a column and once a row.
    """
    require_shapes(features_BCHW=features_BCHW)
    channels, (height, width) = features_BCHW.shape[1], features_BCHW.shape[-2:]
    of_column_OC, of_row_OC = weight_O2C.split(channels, dim=1)
    answer_BOHW = nn.functional.conv2d(features_BCHW, (of_column_OC + of_row_OC)[:, :, None, None])
    if not has_codes:
        return answer_BOHW
    kind = of_row_OC.dtype
    column_W, row_H = (torch.arange(1, n + 1, device=features_BCHW.device, dtype=kind) for n in (width, height))
    column_OW = of_column_OC @ position_codes(column_W, width=channels).to(kind).t()
    row_OH = of_row_OC @ position_codes(row_H, width=channels).to(kind).t()
    return answer_BOHW + column_OW[:, None, :] + row_OH[:, :, None]


def centroid_codes(centroid_BK2: Tensor, width: int) -> Tensor:
    """B K D: the code of each centroid's row in the first half, that of its column in the second."""
    return position_codes(centroid_BK2, width=width // 2).flatten(2)


class ConceptTokensConfig(StrictConfig):
    stage: Literal["concept_tokens"] = "concept_tokens"
    num_concepts: int = Field(512, ge=1, le=MAX_WIDTH, description="K")
    width: int = Field(512, ge=2, le=MAX_WIDTH, description="D, of a token")
    feedforward_width: int = Field(2048, ge=1, le=MAX_WIDTH)
    num_layers: int = Field(2, ge=1, le=64)
    num_heads: int = Field(8, ge=1, le=256)
    dropout: float = Field(0.1, ge=0, lt=1)
    refinement: Refinement = Field("transformer", description="graph: learned edges between all concepts")
    pixel_codes: bool = Field(True, description="the concepts see where a pixel lies")
    centroid_codes: bool = Field(True, description="the tokens know where their regions lie")
    token_norm: Norm = Field("area", description="none: sums over the region, as printed")
    spread_norm: Norm = Field("area", description="none: a pixel gets the sum of its tokens, as printed")

    def build(self, in_layout: FeatureLayout, class_names: Sequence[str] = ()) -> ConceptTokens:
        return ConceptTokens(
            in_layout,
            num_concepts=self.num_concepts,
            width=self.width,
            feedforward_width=self.feedforward_width,
            num_layers=self.num_layers,
            num_heads=self.num_heads,
            dropout=self.dropout,
            refinement=self.refinement,
            has_pixel_codes=self.pixel_codes,
            has_centroid_codes=self.centroid_codes,
            token_norm=self.token_norm,
            spread_norm=self.spread_norm,
        )
