"""Parameter groups and optimisers: the backbone learns slowly, what is new learns `head_factor` times faster."""

from collections.abc import Iterable

import torch
from torch import nn

from mereo.training.settings import OptimizerConfig


def parameter_groups(
    backbone: nn.Module, others: Iterable[nn.Module], config: OptimizerConfig
) -> list[dict[str, object]]:
    """Four groups at most: slow and fast, each with and without weight decay (norms and biases have none)."""
    groups: list[dict[str, object]] = []
    slow = [backbone]
    for modules, factor in ((slow, 1.0), (list(others), config.head_factor)):
        decayed: list[nn.Parameter] = []
        plain: list[nn.Parameter] = []
        for module in modules:
            for parameter in module.parameters():
                if parameter.requires_grad:
                    (decayed if parameter.ndim > 1 else plain).append(parameter)
        for parameters, decay in ((decayed, config.weight_decay), (plain, 0.0)):
            if parameters:
                rate = config.learning_rate * factor
                groups.append({"params": parameters, "lr": rate, "initial_lr": rate, "weight_decay": decay})
    return groups


def build_optimizer(backbone: nn.Module, others: Iterable[nn.Module], config: OptimizerConfig) -> torch.optim.Optimizer:
    groups = parameter_groups(backbone, others, config)
    if config.kind == "sgd":
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum)
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.999))
