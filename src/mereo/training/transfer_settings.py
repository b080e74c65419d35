"""Settings of a transfer: the defaults are the printed ones of Mask R-CNN on COCO.

Batch 8, SGD .02 with momentum .9 and weight decay 1e-4, the rate a tenth after 210,000 and 250,000 of 270,000 steps.
"""

from typing import Literal

from pydantic import Field

from mereo.training.settings import MANY, OptimizerConfig, ScheduleConfig, TrainingConfig


class TransferOptimizerConfig(OptimizerConfig):
    kind: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = Field(0.02, gt=0)
    head_factor: float = Field(1.0, gt=0, description="path and heads learn this much faster than the backbone")


class TransferScheduleConfig(ScheduleConfig):
    kind: Literal["poly", "constant", "drops"] = "drops"
    drops: tuple[float, ...] = Field((7 / 9, 25 / 27), max_length=32, description="see ScheduleConfig")


class TransferTrainingConfig(TrainingConfig):
    steps: int = Field(270_000, ge=1, le=MANY)
    optimizer: TransferOptimizerConfig = TransferOptimizerConfig()
    schedule: TransferScheduleConfig = TransferScheduleConfig()
