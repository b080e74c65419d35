"""How well a mask's logits agree with a true mask: focal loss, cross-entropy, dice. One number a mask, over its pixels.

`weight_NP` says how much a pixel counts (0: not labelled). Each has a twin that compares every mask with every
true one.
"""

import torch.nn.functional as F
from torch import Tensor

FOCAL_ALPHA = 0.25
FOCAL_GAMMA = 2.0


def focal_loss(logits_NP: Tensor, true_NP: Tensor, weight_NP: Tensor) -> Tensor:
    """Mean over pixels of -alpha_t (1 - p_t)^gamma log p_t: `loss_N`.

    Lin et al. 2017, "Focal loss for dense object detection", equation 5.
    """
    probability_NP = logits_NP.sigmoid()
    surprise_NP = F.binary_cross_entropy_with_logits(logits_NP, true_NP, reduction="none")
    missed_NP = probability_NP * (1 - true_NP) + (1 - probability_NP) * true_NP
    alpha_NP = FOCAL_ALPHA * true_NP + (1 - FOCAL_ALPHA) * (1 - true_NP)
    return _mean(alpha_NP * missed_NP**FOCAL_GAMMA * surprise_NP, weight_NP)


def mask_cross_entropy(logits_NP: Tensor, true_NP: Tensor, weight_NP: Tensor) -> Tensor:
    """Mean over pixels of -log p_t: `loss_N`."""
    return _mean(F.binary_cross_entropy_with_logits(logits_NP, true_NP, reduction="none"), weight_NP)


def dice_loss(logits_NP: Tensor, true_NP: Tensor, weight_NP: Tensor) -> Tensor:
    """1 - (2 sum p t + 1) / (sum p + sum t + 1): `loss_N`.

    Milletari, Navab, Ahmadi 2016, "V-Net", section 3; the ones keep empty masks finite.
    """
    probability_NP = logits_NP.sigmoid() * weight_NP
    shared_N = (probability_NP * true_NP).sum(dim=1)
    return 1 - (2 * shared_N + 1) / (probability_NP.sum(dim=1) + (true_NP * weight_NP).sum(dim=1) + 1)


def pairwise_focal_loss(logits_QP: Tensor, true_MP: Tensor, weight_P: Tensor) -> Tensor:
    probability_QP = logits_QP.sigmoid()
    inside_QP = FOCAL_ALPHA * (1 - probability_QP) ** FOCAL_GAMMA * F.softplus(-logits_QP)
    outside_QP = (1 - FOCAL_ALPHA) * probability_QP**FOCAL_GAMMA * F.softplus(logits_QP)
    return _pairwise_mean(inside_QP, outside_QP, true_MP, weight_P)


def pairwise_cross_entropy(logits_QP: Tensor, true_MP: Tensor, weight_P: Tensor) -> Tensor:
    return _pairwise_mean(F.softplus(-logits_QP), F.softplus(logits_QP), true_MP, weight_P)


def pairwise_dice_loss(logits_QP: Tensor, true_MP: Tensor, weight_P: Tensor) -> Tensor:
    probability_QP, counted_MP = logits_QP.sigmoid() * weight_P, true_MP * weight_P
    sum_QM = probability_QP.sum(dim=1)[:, None] + counted_MP.sum(dim=1)
    return 1 - (2 * probability_QP @ true_MP.T + 1) / (sum_QM + 1)


def _mean(loss_NP: Tensor, weight_NP: Tensor) -> Tensor:
    return (loss_NP * weight_NP).sum(dim=1) / weight_NP.sum(dim=1).clamp(min=1)


def _pairwise_mean(inside_QP: Tensor, outside_QP: Tensor, true_MP: Tensor, weight_P: Tensor) -> Tensor:
    """Two matrix products instead of Q x M x P numbers."""
    total_QM = (inside_QP * weight_P) @ true_MP.T + (outside_QP * weight_P) @ (1 - true_MP).T
    return total_QM / weight_P.sum().clamp(min=1)
