"""The loss of mask queries: each true mask has one query that answers for it; all others must say "no object".

Cheng, Schwing, Kirillov 2021, "Per-pixel classification is not all you need for semantic segmentation", section 3.2
(focal loss and dice on all pixels); Cheng et al. 2022, "Masked-attention mask transformer for universal image
segmentation", sections 3.3 and 4 (cross-entropy and dice on sampled points).
"""

from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mereo.losses.mask_agreement import (
    dice_loss,
    focal_loss,
    mask_cross_entropy,
    pairwise_cross_entropy,
    pairwise_focal_loss,
)
from mereo.losses.mask_query_matching import TermWeights, matched_pairs, matching_cost
from mereo.losses.mask_targets import MaskTargets
from mereo.losses.summed_loss import at_size_of
from mereo.losses.uncertain_points import uncertain_points, values_at
from mereo.processes import over_whole_batch
from mereo.shapes import require_shapes

Pairs = tuple[Tensor, Tensor]


def query_class_loss(
    class_logits_BQK1: Tensor, targets: Sequence[MaskTargets], pairs: Sequence[Pairs], *, no_object_weight: float
) -> Tensor:
    """Weighted mean of -log p(class) over queries; the class of an unmatched query is "no object".

    Queries of a picture without a labelled pixel do not count: nobody knows what is in it.
    """
    no_object = class_logits_BQK1.shape[2] - 1
    class_BQ = torch.full(class_logits_BQK1.shape[:2], no_object, device=class_logits_BQK1.device)
    for class_Q, target, (query_N, true_N) in zip(class_BQ, targets, pairs, strict=True):
        class_Q[query_N] = target.class_M[true_N]
    weight_BQ = torch.where(class_BQ == no_object, no_object_weight, 1.0)
    weight_BQ = weight_BQ * torch.stack([target.is_labelled_HW.any() for target in targets])[:, None]
    loss_BQ = F.cross_entropy(class_logits_BQK1.float().transpose(1, 2), class_BQ, reduction="none")
    return over_whole_batch((loss_BQ * weight_BQ).sum(), weight_BQ.sum())


class MaskLoss(Protocol):
    """How masks are compared: in the matching of one picture, and pair by pair afterwards."""

    def cost(
        self, class_logits_QK1: Tensor, mask_logits_Qhw: Tensor, target: MaskTargets, weights: TermWeights
    ) -> Tensor: ...

    def losses(self, logits_Nhw: Tensor, true_NHW: Tensor, is_labelled_NHW: Tensor) -> tuple[Tensor, Tensor]:
        """The mask loss and the dice loss of each of N pairs."""
        ...


class AllPixelsMaskLoss:
    """MaskFormer's: focal loss and dice on every labelled pixel; the matching on the masks' own coarser grid."""

    def cost(
        self, class_logits_QK1: Tensor, mask_logits_Qhw: Tensor, target: MaskTargets, weights: TermWeights
    ) -> Tensor:
        size = mask_logits_Qhw.shape[1:]
        true_MP = F.interpolate(target.mask_MHW[:, None].float(), size=size, mode="nearest").flatten(1)
        weight_P = F.interpolate(target.is_labelled_HW[None, None].float(), size=size, mode="nearest").flatten()
        return matching_cost(
            class_logits_QK1,
            mask_logits_Qhw.flatten(1),
            target.class_M,
            true_MP,
            weight_P,
            weights=weights,
            pairwise_mask_loss=pairwise_focal_loss,
        )

    def losses(self, logits_Nhw: Tensor, true_NHW: Tensor, is_labelled_NHW: Tensor) -> tuple[Tensor, Tensor]:
        logits_N1HW = at_size_of(logits_Nhw[:, None], true_NHW)
        compared = (logits_N1HW.flatten(1), true_NHW.flatten(1).float(), is_labelled_NHW.flatten(1).float())
        return focal_loss(*compared), dice_loss(*compared)


