"""Segment sorting: equations 1 and 2 by loops in float64 at kappa 10 and 100, who is alone, and never all x all."""

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from mereo.errors import BadInput
from mereo.losses.segment_sorting import segment_sorting_loss

Drawn = tuple[Tensor, Tensor, Tensor]


def drawn(pixels: int = 60, width: int = 6, segments: int = 9, labels: int = 4, *, seed: int = 0) -> Drawn:
    generator = torch.Generator().manual_seed(seed)
    embedding_ND = F.normalize(torch.randn(pixels, width, dtype=torch.float64, generator=generator), dim=1)
    segment_N = torch.randint(0, segments, (pixels,), generator=generator)
    return embedding_ND, segment_N, torch.randint(0, labels, (segments,), generator=generator)


def by_a_loop(drawn: Drawn, concentration: float) -> list[float]:
    embedding_ND, segment_N, label_S = drawn
    of_segment = {s: embedding_ND[segment_N == s] for s in segment_N.unique().tolist()}
    prototype = {s: members_nD.sum(0) / members_nD.sum(0).norm() for s, members_nD in of_segment.items()}
    losses = []
    for v, own in zip(embedding_ND, segment_N.tolist()):
        others = [s for s in prototype if s != own]
        positives = [s for s in others if label_S[s] == label_S[own]]
        if not positives:  # Its own segment enters both sums.
            others, positives = [*others, own], [own]
        weight = {s: math.exp(concentration * float(prototype[s] @ v)) for s in others}
        losses.append(-math.log(sum(weight[s] for s in positives) / sum(weight.values())))
    return losses


@pytest.mark.parametrize("concentration", [0.5, 10.0, 100.0])
@pytest.mark.parametrize("kind", [torch.float64, torch.float32])
def test_equations_1_and_2_by_a_loop(concentration: float, kind: torch.dtype) -> None:
    for seed in range(4):
        embedding_ND, segment_N, label_S = drawn(seed=seed)
        found_N = segment_sorting_loss(embedding_ND.to(kind), segment_N, label_S, concentration=concentration)
        wanted_N = torch.tensor(by_a_loop((embedding_ND, segment_N, label_S), concentration), dtype=torch.float64)
        assert found_N.dtype == kind
        torch.testing.assert_close(found_N.double(), wanted_N, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("concentration", [10.0, 100.0])
def test_where_the_own_segment_outweighs_all_others(concentration: float) -> None:
    # Every pixel lies on its own prototype and far from the rest: a sum less its own term would be rounding errors.
    embedding_ND = torch.eye(4, dtype=torch.float64).repeat_interleave(3, dim=0)
    embedding_ND = F.normalize(
        embedding_ND + 0.01 * torch.randn(12, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0)), dim=1
    )
    embedding_ND[9:] = -embedding_ND[:3]
    segment_N, label_S = torch.arange(4).repeat_interleave(3), torch.tensor([0, 0, 1, 1])
    wanted_N = torch.tensor(by_a_loop((embedding_ND, segment_N, label_S), concentration), dtype=torch.float64)
    found_N = segment_sorting_loss(embedding_ND.float(), segment_N, label_S, concentration=concentration)
    torch.testing.assert_close(found_N.double(), wanted_N, atol=1e-5, rtol=1e-5)


def test_a_segment_alone_has_no_loss() -> None:
    embedding_ND, _, _ = drawn(5)
    segment_N, label_S = torch.full((5,), 2), torch.tensor([4, 4, 4])
    assert segment_sorting_loss(embedding_ND, segment_N, label_S).tolist() == [0.0] * 5


def test_an_instance_of_a_single_segment_has_a_finite_loss() -> None:
    embedding_ND, segment_N, _ = drawn()
    embedding_ND.requires_grad_()
    loss_N = segment_sorting_loss(embedding_ND, segment_N, torch.arange(9), concentration=100)
    loss_N.sum().backward()
    assert loss_N.isfinite().all() and (loss_N >= 0).all() and embedding_ND.grad.isfinite().all()


def test_segments_without_a_pixel_do_not_count() -> None:
    embedding_ND, segment_N, label_S = drawn()
    wanted_N = segment_sorting_loss(embedding_ND, segment_N, label_S)
    # One before all others, two after them; of a label that is alone otherwise, too.
    more_S = torch.cat([label_S[:1], label_S, torch.tensor([77, int(label_S[3])])])
    torch.testing.assert_close(segment_sorting_loss(embedding_ND, segment_N + 1, more_S), wanted_N)


def test_no_pixel() -> None:
    nothing_ND = torch.zeros(0, 4, requires_grad=True)
    nobody_N, label_S = torch.zeros(0, dtype=torch.long), torch.tensor([1])
    assert segment_sorting_loss(nothing_ND, nobody_N, label_S).shape == (0,)
    loss = segment_sorting_loss(nothing_ND, nobody_N, label_S, reduction="mean")
    loss.backward()
    assert loss.item() == 0 and nothing_ND.grad.shape == (0, 4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_renamed_instances_and_segments_and_a_rotated_sphere(seed: int) -> None:
    embedding_ND, segment_N, label_S = drawn(40, 4, seed=seed)
    wanted_N = segment_sorting_loss(embedding_ND, segment_N, label_S)
    generator = torch.Generator().manual_seed(seed)
    name_of_label = torch.randperm(100, generator=generator)
    torch.testing.assert_close(segment_sorting_loss(embedding_ND, segment_N, name_of_label[label_S]), wanted_N)
    place_S = torch.randperm(9, generator=generator)
    renamed_S = torch.empty_like(label_S).index_copy(0, place_S, label_S)
    torch.testing.assert_close(segment_sorting_loss(embedding_ND, place_S[segment_N], renamed_S), wanted_N)
    rotation_DD = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64, generator=generator)).Q
    torch.testing.assert_close(segment_sorting_loss(embedding_ND @ rotation_DD, segment_N, label_S), wanted_N)


