"""Losses that may have nothing to say: float64 loops, slices, zeros with a gradient, and several processes."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing
import torch.nn.functional as F

from mereo.errors import BadInput
from mereo.losses.pixel_cross_entropy import pixel_cross_entropy
from mereo.losses.summed_loss import (
    nothing_labelled,
    summed_cross_entropy,
    summed_slice_cross_entropy,
)

SPANS = ((0, 3), (3, 5), (5, 8))
IGNORED = -1


def random_case(seed: int = 0, *, size: tuple[int, int] = (5, 7)) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits_BKHW = torch.randn(3, 8, *size, generator=generator, dtype=torch.float64) * 3
    label_BHW = torch.randint(0, 8, (3, *size), generator=generator)
    label_BHW[torch.rand(3, *size, generator=generator) < 0.4] = IGNORED
    label_BHW[2] = IGNORED  # An image without a label, and no image with one of the last slice.
    label_BHW[label_BHW >= 5] = 1
    return logits_BKHW, label_BHW


def by_loop(logits_BKHW: torch.Tensor, label_BHW: torch.Tensor, spans: tuple[tuple[int, int], ...]) -> float:
    scores, labels, losses = logits_BKHW.numpy(), label_BHW.numpy(), []
    for image, row, column in np.ndindex(labels.shape):
        label = labels[image, row, column]
        for start, stop in spans:
            if start <= label < stop:
                of_slice = scores[image, start:stop, row, column]
                losses.append(np.log(np.exp(of_slice).sum()) - scores[image, label, row, column])
    return float(np.mean(losses))


@pytest.mark.parametrize("seed", range(3))
def test_slices_are_the_loop(seed: int) -> None:
    logits_BKHW, label_BHW = random_case(seed)
    found = summed_slice_cross_entropy(logits_BKHW, label_BHW, SPANS, ignore_label=IGNORED).mean()
    assert float(found.value) == pytest.approx(by_loop(logits_BKHW, label_BHW, SPANS), rel=1e-6)
    assert torch.equal(found.value, found.told)


def test_one_slice_of_everything_is_a_cross_entropy() -> None:
    logits_BKHW, label_BHW = random_case()
    whole = summed_slice_cross_entropy(logits_BKHW, label_BHW, ((0, 8),), ignore_label=IGNORED).mean()
    wanted = F.cross_entropy(logits_BKHW, label_BHW, ignore_index=IGNORED)
    torch.testing.assert_close(whole.value, wanted.float())


def test_scores_of_other_slices_do_not_matter_and_get_no_gradient() -> None:
    logits_BKHW, label_BHW = random_case()
    found = []
    for shift in (0.0, 100.0):
        given = logits_BKHW.clone()
        given[:, 5:] += shift
        given.requires_grad_()
        loss = summed_slice_cross_entropy(given, label_BHW, SPANS, ignore_label=IGNORED).mean().value
        loss.backward()
        found.append((loss.detach(), given.grad))
    assert torch.equal(found[0][0], found[1][0]) and torch.equal(found[0][1], found[1][1])
    assert bool((found[0][1][:, 5:] == 0).all()) and bool((found[0][1][2] == 0).all())
    # A label of the first slice moves nothing of the second.
    is_first_BHW = (label_BHW >= 0) & (label_BHW < 3)
    assert bool((found[0][1][:, 3:5].movedim(1, -1)[is_first_BHW] == 0).all())


def test_coarse_scores_are_brought_to_the_labels() -> None:
    logits_BKhw, _ = random_case(1, size=(3, 4))
    _, label_BHW = random_case(2, size=(9, 11))
    found = summed_slice_cross_entropy(logits_BKhw, label_BHW, SPANS, ignore_label=IGNORED).mean()
    logits_BKHW = F.interpolate(logits_BKhw, size=(9, 11), mode="bilinear", align_corners=False)
    assert float(found.value) == pytest.approx(by_loop(logits_BKHW, label_BHW, SPANS), rel=1e-5)


@pytest.mark.parametrize("weight_K", [None, torch.linspace(0.1, 2, 8, dtype=torch.float64)], ids=["plain", "weighted"])
def test_pixels_are_those_of_the_plain_loss(weight_K: torch.Tensor | None) -> None:
    logits_BKHW, label_BHW = random_case()
    found = summed_cross_entropy(logits_BKHW, label_BHW, class_weight_K=weight_K, ignore_label=IGNORED).mean()
    wanted = pixel_cross_entropy(logits_BKHW, label_BHW, class_weight_K=weight_K, ignore_label=IGNORED)
    torch.testing.assert_close(found.value, wanted)


def test_of_images() -> None:
    logits_BK = torch.randn(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = summed_cross_entropy(logits_BK, torch.tensor([2, -1, 0, -1]), ignore_label=-1).mean()
    by_hand = [
        -np.log(np.exp(row[y]) / np.exp(row).sum()) for row, y in ((logits_BK[0].numpy(), 2), (logits_BK[2].numpy(), 0))
    ]
    assert float(found.value) == pytest.approx(np.mean(by_hand))


def test_nothing_labelled_is_zero_with_a_gradient_and_told_as_absent() -> None:
    logits_BKHW = torch.full((2, 8, 3, 3), torch.inf, requires_grad=True)
    nowhere_BHW = torch.full((2, 3, 3), IGNORED)
    for summed in (
        nothing_labelled(logits_BKHW),
        summed_slice_cross_entropy(logits_BKHW, nowhere_BHW, SPANS, ignore_label=IGNORED),
    ):
        found = summed.mean()
        assert float(found.value.detach()) == 0 and bool(found.told.isnan())
        logits_BKHW.grad = None
        found.value.backward()
        assert bool((logits_BKHW.grad == 0).all())
    plain_BKHW = torch.randn(2, 8, 3, 3, requires_grad=True)
    found = summed_cross_entropy(plain_BKHW, nowhere_BHW, ignore_label=IGNORED).mean()
    found.value.backward()
    assert float(found.value.detach()) == 0 and bool(found.told.isnan()) and bool((plain_BKHW.grad == 0).all())


def test_labels_out_of_range() -> None:
    with pytest.raises(BadInput, match=r"labels must lie in 0\.\.2 or be -1, but got 3; run `mereo data check`"):
        summed_cross_entropy(torch.zeros(2, 3), torch.tensor([0, 3]), ignore_label=-1)


def one_process(rank: int, rendezvous: str, folder: str) -> None:
    dist.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=3)
    logits_BKHW, label_BHW = random_case()
    values_BKHW = logits_BKHW[rank : rank + 1].clone().requires_grad_()
    if rank == 2:  # No map at all, as for an image without one.
        found = nothing_labelled(values_BKHW).mean()
    else:
        found = summed_slice_cross_entropy(values_BKHW, label_BHW[rank : rank + 1], SPANS, ignore_label=IGNORED).mean()
    found.value.backward()
    nowhere = nothing_labelled(values_BKHW).mean()
    torch.save(
        {"loss": found.value.detach() / 3, "told": found.told / 3, "gradient": values_BKHW.grad / 3}
        | {"nowhere": nowhere.told},
        f"{folder}/{rank}.pt",
    )
    dist.destroy_process_group()


@pytest.mark.slow
def test_three_processes_are_one_batch(tmp_path: Path) -> None:
    multiprocessing.spawn(one_process, args=((tmp_path / "rendezvous").as_uri(), str(tmp_path)), nprocs=3)
    parts = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(3)]
    logits_BKHW, label_BHW = random_case()
    logits_BKHW.requires_grad_()
    whole = summed_slice_cross_entropy(logits_BKHW, label_BHW, SPANS, ignore_label=IGNORED).mean()
    whole.value.backward()
    torch.testing.assert_close(sum(part["loss"] for part in parts), whole.value.detach())
    torch.testing.assert_close(sum(part["told"] for part in parts), whole.told)
    torch.testing.assert_close(torch.cat([part["gradient"] for part in parts]), logits_BKHW.grad)
    assert all(bool(part["nowhere"].isnan()) for part in parts)
