"""The loss on concept regions: equation 6 by a loop, its union, its gradients, and images that hold next to nothing."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from mereo.losses.component_matching import match_components, matching_costs
from mereo.losses.concept_regions import ConceptRegions, concept_region_loss


def random_case(*, num_concepts: int = 7, num_components: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    probability_KHW = torch.rand(num_concepts, 4, 6, dtype=torch.float64, generator=generator) * 0.96 + 0.02
    owner_HW = torch.randint(0, num_components + 1, (4, 6), generator=generator)
    return probability_KHW, owner_HW == torch.arange(num_components)[:, None, None]


def by_a_loop(probability_KHW: Tensor, mask_MHW: Tensor, *, total: int, union: str) -> tuple[float, float, float]:
    concepts, components = match_components(matching_costs(probability_KHW, mask_MHW, dice_weight=0.5), total=total)
    focals, dices, cosines = [], [], []
    for m in sorted(set(components.tolist())):
        mine = [probability_KHW[k].flatten().tolist() for k, j in zip(concepts, components) if j == m]
        inside = mask_MHW[m].flatten().tolist()
        if union == "noisy_or":
            united = [1 - math.prod(1 - p for p in cell) for cell in zip(*mine)]
        else:
            united = [min(sum(cell), 1 - 1e-16) for cell in zip(*mine)]
        focals.append(
            sum(
                -0.25 * (1 - p) ** 2 * math.log(p) if m else -0.75 * p * p * math.log(1 - p)
                for p, m in zip(united, inside)
            )
            / len(inside)
        )
        overlap = sum(p for p, is_in in zip(united, inside) if is_in)
        dices.append(1 - (2 * overlap + 1) / (sum(united) + sum(inside) + 1))
        for i, first in enumerate(mine):
            for second in mine[i + 1 :]:
                product = sum(a * b for a, b in zip(first, second))
                cosines.append(product / math.hypot(*first) / math.hypot(*second))
    return float(np.mean(focals)), float(np.mean(dices)), float(np.mean(cosines)) if cosines else 0.0


@pytest.mark.parametrize("union", ["noisy_or", "clamped_sum"])
@pytest.mark.parametrize("total", [1, 2, 3, 5, 64])
def test_equation_6_by_a_loop(total: int, union: str) -> None:
    probability_KHW, mask_MHW = random_case()
    if union == "clamped_sum":
        probability_KHW = probability_KHW / 7.5  # The sums stay below 1: a clamped one costs the logarithm of nothing.
    losses = concept_region_loss(
        probability_KHW, mask_MHW, total=total, dice_weight=0.5, cosine_weight=2.0, union=union
    )
    focal, dice, cosine = by_a_loop(probability_KHW, mask_MHW, total=total, union=union)
    assert losses.focal.item() == pytest.approx(focal, rel=1e-6)
    assert losses.dice.item() == pytest.approx(dice)
    assert losses.cosine.item() == pytest.approx(cosine)
    assert losses.total.item() == pytest.approx(focal + 0.5 * dice + 2 * cosine, rel=1e-6)


@pytest.mark.parametrize("union", ["noisy_or", "clamped_sum"])
def test_gradients_by_differences(union: str) -> None:
    probability_KHW, mask_MHW = random_case(num_concepts=4, num_components=2)
    scale = 0.2 if union == "clamped_sum" else 1.0
    torch.autograd.gradcheck(
        lambda p: concept_region_loss(p, mask_MHW, total=4, union=union).total,
        (probability_KHW * scale).requires_grad_(),
    )


def test_the_union_of_three_masks_of_nine_tenths() -> None:
    """The sum would be 2.7; the union is .999 within, and the loss of such a union."""
    mask_MHW = torch.ones(1, 2, 3, dtype=torch.float64)
    losses = concept_region_loss(torch.full((3, 2, 3), 0.9, dtype=torch.float64), mask_MHW, total=3)
    assert losses.focal.item() == pytest.approx(-0.25 * 0.001**2 * math.log(0.999))
    assert losses.dice.item() == pytest.approx(1 - (2 * 6 * 0.999 + 1) / (6 * 0.999 + 6 + 1))


def test_the_clamped_sum_has_no_gradient_at_the_start_and_the_union_has() -> None:
    """L = 64 concepts of about one half on 5 components: all unions are wrong outside their components."""
    generator = torch.Generator().manual_seed(0)
    mask_MHW = torch.randint(0, 5, (16, 16), generator=generator) == torch.arange(5)[:, None, None]
    logits_KHW = torch.randn(128, 16, 16, generator=generator) * 0.1
    concepts, components = match_components(matching_costs(logits_KHW.sigmoid(), mask_MHW), total=64)
    share_without = {}
    for union in ("clamped_sum", "noisy_or"):
        logits_KHW = logits_KHW.detach().requires_grad_()
        losses = concept_region_loss(logits_KHW.sigmoid(), mask_MHW, total=64, union=union)
        (losses.focal + losses.dice).backward()
        outside_N = logits_KHW.grad[concepts][~mask_MHW[components]]
        share_without[union] = (outside_N == 0).float().mean().item()
    assert share_without["clamped_sum"] > 0.9 and share_without["noisy_or"] == 0, share_without


def test_identical_masks_overlap_fully_and_disjoint_ones_not_at_all() -> None:
    left, right = torch.zeros(2, 1, 4, dtype=torch.float64)
    left[0, :2], right[0, 2:] = 1, 1
    whole_1HW = torch.ones(1, 1, 4)
    same = concept_region_loss(torch.stack([left, left]), whole_1HW)
    apart = concept_region_loss(torch.stack([left, right]), whole_1HW)
    assert same.cosine.item() == pytest.approx(1) and apart.cosine.item() == pytest.approx(0)
    assert apart.total.item() == pytest.approx(0, abs=1e-12)


def test_pixels_that_do_not_count_have_no_say() -> None:
    probability_KHW, mask_MHW = random_case()
    is_counted_HW = torch.rand(4, 6, generator=torch.Generator().manual_seed(3)) > 0.4
    mask_MHW &= is_counted_HW
    probability_KHW.requires_grad_()
    losses = concept_region_loss(probability_KHW, mask_MHW, total=5, is_counted_HW=is_counted_HW)
    losses.total.backward()
    assert (probability_KHW.grad[:, ~is_counted_HW] == 0).all() and (probability_KHW.grad[:, is_counted_HW] != 0).any()
    other_KHW = torch.where(is_counted_HW, probability_KHW.detach(), 0.123)
    again = concept_region_loss(other_KHW, mask_MHW, total=5, is_counted_HW=is_counted_HW)
    assert again.total.item() == losses.total.item()


def test_no_component_is_a_loss_of_0_with_a_gradient() -> None:
    probability_KHW = torch.rand(5, 3, 3, requires_grad=True)
    losses = concept_region_loss(probability_KHW, torch.zeros(0, 3, 3))
    losses.total.backward()
    assert losses.total == 0 and probability_KHW.grad is not None and not probability_KHW.grad.any()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_no_finite_numbers_are_a_loss_that_is_nan(value: float) -> None:
    probability_KHW, mask_MHW = random_case()
    probability_KHW[0, 1, 2] = value
    losses = concept_region_loss(probability_KHW, mask_MHW)
    assert all(term.isnan() for term in (losses.focal, losses.dice, losses.cosine, losses.total))


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("union", ["noisy_or", "clamped_sum"])
def test_certain_masks_have_finite_losses_and_gradients(value: float, union: str) -> None:
    probability_KHW = torch.full((5, 3, 3), value, requires_grad=True)
    losses = concept_region_loss(probability_KHW, torch.eye(3)[None], union=union)
    losses.total.backward()
    assert losses.total.isfinite() and probability_KHW.grad is not None and probability_KHW.grad.isfinite().all()


def pieces(num_components: int) -> np.ndarray:
    """Squares of 4x4 pixels in two classes, each surrounded by what is ignored."""
    label_HW = np.full((90, 90), 255)
    for number in range(num_components):
        y, x = (6 * place + 1 for place in divmod(number, 15))
        label_HW[y : y + 4, x : x + 4] = number % 2
    return label_HW


@pytest.mark.parametrize("num_components", [0, 1, 2, 64, 65, 200])
def test_images_of_any_number_of_components(num_components: int) -> None:
    label_HW = torch.from_numpy(pieces(num_components))
    logits_BKhw = torch.randn(1, 128, *label_HW.shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    loss = ConceptRegions()(logits_BKhw.sigmoid(), label_HW[None])
    loss.backward()
    assert loss.isfinite() and logits_BKhw.grad is not None and logits_BKhw.grad.isfinite().all()
    assert (loss == 0) == (num_components == 0)


def test_a_batch_is_the_mean_over_images_that_show_something() -> None:
    generator = torch.Generator().manual_seed(0)
    probability_BKhw = torch.rand(3, 9, 4, 6, generator=generator)
    label_BHW = torch.randint(0, 3, (3, 16, 24), generator=generator)
    label_BHW[1] = 255
    loss = ConceptRegions(total=6)
    alone = [loss(probability_BKhw[b : b + 1], label_BHW[b : b + 1]).item() for b in range(3)]
    assert alone[1] == 0
    assert loss(probability_BKhw, label_BHW).item() == pytest.approx((alone[0] + alone[2]) / 2)


def test_training_on_it_shows_the_components() -> None:
    """Free masks, a picture of three pieces: after some steps each is the union of its concepts, which share it."""
    label_HW = torch.zeros(8, 12, dtype=torch.long)
    label_HW[:, 4:8], label_HW[4:, 8:] = 1, 2
    logits_KHW = torch.nn.Parameter(torch.randn(10, 8, 12, generator=torch.Generator().manual_seed(0)))
    optimizer, loss = torch.optim.Adam([logits_KHW], lr=0.3), ConceptRegions(total=6)
    for _ in range(100):
        optimizer.zero_grad()
        loss(logits_KHW.sigmoid()[None], label_HW[None]).backward()
        optimizer.step()
    mask_MHW, _ = loss.targets(label_HW, size=(8, 12))
    losses = concept_region_loss(logits_KHW.detach().sigmoid(), mask_MHW, total=6)
    assert losses.focal < 0.01 and losses.dice < 0.05 and losses.cosine < 0.2


@pytest.mark.parametrize("union", ["noisy_or", "clamped_sum"])
@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_losses_and_gradients_are_the_same_under_autocast(kind: torch.dtype, union: str) -> None:
    probability_KHW, mask_MHW = random_case()
    probability_KHW = (probability_KHW / 4).float()
    found = []
    for is_enabled in (False, True):
        probability_KHW = probability_KHW.detach().requires_grad_()
        with torch.autocast("cpu", kind, enabled=is_enabled):
            losses = concept_region_loss(probability_KHW, mask_MHW, total=6, union=union)
        losses.total.backward()
        found.append(torch.stack([losses.focal, losses.dice, losses.cosine, losses.total, probability_KHW.grad.norm()]))
    assert torch.equal(*found) and (found[0] > 0).all()
