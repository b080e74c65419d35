"""Mask queries: a picture as N pairs of a class and a mask. What the heads MaskFormer and Mask2Former have in common.

Cheng, Schwing, Kirillov 2021, "Per-pixel classification is not all you need for semantic segmentation", section 3.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from mereo.features.feature_maps import FeatureLayout
from mereo.features.stage import MAX_WIDTH
from mereo.heads.class_scores import ClassScores
from mereo.heads.query_layers import Perceptron
from mereo.strict import StrictConfig

MAX_QUERIES = 1 << 12
MAX_LAYERS = 64
SMALLEST_SUM = 1e-12


def class_scores(class_logits_BQK1: Tensor, mask_logits_BQhw: Tensor) -> Tensor:
    """`scores_BKhw` = sum over queries of p(class) * p(pixel in mask); the last class, "no object", is left out.

    Section 3.4, "semantic inference". Scores are not probabilities: queries that share a pixel add up.

    >>> class_scores(torch.tensor([[[50.0, 0.0, 0.0]]]), torch.tensor([[[[50.0, -50.0]]]])).round().tolist()
    [[[[1.0, 0.0]], [[0.0, 0.0]]]]
    """
    probability_BQK = class_logits_BQK1.float().softmax(dim=2)[..., :-1]
    return torch.einsum("bqk,bqhw->bkhw", probability_BQK, mask_logits_BQhw.float().sigmoid())


@dataclass(frozen=True)
class MaskQueriesPrediction:
    """Class logits (their last column is "no object") and mask logits of every query, on the finest grid used.

    `earlier` holds what the decoder said before its last layers, first layer first; training supervises them too.
    """

    class_logits_BQK1: Tensor
    mask_logits_BQhw: Tensor
    earlier: tuple["MaskQueriesPrediction", ...] = ()

    @property
    def class_scores_BKhw(self) -> Tensor:
        """The papers' scores; they may exceed 1."""
        return class_scores(self.class_logits_BQK1, self.mask_logits_BQhw)

    @property
    def class_probability_BKhw(self) -> Tensor:
        """Scores as shares of their sum at each pixel: the same winner, comparable between pixels and passes."""
        scores_BKhw = self.class_scores_BKhw
        # A pixel in nobody's mask: its scores may all round to 0, and then no class is likelier than another.
        padded_BKhw = scores_BKhw + SMALLEST_SUM
        return padded_BKhw / padded_BKhw.sum(dim=1, keepdim=True)

    def class_scores(self) -> ClassScores:
        return ClassScores(self.class_probability_BKhw, are_probabilities=True)


@dataclass(frozen=True)
class SegmentRule:
    """Which queries become segments: those of at least this score, of which at least this share is not covered."""

    least_score: float = 0.8
    least_kept_share: float = 0.8


class MaskQueriesHead(nn.Module):
    """A head that gives a MaskQueriesPrediction. With a rule its segments are told apart in the parse."""

    says_classes = True
    why_no_graph = "its queries are laid out for a known number of pictures"

    def __init__(
        self, layout: FeatureLayout, *, num_classes: int, width: int, segment_rule: SegmentRule | None = None
    ) -> None:
        super().__init__()
        self.used = layout.levels_from()
        self.width, self.segment_rule = width, segment_rule
        self.norm = nn.LayerNorm(width)
        self.classify = nn.Linear(width, num_classes + 1)
        self.mask_vector = Perceptron(width, width)

    def predicted(self, query_BQC: Tensor, embedding_BCHW: Tensor) -> MaskQueriesPrediction:
        """What queries say after a layer: a class each, and a mask by the product with every pixel's embedding."""
        normed_BQC = self.norm(query_BQC)
        vector_BQC = self.mask_vector(normed_BQC)
        mask_logits_BQhw = torch.einsum("bqc,bchw->bqhw", vector_BQC, embedding_BCHW)
        return MaskQueriesPrediction(self.classify(normed_BQC), mask_logits_BQhw)


class MaskQueriesConfig(StrictConfig):
    """What both heads have in common."""

    width: int = Field(256, ge=4, le=MAX_WIDTH, description="a multiple of 4 and of num_heads")
    num_queries: int = Field(100, ge=1, le=MAX_QUERIES)
    num_heads: int = Field(8, ge=1, le=MAX_WIDTH)
    inner_width: int = Field(2048, ge=1, le=MAX_WIDTH, description="between the decoder's two feed-forward layers")
    answers: Literal["semantic", "panoptic"] = Field("semantic", description="panoptic: also instances of things")
    least_score: float = Field(0.8, ge=0, le=1, description="of a segment; panoptic answers alone")
    least_kept_share: float = Field(0.8, ge=0, le=1, description="of a segment's mask; panoptic answers alone")

    @property
    def segment_rule(self) -> SegmentRule | None:
        return SegmentRule(self.least_score, self.least_kept_share) if self.answers == "panoptic" else None
