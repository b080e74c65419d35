"""The loss of mask queries: by hand, on perfect answers, without labels, and over several processes."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mereo import processes
from mereo.losses.mask_queries import (
    AllPixelsMaskLoss,
    MaskLoss,
    MaskQueriesLoss,
    SampledPointsMaskLoss,
    query_class_loss,
)
from mereo.losses.mask_query_matching import TermWeights
from mereo.losses.mask_targets import semantic_targets

LABEL_BHW = torch.tensor([[[0, 0, 1, 1], [0, 0, 1, 255]], [[2, 2, 2, 2], [2, 2, 2, 2]]])
KINDS: list[MaskLoss] = [AllPixelsMaskLoss(), SampledPointsMaskLoss(num_points=64)]


def targets_of(label_BHW: Tensor) -> list:
    return [semantic_targets(label_HW, num_classes=3, ignore_label=255) for label_HW in label_BHW]


def loss_of(kind: MaskLoss) -> MaskQueriesLoss:
    return MaskQueriesLoss(kind, weights=TermWeights(2.0, 5.0, 5.0))


def random_answers(num_queries: int = 4) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.randn(2, num_queries, 4, requires_grad=True), torch.randn(2, num_queries, 2, 4, requires_grad=True)


def perfect_answers() -> tuple[Tensor, Tensor]:
    """Queries 0..2 say the class of their number; what is not there says no object."""
    class_logits_BQK1 = torch.full((2, 3, 4), -20.0)
    mask_logits_BQhw = torch.full((2, 3, 2, 4), -20.0)
    for b, label_HW in enumerate(LABEL_BHW):
        for k in range(3):
            is_there = bool((label_HW == k).any())
            class_logits_BQK1[b, k, k if is_there else 3] = 20
            mask_logits_BQhw[b, k][label_HW == k] = 20
    return class_logits_BQK1, mask_logits_BQhw


def test_class_loss_by_hand() -> None:
    class_logits_BQK1, _ = random_answers(2)
    pairs = [(torch.tensor([1]), torch.tensor([0])), (torch.tensor([0]), torch.tensor([0]))]
    targets = targets_of(torch.tensor([[[1, 1]], [[0, 0]]]))
    loss = query_class_loss(class_logits_BQK1, targets, pairs, no_object_weight=0.1)
    minus_log = -class_logits_BQK1.double().log_softmax(dim=2)
    total = 0.1 * minus_log[0, 0, 3] + minus_log[0, 1, 1] + minus_log[1, 0, 0] + 0.1 * minus_log[1, 1, 3]
    assert loss.item() == pytest.approx(total.item() / 2.2, rel=1e-5)


def test_all_pixels_by_hand() -> None:
    """One query, one mask: no choice in the matching, so every term can be written down."""
    class_logits_BQK1 = torch.tensor([[[0.3, -0.2, 0.1, 0.0]]])
    mask_logits_BQhw = torch.tensor([[[[0.5, -1.0, 2.0]]]])
    label_BHW = torch.tensor([[[1, 1, 255]]])
    loss = MaskQueriesLoss(AllPixelsMaskLoss(), weights=TermWeights(1.0, 20.0, 3.0))
    value = loss(class_logits_BQK1, mask_logits_BQhw, targets_of(label_BHW))
    inside = mask_logits_BQhw[0, 0, 0, :2].double().sigmoid()  # The third pixel has no label.
    focal = (0.25 * (1 - inside) ** 2 * -inside.log()).mean()
    dice = 1 - (2 * inside.sum() + 1) / (inside.sum() + 2 + 1)
    of_class = -class_logits_BQK1.double().log_softmax(dim=2)[0, 0, 1]
    assert float(value) == pytest.approx(float(of_class + 20 * focal + 3 * dice), rel=1e-5)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
class TestBothKinds:
    def test_perfect_answers_cost_nothing(self, kind: MaskLoss) -> None:
        torch.manual_seed(0)
        right = float(loss_of(kind)(*perfect_answers(), targets_of(LABEL_BHW)))
        wrong = float(loss_of(kind)(*(one.flip(0) for one in perfect_answers()), targets_of(LABEL_BHW)))
        assert wrong > 3 * right
        if isinstance(kind, AllPixelsMaskLoss):  # Points between pixels and at the picture's edge cannot be perfect.
            assert right < 1e-3

    def test_the_order_of_queries_does_not_matter(self, kind: MaskLoss) -> None:
        answers, order = random_answers(), [2, 0, 3, 1]
        values = []
        for class_logits_BQK1, mask_logits_BQhw in (answers, [one[:, order] for one in answers]):
            torch.manual_seed(1)
            values.append(loss_of(kind)(class_logits_BQK1, mask_logits_BQhw, targets_of(LABEL_BHW)).item())
        if isinstance(kind, AllPixelsMaskLoss):
            assert values[0] == pytest.approx(values[1], rel=1e-5)
        assert values[0] == pytest.approx(values[1], rel=0.2)  # Points of a mask are drawn by its place in the row.

    def test_without_a_label_it_is_zero_with_a_gradient(self, kind: MaskLoss) -> None:
        class_logits_BQK1, mask_logits_BQhw = random_answers()
        nothing_BHW = torch.full_like(LABEL_BHW, 255)
        loss = loss_of(kind)(class_logits_BQK1, mask_logits_BQhw, targets_of(nothing_BHW))
        loss.backward()
        assert float(loss.detach()) == 0
        for one in (class_logits_BQK1, mask_logits_BQhw):
            assert one.grad is not None
            assert not one.grad.any()

    def test_a_picture_without_a_label_teaches_nothing(self, kind: MaskLoss) -> None:
        class_logits_BQK1, mask_logits_BQhw = random_answers()
        label_BHW = LABEL_BHW.clone()
        label_BHW[1] = 255
        loss_of(kind)(class_logits_BQK1, mask_logits_BQhw, targets_of(label_BHW)).backward()
        assert class_logits_BQK1.grad is not None and mask_logits_BQhw.grad is not None
        assert class_logits_BQK1.grad[0].any() and mask_logits_BQhw.grad[0].any()
        assert not class_logits_BQK1.grad[1].any() and not mask_logits_BQhw.grad[1].any()

    def test_more_masks_than_queries(self, kind: MaskLoss) -> None:
        class_logits_BQK1, mask_logits_BQhw = random_answers(1)
        loss = loss_of(kind)(class_logits_BQK1, mask_logits_BQhw, targets_of(LABEL_BHW))
        assert bool(loss.isfinite())

    def test_half_precision_answers(self, kind: MaskLoss) -> None:
        halves = [one.detach().bfloat16() for one in random_answers()]
        loss = loss_of(kind)(*halves, targets_of(LABEL_BHW))
        assert loss.dtype == torch.float32
        assert bool(loss.isfinite())


def test_ignored_pixels_have_no_gradient() -> None:
    class_logits_BQK1, mask_logits_BQhw = random_answers()
    loss_of(AllPixelsMaskLoss())(class_logits_BQK1, mask_logits_BQhw, targets_of(LABEL_BHW)).backward()
    assert mask_logits_BQhw.grad is not None
    assert not mask_logits_BQhw.grad[0, :, 1, 3].any()
    assert mask_logits_BQhw.grad[0, :, 1, 2].any()


def test_labels_finer_than_masks() -> None:
    class_logits_BQK1, mask_logits_BQhw = perfect_answers()
    fine_BHW = F.interpolate(LABEL_BHW[:, None].float(), scale_factor=3, mode="nearest")[:, 0].long()
    value = loss_of(AllPixelsMaskLoss())(class_logits_BQK1, mask_logits_BQhw, targets_of(fine_BHW))
    assert 0 < float(value) < 2


def test_two_processes_lose_what_one_loses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each divides by the mean over processes: played here with the numbers that both would have sent."""
    class_logits_BQK1, mask_logits_BQhw = (one.detach() for one in random_answers())
    loss, targets = loss_of(AllPixelsMaskLoss()), targets_of(LABEL_BHW)
    alone = loss(class_logits_BQK1, mask_logits_BQhw, targets)

    def halves() -> list[Tensor]:
        return [loss(class_logits_BQK1[b : b + 1], mask_logits_BQhw[b : b + 1], targets[b : b + 1]) for b in range(2)]

    sent: list[Tensor] = []
    monkeypatch.setattr(processes, "mean_over_processes", lambda value: sent.append(value) or value)
    halves()
    means = [(first + second) / 2 for first, second in zip(sent[:2], sent[2:], strict=True)]
    received = iter([*means, *means])
    monkeypatch.setattr(processes, "mean_over_processes", lambda value: next(received))
    first, second = halves()
    assert float((first + second) / 2) == pytest.approx(float(alone), rel=1e-5)
