"""Batch norm over all processes: torch's SyncBatchNorm on GPUs; its own small form on the CPU, where torch has none."""

from types import MethodType
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from mereo.processes import num_processes


def synchronised(module: nn.Module, *, on_gpu: bool) -> nn.Module:
    """The module with every batch norm looking at the batches of all processes. Identity with one process."""
    if num_processes() == 1:
        return module
    if on_gpu:
        from timm.layers import convert_sync_batchnorm

        return convert_sync_batchnorm(module)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.forward = MethodType(_forward_over_processes, norm)  # type: ignore[method-assign]
    return module


class SumOverProcesses(torch.autograd.Function):
    """All-reduce with a gradient: what every process feels of the sum is the sum of what all of them feel."""

    @staticmethod
    def forward(context: Any, value: Tensor) -> Tensor:
        total = value.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        dist.all_reduce(total)
        return total


def _forward_over_processes(self: nn.BatchNorm2d, features_BCHW: Tensor) -> Tensor:
    if not self.training:
        return type(self).forward(self, features_BCHW)
    count = torch.tensor([features_BCHW.numel() / features_BCHW.shape[1]], dtype=torch.float64)
    wide = features_BCHW.double()  # Sums in float64: the split of a batch over processes must not show in the answer.
    sums = torch.cat([wide.sum(dim=(0, 2, 3)), wide.square().sum(dim=(0, 2, 3)), count])
    sums = SumOverProcesses.apply(sums)
    num_channels, total = features_BCHW.shape[1], sums[-1].detach()
    mean_C = sums[:num_channels] / total
    variance_C = (sums[num_channels:-1] / total - mean_C.square()).clamp(min=0)
    if self.track_running_stats and self.running_mean is not None and self.running_var is not None:
        with torch.no_grad():
            momentum = 0.1 if self.momentum is None else self.momentum
            unbiased_C = variance_C * (total / (total - 1).clamp(min=1))
            self.running_mean.lerp_(mean_C.to(self.running_mean.dtype), momentum)
            self.running_var.lerp_(unbiased_C.to(self.running_var.dtype), momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)
    scale_C = (variance_C + self.eps).rsqrt() * self.weight.double()
    shift_C = self.bias.double() - mean_C * scale_C
    dtype = features_BCHW.dtype
    answer_BCHW = features_BCHW * scale_C.to(dtype).view(1, -1, 1, 1) + shift_C.to(dtype).view(1, -1, 1, 1)
    for following in ("drop", "act"):  # timm's BatchNormAct2d carries its activation inside.
        if hasattr(self, following):
            answer_BCHW = getattr(self, following)(answer_BCHW)
    return answer_BCHW
