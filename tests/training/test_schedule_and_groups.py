import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mereo.training.moving_average import MovingAverage
from mereo.training.optimizer import build_optimizer
from mereo.training.schedule import learning_rate_factor, set_learning_rate
from mereo.training.settings import OptimizerConfig, ScheduleConfig


@given(st.integers(1, 1000), st.floats(0.1, 3), st.integers(0, 50))
def test_poly_falls_and_stays_positive(num_steps: int, power: float, warmup: int) -> None:
    config = ScheduleConfig(power=power, warmup_steps=warmup)
    factors = [learning_rate_factor(step, num_steps, config) for step in range(num_steps)]
    assert all(0 < factor <= 1 for factor in factors)
    after = factors[warmup:]
    assert after == sorted(after, reverse=True)


def test_poly_equals_the_formula() -> None:
    assert learning_rate_factor(30, 100, ScheduleConfig(power=0.9)) == pytest.approx(0.7**0.9)
    assert learning_rate_factor(30, 100, ScheduleConfig(kind="constant")) == 1
    assert learning_rate_factor(3, 100, ScheduleConfig(warmup_steps=8)) == pytest.approx(0.5 * 0.97**0.9)


def test_groups_rates_and_decay() -> None:
    backbone, head = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), nn.Linear(4, 2)
    optimizer = build_optimizer(backbone, [head], OptimizerConfig(learning_rate=0.1, head_factor=10, weight_decay=0.5))
    groups = [(group["lr"], group["weight_decay"], len(group["params"])) for group in optimizer.param_groups]
    assert groups == [(0.1, 0.5, 1), (0.1, 0.0, 3), (1.0, 0.5, 1), (1.0, 0.0, 1)]
    assert set_learning_rate(optimizer, 0.5) == 0.05
    assert [group["lr"] for group in optimizer.param_groups] == [0.05, 0.05, 0.5, 0.5]


def test_moving_average_equals_a_loop() -> None:
    module = nn.BatchNorm1d(3)
    average = MovingAverage(module, decay=0.5)
    expected = torch.ones(3, dtype=torch.float64)
    for step in range(1, 6):
        with torch.no_grad():
            module.weight.add_(1)
        average.update(module, step=step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * (1 + step)
    assert torch.allclose(average.state["weight"].double(), expected, atol=1e-6)
    with average.in_place_of(module):
        assert torch.equal(module.weight.detach(), average.state["weight"])
    assert module.weight.tolist() == [6, 6, 6]
