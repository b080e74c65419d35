"""Matching: which query answers for which true mask, so that the sum of costs is smallest.

Carion et al. 2020, "End-to-end object detection with transformers", section 3.1; with masks: Cheng, Schwing, Kirillov
2021, "Per-pixel classification is not all you need for semantic segmentation", section 3.2.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from mereo.losses.mask_agreement import pairwise_dice_loss


@dataclass(frozen=True)
class TermWeights:
    """How much the class, the mask's pixels and the mask's overlap count, in the matching and in the loss."""

    of_class: float = 1.0
    of_mask: float = 20.0
    of_dice: float = 1.0


PairwiseMaskLoss = Callable[[Tensor, Tensor, Tensor], Tensor]


@torch.no_grad()
def matching_cost(
    class_logits_QK1: Tensor,
    mask_logits_QP: Tensor,
    class_M: Tensor,
    true_MP: Tensor,
    weight_P: Tensor,
    *,
    weights: TermWeights,
    pairwise_mask_loss: PairwiseMaskLoss,
) -> Tensor:
    """`cost_QM` = -w_c p(class) + w_m mask loss + w_d dice loss, for every query and true mask. In float32."""
    # Autocast would make the sums over pixels, which are matrix products, in half precision again.
    with torch.autocast(mask_logits_QP.device.type, enabled=False):
        probability_QM = class_logits_QK1.float().softmax(dim=1)[:, class_M]
        mask_logits_QP, true_MP, weight_P = mask_logits_QP.float(), true_MP.float(), weight_P.float()
        return (
            -weights.of_class * probability_QM
            + weights.of_mask * pairwise_mask_loss(mask_logits_QP, true_MP, weight_P)
            + weights.of_dice * pairwise_dice_loss(mask_logits_QP, true_MP, weight_P)
        )


def matched_pairs(cost_QM: Tensor) -> tuple[Tensor, Tensor]:
    """`query_N, true_N`: min(Q, M) pairs, each query and each mask at most once.

    A cost that is no finite number is the last choice: a diverging run is to be seen in its loss, not here.

    >>> [pair.tolist() for pair in matched_pairs(torch.tensor([[3.0, 1.0], [1.0, 0.0], [9.0, 9.0]]))]
    [[0, 1], [1, 0]]
    """
    largest = torch.finfo(torch.float32).max
    finite_QM = torch.nan_to_num(cost_QM.detach().float(), nan=largest, posinf=largest, neginf=largest)
    query_N, true_N = linear_sum_assignment(finite_QM.cpu().double().numpy())
    return torch.from_numpy(query_N).to(cost_QM.device), torch.from_numpy(true_N).to(cost_QM.device)
