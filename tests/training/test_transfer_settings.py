"""The printed schedule is the default of a transfer, also where only a part is named."""

import pytest

from mereo.errors import BadInput
from mereo.strict_yaml import validated
from mereo.training.schedule import learning_rate_factor
from mereo.training.settings import ScheduleConfig
from mereo.training.transfer_settings import TransferTrainingConfig


def test_the_defaults_are_the_printed_ones() -> None:
    config = TransferTrainingConfig()
    assert (config.steps, config.batch_size) == (270_000, 8)
    optimizer = config.optimizer
    assert (optimizer.kind, optimizer.learning_rate, optimizer.momentum) == ("sgd", 0.02, 0.9)
    assert (optimizer.weight_decay, optimizer.head_factor) == (1e-4, 1)
    steps = (0, 209_999, 210_000, 249_999, 250_000, 269_999)
    factors = [learning_rate_factor(step, config.steps, config.schedule) for step in steps]
    assert factors == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_a_part_named_leaves_the_rest() -> None:
    content = {"steps": 90, "optimizer": {"learning_rate": 0.005}, "schedule": {"warmup_steps": 10}}
    config = validated(TransferTrainingConfig, content, source="a test")
    assert config.optimizer.head_factor == 1 and config.optimizer.learning_rate == 0.005
    factors = [learning_rate_factor(step, 90, config.schedule) for step in (4, 50, 70, 83)]
    assert factors == pytest.approx([0.5, 1, 0.1, 0.01])


def test_drops_and_their_kind_go_together() -> None:
    with pytest.raises(BadInput, match="drops must go with kind drops, but got kind poly and drops"):
        validated(ScheduleConfig, {"drops": [0.5]}, source="a test")
    with pytest.raises(BadInput, match=r"drops must go with kind drops, but got kind drops and drops \(\)"):
        validated(ScheduleConfig, {"kind": "drops"}, source="a test")
    with pytest.raises(BadInput, match="drops"):
        validated(ScheduleConfig, {"kind": "drops", "drops": [1.5]}, source="a test")