def written_out(embedding_ND: Tensor, segment_N: Tensor, label_S: Tensor, concentration: float) -> Tensor:
    """With torch's own gradient."""
    prototype_SD = F.normalize(torch.stack([embedding_ND[segment_N == s].sum(0) for s in range(len(label_S))]), dim=1)
    logits_NS = concentration * embedding_ND @ prototype_SD.T
    is_same_NS = label_S[segment_N][:, None] == label_S
    is_own_NS = segment_N[:, None] == torch.arange(len(label_S))
    is_masked_NS = is_own_NS & (is_same_NS.sum(1, keepdim=True) > 1)
    logits_NS = logits_NS.masked_fill(is_masked_NS, -torch.inf)
    return logits_NS.logsumexp(1) - logits_NS.masked_fill(~is_same_NS, -torch.inf).logsumexp(1)


@pytest.mark.parametrize("concentration", [10.0, 100.0])
@pytest.mark.parametrize(
    "combined", [lambda x: x.mean(), lambda x: (x * torch.arange(60)).sum(), lambda x: x[:7].sum()]
)
def test_gradients_are_those_of_the_written_out_loss(
    concentration: float, combined: Callable[[Tensor], Tensor]
) -> None:
    """The prototypes' share included; one pass where all pixels count the same, two where they do not."""
    embedding_ND, segment_N, label_S = drawn()
    gradients = []
    for loss in (segment_sorting_loss, written_out):
        leaf_ND = embedding_ND.clone().requires_grad_()
        combined(loss(leaf_ND, segment_N, label_S, concentration=concentration)).backward()
        gradients.append(leaf_ND.grad)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_gradcheck_through_the_prototypes(reduction: str) -> None:
    embedding_ND, segment_N, label_S = drawn(14, 3, 5, 2)

    def loss(free_ND: Tensor) -> Tensor:
        return segment_sorting_loss(F.normalize(free_ND, dim=1), segment_N, label_S, reduction=reduction)

    assert torch.autograd.gradcheck(loss, embedding_ND.requires_grad_())


def test_mean_and_sum() -> None:
    loss_N = segment_sorting_loss(*drawn())
    torch.testing.assert_close(segment_sorting_loss(*drawn(), reduction="mean"), loss_N.mean())
    torch.testing.assert_close(segment_sorting_loss(*drawn(), reduction="sum"), loss_N.sum())


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    embedding_ND, segment_N, label_S = drawn()
    gradients = []
    for at_once in (1 << 18, 50, 1):
        monkeypatch.setattr("mereo.losses.segment_sorting.LOGITS_AT_ONCE", at_once)
        leaf_ND = embedding_ND.clone().requires_grad_()
        segment_sorting_loss(leaf_ND, segment_N, label_S, reduction="sum").backward()
        gradients.append(leaf_ND.grad)
    torch.testing.assert_close(gradients[0], gradients[1])
    torch.testing.assert_close(gradients[0], gradients[2])


def test_half_precision_computes_in_single() -> None:
    embedding_ND, segment_N, label_S = drawn()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found_N = segment_sorting_loss(embedding_ND.bfloat16(), segment_N, label_S)
    assert found_N.dtype == torch.float32
    torch.testing.assert_close(found_N, segment_sorting_loss(embedding_ND.bfloat16().float(), segment_N, label_S))


class LargestTensor(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        found = func(*args, **(kwargs or {}))
        for one in found if isinstance(found, tuple | list) else (found,):
            if isinstance(one, Tensor) and one.untyped_storage().nbytes() // one.element_size() > self.numbers:
                self.numbers = one.untyped_storage().nbytes() // one.element_size()
        return found


def test_never_all_pixels_times_all_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mereo.losses.segment_sorting.LOGITS_AT_ONCE", 4000)
    embedding_ND, segment_N, label_S = drawn(2000, 8, 100, 20)
    leaf_ND = embedding_ND.requires_grad_()
    with LargestTensor() as largest:
        segment_sorting_loss(leaf_ND, segment_N, label_S, reduction="mean").backward()
    assert largest.numbers <= 2000 * 8


def test_what_is_refused() -> None:
    embedding_ND, segment_N, label_S = drawn()
    with pytest.raises(BadInput, match="concentration must be above 0"):
        segment_sorting_loss(embedding_ND, segment_N, label_S, concentration=0)
    with pytest.raises(BadInput, match="reduction must be none, mean or sum"):
        segment_sorting_loss(embedding_ND, segment_N, label_S, reduction="all")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="segments must be from 0 to 3"):
        segment_sorting_loss(embedding_ND, segment_N, label_S[:4])
    with pytest.raises(BadInput, match="segments must be whole numbers"):
        segment_sorting_loss(embedding_ND, segment_N.float(), label_S)
