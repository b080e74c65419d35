"""What is done by coarser: by walking up from every cell, and the loss on what is left."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mereo.errors import BadInput
from mereo.losses.done_by_coarser import relabel, semantic_pyramid_loss
from mereo.regions.cells import pyramid_targets

SIZES = [8, 4, 2]


def random_case(seed: int) -> tuple[list, list[Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    label_BHW = torch.randint(0, 3, (2, 2, 3), generator=generator).repeat_interleave(8, 1).repeat_interleave(8, 2)
    label_BHW[:, 3:6, 5:14], label_BHW[1, :2, :2] = 1, 255
    targets = pyramid_targets(label_BHW, SIZES)
    # Tenths: now and then exactly the threshold.
    unity = [torch.randint(0, 11, t[0].shape, generator=generator) / 10 for t in targets[:-1]]
    return targets, unity


@given(
    st.integers(0, 10**6), st.sampled_from(["raw", "ground_truth", "true_positive"]), st.sampled_from([0.0, 0.5, 1.0])
)
@settings(max_examples=60, deadline=None)
def test_by_walking_up_from_every_cell(seed: int, rule: str, threshold: float) -> None:
    targets, unity = random_case(seed)
    found = relabel(targets, unity, threshold=threshold, rule=rule)
    for level, ((class_Bhw, unity_Bhw), (class_found, unity_found)) in enumerate(zip(targets, found)):
        for b in range(class_Bhw.shape[0]):
            for y in range(class_Bhw.shape[1]):
                for x in range(class_Bhw.shape[2]):
                    is_done = False
                    for above in range(level):
                        factor = 2 ** (level - above)
                        cell = (b, y // factor, x // factor)
                        is_unit = targets[above][1][cell] == 1
                        is_seen = rule == "ground_truth" or unity[above][cell] >= threshold
                        is_done |= bool(rule != "raw" and is_unit and is_seen)
                    assert class_found[b, y, x] == (255 if is_done else class_Bhw[b, y, x])
                    if unity_Bhw is not None:
                        assert unity_found[b, y, x] == (-1 if is_done else unity_Bhw[b, y, x])


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_supervision_is_only_ever_removed(seed: int) -> None:
    targets, unity = random_case(seed)
    before = [class_Bhw.clone() for class_Bhw, _ in targets]
    left = {rule: relabel(targets, unity, rule=rule) for rule in ("raw", "true_positive", "ground_truth")}
    for level, class_Bhw in enumerate(before):
        assert torch.equal(targets[level][0], class_Bhw), "the targets that came in were changed"
        kept = [left[rule][level][0] != 255 for rule in ("ground_truth", "true_positive", "raw")]
        assert not (kept[0] & ~kept[1]).any() and not (kept[1] & ~kept[2]).any()
        for rule in left:
            again = left[rule][level][0]
            assert ((again == class_Bhw) | (again == 255)).all()
    for rule in left:
        assert torch.equal(left[rule][0][0], before[0]), "the coarsest level is never done by coarser"


def loss_by_hand(logits: list[Tensor], unity_logits: list[Tensor], targets: list, weight: list[float]) -> float:
    classes = []
    for logits_BKhw, (class_Bhw, _) in zip(logits, targets):
        total = mass = 0.0
        for b, y, x in (class_Bhw != 255).nonzero().tolist():
            label = int(class_Bhw[b, y, x])
            scores = logits_BKhw[b, :, y, x].tolist()
            total += weight[label] * (math.log(sum(math.exp(s) for s in scores)) - scores[label])
            mass += weight[label]
        classes.append(total / mass if mass else 0.0)
    unities = []
    for logits_Bhw, (_, unity_Bhw) in zip(unity_logits, targets):
        terms = [
            math.log1p(math.exp(-z if u == 1 else z))
            for z, u in zip(logits_Bhw.flatten().tolist(), unity_Bhw.flatten().tolist())
            if u != -1
        ]
        unities.append(sum(terms) / len(terms) if terms else 0.0)
    return sum(classes) / len(classes) + sum(unities) / len(unities)


@pytest.mark.parametrize("is_weighted", [False, True])
def test_equation_1_by_hand(is_weighted: bool) -> None:
    targets, unity = random_case(3)
    targets = relabel(targets, unity)
    generator = torch.Generator().manual_seed(0)
    logits = [torch.randn(2, 3, *t[0].shape[1:], generator=generator) for t in targets]
    unity_logits = [torch.randn(t[0].shape, generator=generator) for t in targets[:-1]]
    weight_K = torch.tensor([0.5, 1.0, 2.0]) if is_weighted else None
    found = semantic_pyramid_loss(logits, unity_logits, targets, class_weight_K=weight_K)
    wanted = loss_by_hand(logits, unity_logits, targets, [0.5, 1.0, 2.0] if is_weighted else [1.0] * 3)
    assert found.item() == pytest.approx(wanted, rel=1e-5)


def test_a_level_with_nothing_left_gives_0() -> None:
    targets = pyramid_targets(torch.zeros(1, 8, 8, dtype=torch.long), SIZES)
    targets = relabel(targets, [torch.ones(t[0].shape) for t in targets[:-1]])
    assert all((class_Bhw == 255).all() for class_Bhw, _ in targets[1:])
    logits = [torch.zeros(1, 2, *t[0].shape[1:], requires_grad=True) for t in targets]
    unity_logits = [torch.zeros(t[0].shape, requires_grad=True) for t in targets[:-1]]
    loss = semantic_pyramid_loss(logits, unity_logits, targets)
    loss.backward()
    # Of three levels one has something to say, and so has one unity of two.
    assert loss.item() == pytest.approx(math.log(2) / 3 + math.log(2) / 2)
    assert not logits[1].grad.any() and not logits[2].grad.any() and not unity_logits[1].grad.any()


def test_all_ignored_is_0_with_a_gradient() -> None:
    targets = pyramid_targets(torch.full((1, 8, 8), 255), SIZES)
    logits = [torch.zeros(1, 2, *t[0].shape[1:], requires_grad=True) for t in targets]
    unity_logits = [torch.zeros(t[0].shape, requires_grad=True) for t in targets[:-1]]
    loss = semantic_pyramid_loss(logits, unity_logits, targets)
    loss.backward()
    assert loss == 0 and not any(one.grad.any() for one in (*logits, *unity_logits))


def test_wrong_arguments() -> None:
    targets, unity = random_case(0)
    with pytest.raises(BadInput, match="threshold must be from 0 to 1, but got 1.5"):
        relabel(targets, unity, threshold=1.5)
    with pytest.raises(BadInput, match="every level but the finest must have a unity, but got 1 for 3 levels"):
        relabel(targets, unity[:1])


@pytest.mark.parametrize("label", [-1, 3])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_a_label_that_no_class_has(label: int, is_weighted: bool) -> None:
    targets, _ = random_case(0)
    targets[-1][0][0, 0, 0] = label
    logits = [torch.zeros(2, 3, *t[0].shape[1:]) for t in targets]
    unity_logits = [torch.zeros(t[0].shape) for t in targets[:-1]]
    weight_K = torch.ones(3) if is_weighted else None
    with pytest.raises(BadInput, match=rf"labels must lie in 0..2 or be 255, but got {label}; run `mereo data check`"):
        semantic_pyramid_loss(logits, unity_logits, targets, class_weight_K=weight_K)
