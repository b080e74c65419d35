"""Focal loss, cross-entropy and dice by loops in float64; each twin compares every pair as the one compares one."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from mereo.losses.mask_agreement import (
    dice_loss,
    focal_loss,
    mask_cross_entropy,
    pairwise_cross_entropy,
    pairwise_dice_loss,
    pairwise_focal_loss,
)


def random_masks() -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    true_NP = (torch.rand(3, 7) > 0.5).double()
    weight_NP = torch.tensor([1, 1, 0, 1, 0, 1, 1]).double().expand(3, -1)
    return torch.randn(3, 7).double() * 2, true_NP, weight_NP


def by_loop(kind: str, logits_P: Tensor, true_P: Tensor, weight_P: Tensor) -> float:
    total, weights, shared, predicted, present = 0.0, 0.0, 0.0, 0.0, 0.0
    for logit, true, weight in zip(logits_P.tolist(), true_P.tolist(), weight_P.tolist()):
        inside = 1 / (1 + math.exp(-logit))
        p_true, alpha = (inside, 0.25) if true else (1 - inside, 0.75)
        surprise = -math.log(p_true)
        total += weight * (alpha * (1 - p_true) ** 2 * surprise if kind == "focal" else surprise)
        weights += weight
        shared += weight * inside * true
        predicted += weight * inside
        present += weight * true
    return 1 - (2 * shared + 1) / (predicted + present + 1) if kind == "dice" else total / weights


KINDS: list[tuple[str, Callable[..., Tensor], Callable[..., Tensor]]] = [
    ("focal", focal_loss, pairwise_focal_loss),
    ("cross-entropy", mask_cross_entropy, pairwise_cross_entropy),
    ("dice", dice_loss, pairwise_dice_loss),
]


@pytest.mark.parametrize(("kind", "loss", "pairwise"), KINDS, ids=[kind[0] for kind in KINDS])
class TestEveryKind:
    def test_by_a_loop(self, kind: str, loss: Callable[..., Tensor], pairwise: Callable[..., Tensor]) -> None:
        logits_NP, true_NP, weight_NP = random_masks()
        for value, *one in zip(loss(logits_NP, true_NP, weight_NP), logits_NP, true_NP, weight_NP):
            assert float(value) == pytest.approx(by_loop(kind, *one), rel=1e-9)

    def test_pairs_by_a_loop(self, kind: str, loss: Callable[..., Tensor], pairwise: Callable[..., Tensor]) -> None:
        logits_QP, true_MP, weight_NP = random_masks()
        cost_QM = pairwise(logits_QP, true_MP[:2], weight_NP[0])
        assert cost_QM.shape == (3, 2)
        for q in range(3):
            for m in range(2):
                wanted = by_loop(kind, logits_QP[q], true_MP[m], weight_NP[0])
                assert float(cost_QM[q, m]) == pytest.approx(wanted, rel=1e-9)

    def test_gradients(self, kind: str, loss: Callable[..., Tensor], pairwise: Callable[..., Tensor]) -> None:
        logits_NP, true_NP, weight_NP = random_masks()
        assert torch.autograd.gradcheck(lambda one: loss(one, true_NP, weight_NP), logits_NP.requires_grad_())

    def test_pixels_without_weight_have_no_gradient(
        self, kind: str, loss: Callable[..., Tensor], pairwise: Callable[..., Tensor]
    ) -> None:
        logits_NP, true_NP, weight_NP = random_masks()
        loss(logits_NP.requires_grad_(), true_NP, weight_NP).sum().backward()
        assert logits_NP.grad is not None
        assert torch.equal(logits_NP.grad != 0, weight_NP > 0)

    def test_nothing_labelled_is_finite(
        self, kind: str, loss: Callable[..., Tensor], pairwise: Callable[..., Tensor]
    ) -> None:
        logits_NP, true_NP, weight_NP = random_masks()
        assert loss(logits_NP, true_NP, weight_NP * 0).abs().max() < 1e-9
        assert pairwise(logits_NP, true_NP, weight_NP[0] * 0).abs().max() < 1e-9
