"""Numbers shared between the processes of one training run; with one process everything is the identity."""

import torch
import torch.distributed as dist
from torch import Tensor


def num_processes() -> int:
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def mean_over_processes(value: Tensor) -> Tensor:
    """The mean of `value` over all processes, without a gradient."""
    if num_processes() == 1:
        return value.detach()
    total = value.detach().clone()
    dist.all_reduce(total)
    return total / num_processes()


def over_whole_batch(total: Tensor, weight: Tensor) -> Tensor:
    """A loss: `total`, the sum over what this process has, by the mean over all processes of what sums are divided by.

    By that mean instead of by its own weight: the gradients' average over the processes is then exactly the gradient of
    the loss over the whole batch, however labels fall on the processes. Every process must call it.
    """
    return over_mean_weight(total, mean_over_processes(weight))


def over_mean_weight(total: Tensor, mean_weight: Tensor) -> Tensor:
    """Where no process has any weight, the sum is 0, and so is the loss.

    >>> over_mean_weight(torch.tensor([6.0, 0.0]), torch.tensor([2.0, 0.0])).tolist()
    [3.0, 0.0]
    """
    return total / mean_weight.clamp(min=torch.finfo(total.dtype).tiny)


def leave_processes() -> None:
    """The orderly end of a run of several processes: without it some backends abort at exit."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def is_true_everywhere(flag: bool, *, device: torch.device | str = "cpu") -> bool:
    if num_processes() == 1:
        return flag
    smallest = torch.tensor(float(flag), device=device)
    dist.all_reduce(smallest, op=dist.ReduceOp.MIN)
    return bool(smallest.item())


def is_same_everywhere(number: int, *, device: torch.device | str = "cpu") -> bool:
    if num_processes() == 1:
        return True
    extremes = torch.tensor([number, -number], device=device)
    dist.all_reduce(extremes, op=dist.ReduceOp.MAX)
    return int(extremes[0]) == -int(extremes[1])