class SampledPointsMaskLoss:
    """Mask2Former's: cross-entropy and dice on points: random in the matching, then mostly uncertain ones."""

    def __init__(self, *, num_points: int = 12544, oversampling: float = 3.0, uncertain_share: float = 0.75) -> None:
        self.num_points, self.oversampling, self.uncertain_share = num_points, oversampling, uncertain_share

    def cost(
        self, class_logits_QK1: Tensor, mask_logits_Qhw: Tensor, target: MaskTargets, weights: TermWeights
    ) -> Tensor:
        point_1P2 = torch.rand(1, self.num_points, 2, device=mask_logits_Qhw.device)
        return matching_cost(
            class_logits_QK1,
            values_at(mask_logits_Qhw.float(), point_1P2.expand(len(mask_logits_Qhw), -1, -1)),
            target.class_M,
            values_at(target.mask_MHW.float(), point_1P2.expand(len(target.mask_MHW), -1, -1)),
            values_at(target.is_labelled_HW[None].float(), point_1P2, repeats_edge=True)[0],
            weights=weights,
            pairwise_mask_loss=pairwise_cross_entropy,
        )

    def losses(self, logits_Nhw: Tensor, true_NHW: Tensor, is_labelled_NHW: Tensor) -> tuple[Tensor, Tensor]:
        logits_Nhw = logits_Nhw.float()
        point_NP2 = uncertain_points(
            logits_Nhw,
            num_points=self.num_points,
            oversampling=self.oversampling,
            uncertain_share=self.uncertain_share,
        )
        compared = (
            values_at(logits_Nhw, point_NP2),
            values_at(true_NHW.float(), point_NP2),
            values_at(is_labelled_NHW.float(), point_NP2, repeats_edge=True),
        )
        return mask_cross_entropy(*compared), dice_loss(*compared)


class MaskQueriesLoss(nn.Module):
    """Match, then w_c class loss + w_m mask loss + w_d dice loss; the last two are sums over pairs by true masks."""

    def __init__(self, mask_loss: MaskLoss, *, weights: TermWeights, no_object_weight: float = 0.1) -> None:
        super().__init__()
        self.mask_loss, self.weights, self.no_object_weight = mask_loss, weights, no_object_weight

    def forward(self, class_logits_BQK1: Tensor, mask_logits_BQhw: Tensor, targets: Sequence[MaskTargets]) -> Tensor:
        require_shapes(class_logits_BQL=class_logits_BQK1, mask_logits_BQhw=mask_logits_BQhw)
        predicted = zip(class_logits_BQK1.detach(), mask_logits_BQhw.detach(), targets, strict=True)
        pairs = [matched_pairs(self.mask_loss.cost(*one, self.weights)) for one in predicted]
        of_class = query_class_loss(class_logits_BQK1, targets, pairs, no_object_weight=self.no_object_weight)
        logits_Nhw = torch.cat([logits_Qhw[query_N] for logits_Qhw, (query_N, _) in zip(mask_logits_BQhw, pairs)])
        true_NHW = torch.cat([target.mask_MHW[true_N] for target, (_, true_N) in zip(targets, pairs)])
        is_labelled_NHW = torch.cat(
            [target.is_labelled_HW.expand(len(true_N), -1, -1) for target, (_, true_N) in zip(targets, pairs)]
        )
        if len(logits_Nhw) == 0:  # No mask anywhere: nothing to compare, but the gradient's graph stays whole.
            of_mask = of_dice = logits_Nhw.float().sum()
        else:
            of_mask, of_dice = (one.sum() for one in self.mask_loss.losses(logits_Nhw, true_NHW, is_labelled_NHW))
        num_masks = of_class.new_tensor(float(sum(len(target.class_M) for target in targets)))
        of_masks = self.weights.of_mask * of_mask + self.weights.of_dice * of_dice
        return self.weights.of_class * of_class + over_whole_batch(of_masks, num_masks)
