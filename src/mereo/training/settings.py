"""TrainingConfig: everything the loop wants to know, next to the loop."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from mereo.strict import StrictConfig

MANY = 1_000_000_000


class OptimizerConfig(StrictConfig):
    kind: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = Field(0.01, gt=0)
    head_factor: float = Field(
        10.0, gt=0, description="path, heads and objective learn this much faster than the backbone"
    )
    weight_decay: float = Field(1e-4, ge=0)
    momentum: float = Field(0.9, ge=0, lt=1)
    clip_norm: float | None = Field(None, gt=0, description="largest norm of the gradient; left out: no clipping")


class ScheduleConfig(StrictConfig):
    kind: Literal["poly", "constant", "drops"] = "poly"
    power: float = Field(0.9, gt=0)
    warmup_steps: int = Field(0, ge=0, le=MANY)
    drops: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        (), max_length=32, description="kind drops: after these shares of the steps the rate is a tenth of before"
    )

    @model_validator(mode="after")
    def _check(self) -> "ScheduleConfig":
        if (self.kind == "drops") != bool(self.drops):
            raise ValueError(f"drops must go with kind drops, but got kind {self.kind} and drops {self.drops}")
        return self


class TrainingConfig(StrictConfig):
    steps: int = Field(ge=1, le=MANY)
    batch_size: int = Field(8, ge=1, le=65536, description="of the whole step, over all processes")
    seed: int = Field(0, ge=0, lt=1 << 63)
    only: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), max_length=64, description="parts to train, e.g. heads.0.texture; all the rest is frozen. Empty: everything"
    )
    frozen_norms: bool = Field(
        False,
        description="batch norms keep the statistics that the weights bring; a batch's own would tell its source",
    )
    optimizer: OptimizerConfig = OptimizerConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    compile: bool = False
    channels_last: bool = True
    ema_decay: float | None = Field(None, gt=0, lt=1)
    num_workers: int = Field(1, ge=0, le=256, description="of each process")
    checkpoint_every: int = Field(100, ge=1, le=MANY)
    keep_last: int = Field(2, ge=1, le=MANY)
    evaluate_every: int | None = Field(None, ge=1, le=MANY, description="left out: only after the last step")
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    num_devices: int = Field(1, ge=1, le=256)
    num_threads: int | None = Field(
        None, ge=1, le=512, description="CPU threads of each process; left out: torch's own choice"
    )
    max_skipped_steps: int = Field(
        100, ge=0, le=MANY, description="stop after this many steps with a non-finite loss or gradient"
    )
