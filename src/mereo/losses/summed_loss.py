"""Losses that may have nothing to say about a batch: summed over what is labelled, and how much that is.

A task without labels in a batch must give a zero with a gradient (every process needs one for every weight), and must
not look like a task that is solved: its mean is then marked as absent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mereo.losses.checked_labels import checked_labels
from mereo.losses.map_cross_entropy import map_cross_entropy
from mereo.processes import mean_over_processes, over_mean_weight


@dataclass(frozen=True)
class TaskLoss:
    """`value` is what training minimises; `told` the same for readers, NaN where no process has a label."""

    value: Tensor
    told: Tensor


@dataclass(frozen=True)
class SummedLoss:
    """`weight` is what the sum must be divided by: labelled pixels or images, each times its class weight."""

    total: Tensor
    weight: Tensor

    def mean(self) -> TaskLoss:
        """Over the whole batch of all processes. Every process must call it, labels or none."""
        weight = mean_over_processes(self.weight)
        value = over_mean_weight(self.total, weight)
        return TaskLoss(value, torch.where(weight > 0, value.detach(), torch.nan))


def nothing_labelled(logits: Tensor) -> SummedLoss:
    """Zero, of which every weight behind the logits has the gradient zero (not NaN, whatever the logits are)."""
    nothing = logits[:, :0].float().sum()
    return SummedLoss(nothing, torch.zeros_like(nothing.detach()))


def summed_cross_entropy(
    logits_BKX: Tensor, label_BX: Tensor, *, class_weight_K: Tensor | None = None, ignore_label: int
) -> SummedLoss:
    """sum w[y] * -log softmax(x)[y] over what is labelled; X stands for no axes (images), or for the two of pixels."""
    label_BX, is_labelled_BX = checked_labels(label_BX, num_classes=logits_BKX.shape[1], ignore_label=ignore_label)
    total = map_cross_entropy(
        logits_BKX, label_BX, class_weight_K=class_weight_K, ignore_label=ignore_label, reduction="sum"
    )
    if class_weight_K is None:
        return SummedLoss(total, is_labelled_BX.sum().to(total.dtype))
    weight_BX = class_weight_K.to(total.dtype)[label_BX.masked_fill(~is_labelled_BX, 0)] * is_labelled_BX
    return SummedLoss(total, weight_BX.sum())


def summed_slice_cross_entropy(
    logits_BKhw: Tensor, label_BHW: Tensor, spans: Sequence[tuple[int, int]], *, ignore_label: int
) -> SummedLoss:
    """sum -log softmax over y's own slice (x)[y]: only the classes of the slice that a label lies in compete for it.

    `spans` holds start and stop of each slice. Logits are brought to the label's size a slice and its images at a time:
    all slices at once would take hundreds of channels at full size.
    """
    summed = nothing_labelled(logits_BKhw)
    total, label_BHW = summed.total, label_BHW.long()
    for start, stop in spans:
        is_inside_BHW = (label_BHW >= start) & (label_BHW < stop) & (label_BHW != ignore_label)
        images = is_inside_BHW.flatten(1).any(dim=1).nonzero()[:, 0]
        if not len(images):
            continue
        logits_bkHW = at_size_of(logits_BKhw[images, start:stop], label_BHW)
        label_bHW = torch.where(is_inside_BHW[images], label_BHW[images] - start, ignore_label)
        total = total + map_cross_entropy(logits_bkHW, label_bHW, ignore_label=ignore_label, reduction="sum")
    return SummedLoss(total, (label_BHW != ignore_label).sum().to(total.dtype))


def at_size_of(logits_BKhw: Tensor, label_BHW: Tensor) -> Tensor:
    """In float32: half precision is too coarse for sums over a picture."""
    return F.interpolate(logits_BKhw.float(), size=label_BHW.shape[-2:], mode="bilinear", align_corners=False)
