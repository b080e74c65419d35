"""Global reasoning unit: pixels are projected onto nodes, a graph convolution lets these hear each other; GloRe.

Chen, Rohrbach, Yan, Yan, Feng, Kalantidis 2019, "Graph-based global reasoning networks", section 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from mereo.features.conv_norm import PresentBatchNorm2d
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.stage import MAX_WIDTH
from mereo.reasoning.graph_convolution import GraphConvolution
from mereo.reasoning.token_regions import TokenReasoner, TokenRegions
from mereo.regions.concept_masks import gathered_by_masks
from mereo.strict import StrictConfig


@dataclass(frozen=True, eq=False)
class GlobalReasoningEvidence(TokenRegions):
    """`weight_BKHW` are the absolute values of the projection: it has signs, and a region is where it is far from 0."""

    nodes_BKD: Tensor


class GlobalReasoningUnit(TokenReasoner):
    """The last map plus what the nodes make of it. Same shapes out."""

    def __init__(self, in_layout: FeatureLayout, *, num_nodes: int = 64, width: int = 128) -> None:
        super().__init__(in_layout)
        channels = in_layout.channels[-1]
        self.reduce = nn.Conv2d(channels, width, kernel_size=1)  # phi
        self.project = nn.Conv2d(channels, num_nodes, kernel_size=1)  # theta
        self.reason = GraphConvolution(num_nodes, width)
        self.widen = nn.Conv2d(width, channels, kernel_size=1, bias=False)
        self.norm = PresentBatchNorm2d(channels)

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        last_BCHW = features.last
        projection_BKHW = self.project(last_BCHW)
        height, width = last_BCHW.shape[-2:]
        # Divided by the number of pixels, as in the authors' code: nodes are as large for every size of image.
        nodes_BKD = gathered_by_masks(self.reduce(last_BCHW), projection_BKHW, is_mean=False) / (height * width)
        refined_BKD = self.reason(nodes_BKD)
        back_BDP = refined_BKD.transpose(1, 2) @ projection_BKHW.flatten(2)
        enhanced_BCHW = last_BCHW + self.norm(self.widen(back_BDP.unflatten(2, last_BCHW.shape[-2:])))
        evidence = GlobalReasoningEvidence(projection_BKHW.abs(), nodes_BKD)
        return features.with_last(enhanced_BCHW).with_evidence(evidence)


class GlobalReasoningUnitConfig(StrictConfig):
    stage: Literal["global_reasoning_unit"] = "global_reasoning_unit"
    num_nodes: int = Field(64, ge=1, le=MAX_WIDTH)
    width: int = Field(128, ge=1, le=MAX_WIDTH, description="states of a node")

    def build(self, in_layout: FeatureLayout, class_names: Sequence[str] = ()) -> GlobalReasoningUnit:
        return GlobalReasoningUnit(in_layout, num_nodes=self.num_nodes, width=self.width)
