"""Whether a convolution is part of plain training on a CPU, where some have a faster way than torch's own."""

import torch
from torch import Tensor


def trains_on_cpu(features: Tensor, weight: Tensor) -> bool:
    return (
        features.device.type == "cpu"
        and torch.is_grad_enabled()
        and (weight.requires_grad or features.requires_grad)
        and not torch.compiler.is_compiling()
    )
