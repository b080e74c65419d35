"""Cross-entropy of pixels: against a loop in float64, against torch's own, its gradient, and over processes."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.errors import BadInput
from mereo.losses.pixel_cross_entropy import PixelCrossEntropy, pixel_cross_entropy

IGNORED = 255
WEIGHT_K = torch.tensor([0.5, 1.0, 2.5, 0.1], dtype=torch.float64)


def random_case(seed: int = 0, *, ignored_share: float = 0.3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits_BKHW = torch.randn(2, 4, 5, 7, generator=generator, dtype=torch.float64) * 3
    label_BHW = torch.randint(0, 4, (2, 5, 7), generator=generator)
    label_BHW[torch.rand(2, 5, 7, generator=generator) < ignored_share] = IGNORED
    return logits_BKHW, label_BHW


def by_loop(
    logits_BKHW: torch.Tensor, label_BHW: torch.Tensor, weight_K: torch.Tensor | None, hardest_share: float = 1.0
) -> float:
    scores, labels = logits_BKHW.numpy(), label_BHW.numpy()
    losses, weights = [], []
    for batch, row, column in np.ndindex(labels.shape):
        label = labels[batch, row, column]
        if label == IGNORED:
            continue
        x = scores[batch, :, row, column]
        weight = 1.0 if weight_K is None else float(weight_K[label])
        losses.append(weight * (np.log(np.exp(x - x.max()).sum()) + x.max() - x[label]))
        weights.append(weight)
    order = np.argsort(losses)[::-1][: max(1, int(hardest_share * len(losses)))]
    return float(np.sum(np.array(losses)[order]) / np.sum(np.array(weights)[order]))


@pytest.mark.parametrize("weight_K", [None, WEIGHT_K], ids=["plain", "weighted"])
@pytest.mark.parametrize("hardest_share", [1.0, 0.5, 0.01])
def test_it_is_the_loop(weight_K: torch.Tensor | None, hardest_share: float) -> None:
    for seed in range(3):
        logits_BKHW, label_BHW = random_case(seed)
        answer = pixel_cross_entropy(
            logits_BKHW, label_BHW, class_weight_K=weight_K, ignore_label=IGNORED, hardest_share=hardest_share
        )
        assert float(answer) == pytest.approx(by_loop(logits_BKHW, label_BHW, weight_K, hardest_share), rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), ignored_share=st.floats(0, 0.9), is_weighted=st.booleans())
def test_it_is_torchs_weighted_mean(seed: int, ignored_share: float, is_weighted: bool) -> None:
    logits_BKHW, label_BHW = random_case(seed, ignored_share=ignored_share)
    if bool((label_BHW == IGNORED).all()):
        return
    weight_K = WEIGHT_K if is_weighted else None
    answer = pixel_cross_entropy(logits_BKHW, label_BHW, class_weight_K=weight_K)
    torch.testing.assert_close(answer, F.cross_entropy(logits_BKHW, label_BHW, weight_K, ignore_index=IGNORED))


@pytest.mark.parametrize("hardest_share", [1.0, 0.5])
def test_gradcheck(hardest_share: float) -> None:
    logits_BKHW, label_BHW = random_case()
    values_BKHW = logits_BKHW[:1, :, :3, :3].clone().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: pixel_cross_entropy(x, label_BHW[:1, :3, :3], class_weight_K=WEIGHT_K, hardest_share=hardest_share),
        values_BKHW,
    )


@pytest.mark.parametrize("hardest_share", [1.0, 0.4])
def test_ignored_pixels_change_nothing_and_get_no_gradient(hardest_share: float) -> None:
    logits_BKHW, label_BHW = random_case()
    is_ignored_BHW = label_BHW == IGNORED

    def loss_and_gradient(values_BKHW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        values_BKHW = values_BKHW.clone().requires_grad_()
        loss = pixel_cross_entropy(
            values_BKHW, label_BHW, class_weight_K=WEIGHT_K, hardest_share=hardest_share, ignore_label=IGNORED
        )
        loss.backward()
        return loss.detach(), values_BKHW.grad

    loss, gradient_BKHW = loss_and_gradient(logits_BKHW)
    other_loss, other_gradient_BKHW = loss_and_gradient(
        torch.where(is_ignored_BHW[:, None], 1e4 * torch.rand_like(logits_BKHW), logits_BKHW)
    )
    assert torch.equal(loss, other_loss)
    assert torch.equal(gradient_BKHW, other_gradient_BKHW)
    assert bool((gradient_BKHW.movedim(1, -1)[is_ignored_BHW] == 0).all())
    if hardest_share == 1:
        assert bool((gradient_BKHW.movedim(1, -1)[~is_ignored_BHW].abs().sum(dim=-1) > 0).all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("hardest_share", [1.0, 0.25])
@pytest.mark.parametrize("weight_K", [None, WEIGHT_K], ids=["plain", "weighted"])
def test_nothing_labelled_is_zero(dtype: torch.dtype, hardest_share: float, weight_K: torch.Tensor | None) -> None:
    logits_BKHW = torch.randn(1, 4, 3, 3, dtype=dtype, requires_grad=True)
    weight_K = None if weight_K is None else weight_K.to(dtype)
    label_BHW = torch.full((1, 3, 3), IGNORED)
    loss = pixel_cross_entropy(logits_BKHW, label_BHW, class_weight_K=weight_K, hardest_share=hardest_share)
    loss.backward()
    assert float(loss.detach()) == 0
    assert bool((logits_BKHW.grad == 0).all())


def test_hardest_share_keeps_the_hardest() -> None:
    logits_BKHW = torch.zeros(1, 2, 1, 10, requires_grad=True)
    with torch.no_grad():
        logits_BKHW[0, 0, 0] = torch.arange(10.0)  # The label is 0: pixel 0 is the hardest.
    label_BHW = torch.zeros(1, 1, 10, dtype=torch.long)
    pixel_cross_entropy(logits_BKHW, label_BHW, hardest_share=0.3).backward()
    assert (logits_BKHW.grad.abs().sum(dim=1) > 0).flatten().tolist() == [True] * 3 + [False] * 7


def test_classes_of_no_weight_only() -> None:
    logits_BKHW, label_BHW = random_case()
    logits_BKHW.requires_grad_()
    loss = pixel_cross_entropy(logits_BKHW, label_BHW, class_weight_K=torch.zeros(4, dtype=torch.float64))
    loss.backward()
    assert float(loss.detach()) == 0
    assert bool((logits_BKHW.grad == 0).all())


@pytest.mark.parametrize("value", [4, -1, 254])
def test_label_out_of_range(value: int) -> None:
    logits_BKHW, label_BHW = random_case()
    label_BHW[1, 2, 3] = value
    with pytest.raises(
        BadInput, match=rf"labels must lie in 0\.\.3 or be 255, but got {value}; run `mereo data check`"
    ):
        pixel_cross_entropy(logits_BKHW, label_BHW)


def test_shapes_that_do_not_belong_together() -> None:
    logits_BKHW, label_BHW = random_case()
    with pytest.raises(BadInput, match="axis W must have one size everywhere, but got 7 in logits_BKHW and 6 in label"):
        pixel_cross_entropy(logits_BKHW, label_BHW[..., :6])
    with pytest.raises(BadInput, match="axis K must have one size everywhere, but got 4 in logits_BKHW and 3 in class"):
        pixel_cross_entropy(logits_BKHW, label_BHW, class_weight_K=torch.ones(3))


def test_any_integer_type_and_the_wide_ignore_index() -> None:
    logits_BKHW, label_BHW = random_case()
    wanted = pixel_cross_entropy(logits_BKHW, label_BHW)
    assert torch.equal(pixel_cross_entropy(logits_BKHW, label_BHW.to(torch.uint8)), wanted)
    wide_BHW = torch.where(label_BHW == IGNORED, 65535, label_BHW).to(torch.int32)
    assert torch.equal(pixel_cross_entropy(logits_BKHW, wide_BHW, ignore_label=65535), wanted)


def test_module_upsamples_and_computes_in_float32() -> None:
    torch.manual_seed(0)
    module = PixelCrossEntropy(class_weight_K=WEIGHT_K.float(), ignore_label=IGNORED)
    logits_BKhw = torch.randn(2, 4, 3, 4)
    label_BHW = random_case()[1]
    logits_BKHW = F.interpolate(logits_BKhw, size=(5, 7), mode="bilinear", align_corners=False)
    wanted = F.cross_entropy(logits_BKHW, label_BHW, WEIGHT_K.float(), ignore_index=IGNORED)
    torch.testing.assert_close(module(logits_BKhw, label_BHW), wanted)
    assert module(logits_BKhw.bfloat16(), label_BHW).dtype == torch.float32
    assert not module.state_dict()  # Class weights belong to the data, not to a checkpoint.


def test_gradients_stay_finite_for_extreme_logits() -> None:
    logits_BKHW = torch.tensor([1e30, -1e30, 0.0, 88.0]).view(1, 4, 1, 1).requires_grad_()
    loss = pixel_cross_entropy(logits_BKHW, torch.tensor([[[0]]]))
    loss.backward()
    assert float(loss.detach()) == 0
    assert bool(logits_BKHW.grad.isfinite().all())


def one_process(rank: int, rendezvous: str, folder: str) -> None:
    dist.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=2)
    logits_BKHW, label_BHW = random_case()
    label_BHW[0] = IGNORED  # One process has five labelled pixels, the other all of its own.
    label_BHW[0, 0, :5] = torch.tensor([0, 1, 2, 3, 0])
    values_BKHW = logits_BKHW[rank : rank + 1].clone().requires_grad_()
    loss = pixel_cross_entropy(values_BKHW, label_BHW[rank : rank + 1], class_weight_K=WEIGHT_K)
    loss.backward()
    # What data-parallel training does with the gradients of parameters: their mean over processes.
    torch.save({"loss": loss.detach() / 2, "gradient": values_BKHW.grad / 2}, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_are_one_batch(tmp_path: Path) -> None:
    rendezvous = (tmp_path / "rendezvous").as_uri()
    multiprocessing.spawn(one_process, args=(rendezvous, str(tmp_path)), nprocs=2)
    parts = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    logits_BKHW, label_BHW = random_case()
    label_BHW[0] = IGNORED
    label_BHW[0, 0, :5] = torch.tensor([0, 1, 2, 3, 0])
    logits_BKHW.requires_grad_()
    loss = pixel_cross_entropy(logits_BKHW, label_BHW, class_weight_K=WEIGHT_K)
    loss.backward()
    torch.testing.assert_close(parts[0]["loss"] + parts[1]["loss"], loss.detach())
    torch.testing.assert_close(torch.cat([part["gradient"] for part in parts]), logits_BKHW.grad)
