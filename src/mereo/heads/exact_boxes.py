"""Exact boxes: in half precision a box beyond pixel 256 has no odd sides, and one that is a pixel wide has no width.

torchvision keeps boxes, those of the labels too, in the precision of what its networks answer.
"""

from typing import Any

import torch
from torch import Tensor, nn


def answer_in_float32(*networks: nn.Module) -> None:
    """From now on, and in float32 at least. They themselves go on to work in what autocast says."""
    for network in networks:
        network.register_forward_hook(_widened_answer)


def _widened_answer(network: nn.Module, inputs: tuple[Any, ...], answer: Any) -> Any:
    return widened(answer)


def widened(answer: Any) -> Any:
    """Tensors, and tuples and lists of them.

    >>> widened([torch.zeros(0, dtype=torch.bfloat16), torch.zeros(0, dtype=torch.float64)])
    [tensor([]), tensor([], dtype=torch.float64)]
    """
    if isinstance(answer, Tensor):
        return answer.to(torch.promote_types(answer.dtype, torch.float32))
    return type(answer)(widened(one) for one in answer)
