"""The loss of mask queries in recipes: which masks are wanted, and the papers' weights for the parser's own head."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from mereo.data.batches import Batch
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.heads.mask2former import Mask2Former
from mereo.heads.mask_queries import MaskQueriesHead, MaskQueriesPrediction
from mereo.losses.mask_queries import AllPixelsMaskLoss, MaskLoss, MaskQueriesLoss, SampledPointsMaskLoss
from mereo.losses.mask_query_matching import TermWeights
from mereo.losses.mask_targets import MaskTargets, TargetKind, segment_targets, semantic_targets
from mereo.parser.scene_parser import SceneAnswers, SceneParser
from mereo.parser.terms.loss_settings import OneTermLoss

MASKFORMER_WEIGHTS = TermWeights(of_class=1.0, of_mask=20.0, of_dice=1.0)
MASK2FORMER_WEIGHTS = TermWeights(of_class=2.0, of_mask=5.0, of_dice=5.0)
MAX_POINTS = 1 << 20


class MaskQueriesTerm(nn.Module):
    """The loss of the last decoder layer, and with deep supervision that of every earlier one."""

    is_thing_K: Tensor

    def __init__(self, loss: MaskQueriesLoss, taxonomy: Taxonomy, *, targets: TargetKind, is_deep: bool = True) -> None:
        super().__init__()
        self.loss, self.taxonomy, self.targets, self.is_deep = loss, taxonomy, targets, is_deep
        # On the device once and not in every step; the taxonomy is saved elsewhere.
        self.register_buffer("is_thing_K", torch.tensor(taxonomy.is_thing), persistent=False)

    def forward(self, answers: SceneAnswers, batch: Batch) -> Tensor:
        prediction = answers.prediction(MaskQueriesPrediction)
        targets = batch_targets(batch, self.taxonomy, self.targets, is_thing_K=self.is_thing_K)
        supervised = (*prediction.earlier, prediction) if self.is_deep else (prediction,)
        return torch.stack(
            [self.loss(one.class_logits_BQK1, one.mask_logits_BQhw, targets) for one in supervised]
        ).sum()


def batch_targets(batch: Batch, taxonomy: Taxonomy, kind: TargetKind, *, is_thing_K: Tensor) -> list[MaskTargets]:
    label_BHW = batch.required("semantic_BHW")
    if kind == "semantic":
        return [
            semantic_targets(label_HW, num_classes=taxonomy.num_objects, ignore_label=taxonomy.ignore_index)
            for label_HW in label_BHW
        ]
    return [
        segment_targets(label_HW, instances_HW, is_thing_K=is_thing_K, ignore_label=taxonomy.ignore_index, kind=kind)
        for label_HW, instances_HW in zip(label_BHW, batch.required("instances_BHW"))
    ]


class MaskQueriesLossConfig(OneTermLoss):
    """Left-out weights, and the kind of mask loss, are those of the paper of the parser's head."""

    loss: Literal["mask_queries"] = "mask_queries"
    weight: float = Field(1.0, ge=0)
    targets: TargetKind = Field("semantic", description="one mask a class, or one a thing (and a class of stuff)")
    mask_loss: Literal["all_pixels", "sampled_points"] | None = Field(None, description="left out: as the head's paper")
    class_weight: float | None = Field(None, ge=0)
    mask_weight: float | None = Field(None, ge=0)
    dice_weight: float | None = Field(None, ge=0)
    no_object_weight: float = Field(0.1, ge=0)
    num_points: int = Field(12544, ge=1, le=MAX_POINTS, description="of a mask; sampled_points alone")
    deep_supervision: bool = True

    def build(self, parser: SceneParser, pixels_K: Tensor | None) -> MaskQueriesTerm:
        heads = parser.heads_of(MaskQueriesHead)
        if not heads:
            raise BadInput(
                "mask_queries must have a head of mask queries, but got none; add maskformer or mask2former, "
                "or leave the loss out."
            )
        if self.targets != "semantic" and not any(parser.taxonomy.is_thing):
            raise BadInput(
                f"targets {self.targets} must have a taxonomy with things, but got none in {parser.taxonomy.name}; "
                "use targets: semantic."
            )
        is_second = isinstance(heads[0], Mask2Former)
        papers = MASK2FORMER_WEIGHTS if is_second else MASKFORMER_WEIGHTS
        weights = TermWeights(
            of_class=papers.of_class if self.class_weight is None else self.class_weight,
            of_mask=papers.of_mask if self.mask_weight is None else self.mask_weight,
            of_dice=papers.of_dice if self.dice_weight is None else self.dice_weight,
        )
        is_sampled = is_second if self.mask_loss is None else self.mask_loss == "sampled_points"
        mask_loss: MaskLoss = SampledPointsMaskLoss(num_points=self.num_points) if is_sampled else AllPixelsMaskLoss()
        loss = MaskQueriesLoss(mask_loss, weights=weights, no_object_weight=self.no_object_weight)
        return MaskQueriesTerm(loss, parser.taxonomy, targets=self.targets, is_deep=self.deep_supervision)
