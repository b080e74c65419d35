"""Class affinity: regions of a coarse answer support and suppress each other along counted edges.

Ding, Zhang, Liu, Li, Feng, Jiang 2021, "Interaction via bi-directional graph of semantic region affinity for scene
parsing" (GRAr). docs/papers/region_affinity.md maps equations to functions and tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from mereo.errors import BadInput
from mereo.features.conv_norm import ConvNormReLU, PresentBatchNorm2d
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.files_of_settings import FileReadOnce
from mereo.reasoning.coarse_answer import CoarseAnswer, CoarseReasoner
from mereo.reasoning.cooccurrence import Normalisation, class_affinity
from mereo.reasoning.cooccurrence_file import read_cooccurrence
from mereo.regions.hard_regions import mean_over_regions, membership, spread_to_pixels
from mereo.strict import StrictConfig

Messages = Literal["both", "positive", "negative"]
Edges = Literal["counted", "learned"]
BackToPixels = Literal["sum", "product", "concatenation"]


@dataclass(frozen=True, eq=False)
class AffinityEvidence(CoarseAnswer):
    """Who was there, what they are, and what each gave to each.

    `positive_BKK[b, i, j]` and `negative_BKK` are the edges from source i to target j between regions that are present;
    None where the branch is switched off. `nodes_BKC` are the means of the regions.
    """

    coarse_label_BHW: Tensor
    is_present_BK: Tensor
    nodes_BKC: Tensor
    positive_BKK: Tensor | None
    negative_BKK: Tensor | None


class Messages1x1(nn.Module):
    """lambda Conv(sum_i F_i e_ij): what a node gets from all that are present, also from itself where its own edge is
    not 0. No bias and no activation: the sign matters."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.transform = nn.Linear(width, width, bias=False)
        # Not 0: the transform would get no gradient on the first step.
        self.strength = nn.Parameter(torch.tensor(0.1))

    def forward(self, nodes_BKC: Tensor, edges_BKK: Tensor) -> Tensor:
        gathered_BKC = edges_BKK.transpose(1, 2) @ nodes_BKC
        answer_BKC: Tensor = self.strength * self.transform(gathered_BKC)
        return answer_BKC


