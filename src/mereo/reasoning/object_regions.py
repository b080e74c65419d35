"""Object regions: a coarse answer makes one soft region a class, and each pixel asks all regions; OCR.

Yuan, Chen, Wang 2020, "Object-contextual representations for semantic segmentation", section 3.2. A projection to 512
channels stands before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from mereo.errors import BadInput
from mereo.features.conv_norm import ConvNormReLU
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.softmax_attention import attended
from mereo.reasoning.coarse_answer import CoarseAnswer, CoarseReasoner
from mereo.strict import StrictConfig


@dataclass(frozen=True, eq=False)
class ObjectRegionsEvidence(CoarseAnswer):
    """`regions_BKC` are the means over the soft regions; `relation_BKHW`: what share each pixel takes from each."""

    regions_BKC: Tensor
    relation_BKHW: Tensor


class ObjectRegions(CoarseReasoner):
    """The last map beside what its pixels gather from the regions, joined by a 1x1 convolution. Same width out."""

    def __init__(self, in_layout: FeatureLayout, *, num_classes: int) -> None:
        if num_classes < 1:
            raise BadInput(f"object regions must have at least one class, but got {num_classes}; pass the class names.")
        super().__init__(in_layout)
        width = in_layout.channels[-1]
        key_width = max(1, width // 2)
        # differs from the paper: guessed on the map that it refines, where the paper takes the stage before.
        self.guess = nn.Conv2d(width, num_classes, kernel_size=1)
        nn.init.normal_(self.guess.weight, std=0.01)
        # One convolution each, as the section says; the authors' code has two for queries and keys.
        self.query = ConvNormReLU(width, key_width)  # phi
        self.key = ConvNormReLU(width, key_width)  # psi
        self.value = ConvNormReLU(width, key_width)  # delta
        self.widen = ConvNormReLU(key_width, width)  # rho
        self.join = ConvNormReLU(2 * width, width)  # g

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        last_BCHW = features.last
        coarse_logits_BKHW = self.guess(last_BCHW)
        regions_BKC = mean_over_soft_regions(last_BCHW, coarse_logits_BKHW)
        regions_BCK1 = regions_BKC.transpose(1, 2)[..., None].to(last_BCHW.dtype)
        query_BCP = self.query(last_BCHW).flatten(2)
        # differs from the paper: products divided by the root of their length, as in the authors' code.
        gathered_BCP, relation_BPK = attended(  # equation 5, and the sum of equation 3
            query_BCP * query_BCP.shape[1] ** -0.5, self.key(regions_BCK1)[..., 0], self.value(regions_BCK1)[..., 0]
        )
        size = last_BCHW.shape[-2:]
        context_BCHW = self.widen(gathered_BCP.unflatten(2, size))  # equation 3
        joined_BCHW = self.join(torch.cat([last_BCHW, context_BCHW], dim=1))  # equation 6
        evidence = ObjectRegionsEvidence(
            features_BCHW=last_BCHW,
            coarse_logits_BKHW=coarse_logits_BKHW,
            regions_BKC=regions_BKC,
            relation_BKHW=relation_BPK.transpose(1, 2).unflatten(2, size),
        )
        return features.with_last(joined_BCHW).with_evidence(evidence)


def mean_over_soft_regions(features_BCHW: Tensor, logits_BKHW: Tensor) -> Tensor:
    """Equation 4, B K C in float32 at least: f_k = sum_p m_kp x_p, m_k the softmax of class k's logits over pixels."""
    with torch.autocast(features_BCHW.device.type, enabled=False):
        wide = torch.promote_types(features_BCHW.dtype, torch.float32)
        share_BKP = logits_BKHW.to(wide).flatten(2).softmax(dim=2)
        return share_BKP @ features_BCHW.to(wide).flatten(2).transpose(1, 2)


class ObjectRegionsConfig(StrictConfig):
    stage: Literal["object_regions"] = "object_regions"

    def build(self, in_layout: FeatureLayout, class_names: Sequence[str] = ()) -> ObjectRegions:
        return ObjectRegions(in_layout, num_classes=len(class_names))
