"""Exponential moving average of a parser's weights (EMA)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class MovingAverage:
    """average <- decay * average + (1 - decay) * weight after every step; buffers are copied.

    The decay of step n is at most (1 + n) / (10 + n), so that short runs are not held at their start.
    """

    def __init__(self, module: nn.Module, *, decay: float) -> None:
        self.decay = decay
        self.state = {name: value.detach().clone() for name, value in module.state_dict().items()}
        self.averaged_names = {name for name, _ in module.named_parameters()}

    @torch.no_grad()
    def update(self, module: nn.Module, *, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in module.state_dict().items():
            if name in self.averaged_names:
                self.state[name].lerp_(value.to(self.state[name].dtype), 1 - decay)
            else:
                self.state[name].copy_(value)

    @contextmanager
    def in_place_of(self, module: nn.Module) -> Iterator[None]:
        """Inside, `module` holds the average; afterwards its own weights again."""
        own: dict[str, Tensor] = {name: value.detach().clone() for name, value in module.state_dict().items()}
        module.load_state_dict(self.state)
        try:
            yield
        finally:
            module.load_state_dict(own)
