"""Cross-entropy of maps by rows, against torch's own: values, gradients, and who goes by rows."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mereo.losses.map_cross_entropy import LEAST_CLASSES, map_cross_entropy

IGNORED = 255


def some_map(num_classes: int, *, is_channels_last: bool = True) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(num_classes)
    logits = torch.randn(2, num_classes, 7, 9, dtype=torch.float64, generator=generator)
    if is_channels_last:
        logits = logits.contiguous(memory_format=torch.channels_last)
    label = torch.randint(0, num_classes, (2, 7, 9), generator=generator)
    label[:, :3] = IGNORED
    return logits.requires_grad_(), label


@pytest.mark.parametrize("num_classes", [2, LEAST_CLASSES, 59])
@pytest.mark.parametrize("is_channels_last", [True, False])
@pytest.mark.parametrize("is_weighted", [True, False])
@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_values_and_gradients_are_those_of_torch(
    num_classes: int, is_channels_last: bool, is_weighted: bool, reduction: str
) -> None:
    logits, label = some_map(num_classes, is_channels_last=is_channels_last)
    weight = torch.linspace(0.5, 2, num_classes, dtype=torch.float64) if is_weighted else None
    found = map_cross_entropy(logits, label, class_weight_K=weight, ignore_label=IGNORED, reduction=reduction)  # type: ignore[arg-type]
    wanted = F.cross_entropy(logits, label, weight, ignore_index=IGNORED, reduction=reduction)
    torch.testing.assert_close(found, wanted)
    above = torch.rand_like(wanted)
    of_found, of_wanted = (torch.autograd.grad(answer, logits, above)[0] for answer in (found, wanted))
    torch.testing.assert_close(of_found, of_wanted)


def test_of_many_classes_the_gradient_keeps_its_order_in_memory() -> None:
    """Else the way back through the upsampling before it copies everything."""
    for num_classes, keeps in ((LEAST_CLASSES, True), (LEAST_CLASSES - 1, False)):
        logits, label = some_map(num_classes)
        loss = map_cross_entropy(logits, label, ignore_label=IGNORED, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, logits)
        assert gradient.is_contiguous(memory_format=torch.channels_last) == keeps


def test_scenes_and_empty_batches_go_as_ever() -> None:
    logits, label = torch.randn(3, 20), torch.tensor([1, 19, IGNORED])
    found = map_cross_entropy(logits, label, ignore_label=IGNORED, reduction="sum")
    torch.testing.assert_close(found, F.cross_entropy(logits, label, ignore_index=IGNORED, reduction="sum"))
    nothing = torch.full((1, 4, 4), IGNORED)
    empty = torch.randn(1, 20, 4, 4).contiguous(memory_format=torch.channels_last)
    assert map_cross_entropy(empty, nothing, ignore_label=IGNORED, reduction="sum") == 0
