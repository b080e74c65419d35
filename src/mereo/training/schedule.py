"""The learning rate as a function of the step: nothing to save, nothing to resume."""

import torch

from mereo.training.settings import ScheduleConfig


def learning_rate_factor(step: int, num_steps: int, config: ScheduleConfig) -> float:
    """Linear warm-up to 1, then (1 - step / num_steps) ** power, or constant, or a tenth after each drop.

    >>> learning_rate_factor(0, 100, ScheduleConfig()), learning_rate_factor(50, 100, ScheduleConfig(power=1.0))
    (1.0, 0.5)
    >>> learning_rate_factor(0, 100, ScheduleConfig(warmup_steps=10))
    0.1
    >>> [learning_rate_factor(step, 9, ScheduleConfig(kind="drops", drops=(7 / 9,))) for step in (6, 7)]
    [1.0, 0.1]
    """
    warmup = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    if config.kind == "constant":
        return warmup
    if config.kind == "drops":
        return warmup * 0.1 ** sum(step >= round(drop * num_steps) for drop in config.drops)
    return warmup * (1 - step / num_steps) ** config.power


def set_learning_rate(optimizer: torch.optim.Optimizer, factor: float) -> float:
    """Sets every group's rate; returns the first group's (the backbone's)."""
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * factor
    return float(optimizer.param_groups[0]["lr"])
