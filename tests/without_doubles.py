"""As if on an accelerator that knows no float64."""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

WORDS = "Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64"


class WithoutDoubles(torch.Tensor):
    """Numbers that lie on it, and whatever is made of them, until they come to the CPU."""

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        if function is torch.Tensor.cpu:
            return arguments[0].as_subclass(torch.Tensor)
        result = super().__torch_function__(function, types, arguments, options or {})
        if isinstance(result, WithoutDoubles) and result.dtype == torch.float64:
            raise TypeError(WORDS)
        return result


class NoDoublesOnMeta(TorchDispatchMode):
    """The device "meta", which has no numbers, is it: whatever comes there is looked at."""

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        result = function(*arguments, **(options or {}))
        if isinstance(result, torch.Tensor) and result.device.type == "meta" and result.dtype == torch.float64:
            raise TypeError(WORDS)
        return result