class ClassAffinity(CoarseReasoner):
    """The last map, refined: each pixel gets what its region learned from the regions of the image.

    A region also sends to itself: f_jj is 1, so that its own edge is 1 for support and 0 for suppression; learned edges
    to itself are as those to all others.

    Edges are counted (`cooccurrence_KK`, kept with the weights) or, with `edges="learned"`, 1 between all regions that
    are present, so that only the convolutions learn ("Conv" in the paper's table 2).

    `back_to_pixels`: how a pixel's own features x meet its region's r. The concatenation, joined by a 1x1 convolution,
    and the product x (1 + r) let the region change how its pixels are told apart; the sum x + r, which has the printed
    number of parameters, only shifts what a linear classifier says of a whole region.
    """

    cooccurrence_KK: Tensor

    def __init__(
        self,
        in_layout: FeatureLayout,
        *,
        num_classes: int,
        cooccurrence_KK: Tensor | None = None,
        edges: Edges = "counted",
        messages: Messages = "both",
        normalise: Normalisation = "target",
        shares_suppression: bool = False,
        back_to_pixels: BackToPixels = "concatenation",
    ) -> None:
        super().__init__(in_layout)
        width = in_layout.channels[-1]
        self.num_classes, self.edges, self.normalise = num_classes, edges, normalise
        self.shares_suppression, self.back_to_pixels = shares_suppression, back_to_pixels
        self.guess = nn.Conv2d(width, num_classes, kernel_size=1)
        nn.init.normal_(self.guess.weight, std=0.01)
        self.support = Messages1x1(width) if messages != "negative" else None
        self.suppress = Messages1x1(width) if messages != "positive" else None
        num_parts = 1 + (self.support is not None) + (self.suppress is not None)
        self.join = nn.Linear(num_parts * width, width, bias=False)
        self.norm = PresentBatchNorm2d(width)
        self.meet = ConvNormReLU(2 * width, width) if back_to_pixels == "concatenation" else None
        if edges == "counted":
            self.register_buffer("cooccurrence_KK", self.checked_counts(cooccurrence_KK).to(torch.int64))

    def take_counts(self, cooccurrence_KK: Tensor) -> None:
        """Counts of the training split, where the edges are counted."""
        self.cooccurrence_KK.copy_(self.checked_counts(cooccurrence_KK))

    def checked_counts(self, cooccurrence_KK: Tensor | None) -> Tensor:
        wanted = (self.num_classes, self.num_classes)
        if cooccurrence_KK is None or cooccurrence_KK.shape != wanted:
            got = None if cooccurrence_KK is None else tuple(cooccurrence_KK.shape)
            raise BadInput(
                f"counted edges must have one count for every two of {self.num_classes} classes, but got {got}; count "
                "with `mereo data affinity`, or use edges=learned."
            )
        return cooccurrence_KK

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        last_BCHW = features.last
        coarse_logits_BKHW = self.guess(last_BCHW)
        coarse_label_BHW = coarse_logits_BKHW.argmax(dim=1)  # No gradient goes through who is where.
        membership_BKP = membership(coarse_label_BHW, self.num_classes, dtype=last_BCHW.dtype)
        nodes_BKC, count_BK = mean_over_regions(last_BCHW, membership_BKP)
        is_present_BK = count_BK > 0
        positive_BKK, negative_BKK = self.edges_between(is_present_BK, dtype=nodes_BKC.dtype)
        refined_BKC = self.refined(nodes_BKC, is_present_BK, positive_BKK, negative_BKK)
        spread_BCHW = spread_to_pixels(refined_BKC.to(last_BCHW.dtype), membership_BKP, last_BCHW.shape[-2:])
        evidence = AffinityEvidence(
            features_BCHW=last_BCHW,
            coarse_logits_BKHW=coarse_logits_BKHW,
            coarse_label_BHW=coarse_label_BHW,
            is_present_BK=is_present_BK,
            nodes_BKC=nodes_BKC,
            positive_BKK=None if self.support is None else positive_BKK,
            negative_BKK=None if self.suppress is None else negative_BKK,
        )
        return features.with_last(self.back(last_BCHW, spread_BCHW)).with_evidence(evidence)

    def back(self, last_BCHW: Tensor, spread_BCHW: Tensor) -> Tensor:
        """A pixel's own features and its region's, as one."""
        # differs from the paper: written over the pixel's own features, as printed, the answer would be constant within
        # a region of the coarse answer, and no spot could ever be removed.
        if self.meet is not None:
            met_BCHW: Tensor = self.meet(torch.cat([last_BCHW, spread_BCHW], dim=1))
            return met_BCHW
        return last_BCHW * (1 + spread_BCHW) if self.back_to_pixels == "product" else last_BCHW + spread_BCHW

    def edges_between(self, is_present_BK: Tensor, *, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """e^p and e^n, B K K from source to target; 0 from and to regions that are absent."""
        both_BKK = (is_present_BK[:, :, None] & is_present_BK[:, None, :]).to(dtype)
        positive_BKK = negative_BKK = both_BKK
        if self.edges == "counted":
            # At least float32, and a double only where it is asked for: some accelerators have none.
            wide = torch.promote_types(dtype, torch.float32)
            affinity_KK = class_affinity(self.cooccurrence_KK, normalise=self.normalise, dtype=wide).to(dtype)
            positive_BKK, negative_BKK = affinity_KK * both_BKK, (1 - affinity_KK) * both_BKK
        if self.shares_suppression:
            negative_BKK = negative_BKK / is_present_BK.sum(dim=1).clamp(min=1)[:, None, None]
        return positive_BKK, negative_BKK

    def refined(self, nodes_BKC: Tensor, is_present_BK: Tensor, positive_BKK: Tensor, negative_BKK: Tensor) -> Tensor:
        """Equations 2 to 4, B K C; 0 for absent regions."""
        parts = [nodes_BKC]
        if self.suppress is not None:
            parts.append(nodes_BKC - self.suppress(nodes_BKC, negative_BKK))  # equation 3
        if self.support is not None:
            parts.append(nodes_BKC + self.support(nodes_BKC, positive_BKK))  # equation 2
        joined_BKC = self.join(torch.cat(parts, dim=2))  # equation 4
        if not self.training:  # Fixed shapes, for exporters: what absent regions would get is never read.
            normed_BKC: Tensor = self.norm(joined_BKC.flatten(0, 1)[:, :, None, None])[:, :, 0, 0].view_as(joined_BKC)
            return normed_BKC.relu() * is_present_BK[:, :, None]
        # Absent regions have no say in the statistics.
        normed_NC = self.norm(joined_BKC[is_present_BK][:, :, None, None])[:, :, 0, 0].relu()
        return torch.zeros_like(joined_BKC, dtype=normed_NC.dtype).masked_scatter(is_present_BK[:, :, None], normed_NC)


class ClassAffinityConfig(StrictConfig):
    stage: Literal["class_affinity"] = "class_affinity"
    edges: Edges = Field("counted", description="learned: 1 between all regions that are present")
    messages: Messages = Field("both", description="support (positive), suppression (negative) or both")
    normalise: Normalisation = Field("target", description="target: as printed, source: as the prose reads")
    shares_suppression: bool = Field(False, description="divide the suppression by the number of regions present")
    back_to_pixels: BackToPixels = Field("concatenation", description="how a pixel's own features meet its region's")
    counts: FileReadOnce = Field(
        None,
        description="a file of `mereo data affinity`; left out: counted on the training split",
    )

    @model_validator(mode="after")
    def _check(self) -> "ClassAffinityConfig":
        if self.edges == "learned" and self.counts is not None:
            raise ValueError(
                f"counts must be left out where edges are learned, but got {self.counts!r:.80}; use edges=counted"
            )
        if self.edges == "learned" and self.normalise != "target":
            raise ValueError(
                f"normalise must be target where edges are learned, but got {self.normalise!r}; use edges=counted"
            )
        return self

    def build(self, in_layout: FeatureLayout, class_names: Sequence[str]) -> ClassAffinity:
        """Without `counts` all counts are 0 until weights are loaded or `take_counts` is called."""
        num_classes = len(class_names)
        cooccurrence_KK = torch.zeros(num_classes, num_classes, dtype=torch.int64)
        if self.counts is not None:
            cooccurrence = read_cooccurrence(self.counts)
            cooccurrence.require_classes(class_names)
            cooccurrence_KK = cooccurrence.counts_KK
        return ClassAffinity(
            in_layout,
            num_classes=num_classes,
            cooccurrence_KK=cooccurrence_KK,
            edges=self.edges,
            messages=self.messages,
            normalise=self.normalise,
            shares_suppression=self.shares_suppression,
            back_to_pixels=self.back_to_pixels,
        )
