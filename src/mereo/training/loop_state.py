"""What a run is made of between two steps, to and from a checkpoint."""

from dataclasses import dataclass
from typing import Any

from mereo.errors import BadEnvironment, BadInput
from mereo.parser.instances.instance_objective import InstanceObjective
from mereo.parser.objective import Objective
from mereo.parser.scene_parser import SceneParser
from mereo.processes import is_same_everywhere
from mereo.training.checkpoint import (
    Checkpoint,
    flat_optimizer_state,
    load_newest_checkpoint,
    restore_optimizer_state,
    save_checkpoint,
    set_aside_after,
    with_prefix,
    without_prefix,
)
from mereo.training.moving_average import MovingAverage
from mereo.training.run_folder import RunFolder


@dataclass
class LoopState:
    """What changes from step to step besides tensors. `is_score_due`: a signal came while this step was scored."""

    step: int = 0
    skipped_steps: int = 0
    best_score: float = -1.0
    last_loss: float = 0.0
    is_score_due: bool = False


def save_run(
    parser: SceneParser,
    objective: Objective | InstanceObjective,
    optimizer: Any,
    average: MovingAverage | None,
    state: LoopState,
    run: RunFolder,
    *,
    keep_last: int,
    precision: Any,
) -> None:
    if not run.is_writer:
        return
    tensors = with_prefix("parser", parser.state_dict()) | with_prefix("objective", objective.state_dict())
    tensors |= flat_optimizer_state(optimizer)
    if average is not None:
        tensors |= with_prefix("average", average.state)
    numbers: dict[str, Any] = {
        "skipped_steps": state.skipped_steps,
        "best_score": state.best_score,
        "last_loss": state.last_loss,
        "is_score_due": state.is_score_due,
    }
    numbers["precision"] = precision.state_dict()
    save_checkpoint(run.checkpoints, Checkpoint(state.step, tensors, numbers), keep_last=keep_last)


def restore_run(
    parser: SceneParser,
    objective: Objective | InstanceObjective,
    optimizer: Any,
    average: MovingAverage | None,
    run: RunFolder,
    *,
    precision: Any,
) -> LoopState:
    checkpoint = load_newest_checkpoint(run.checkpoints)
    step = 0 if checkpoint is None else checkpoint.step
    if not is_same_everywhere(step, device=next(parser.parameters()).device):
        raise BadEnvironment(
            f"every process must go on from the same checkpoint, but got step {step} in one and others elsewhere; "
            "put the run folder where all of them can read it."
        )
    if run.is_writer:
        set_aside_after(run.checkpoints, step)
    if checkpoint is None:
        return LoopState()  # Killed before its first checkpoint: begin again.
    numbers = dict(checkpoint.numbers)
    precision_state = numbers.pop("precision", {})
    try:
        parser.load_state_dict(without_prefix("parser", checkpoint.tensors))
        objective.load_state_dict(without_prefix("objective", checkpoint.tensors))
        restore_optimizer_state(optimizer, checkpoint.tensors)
    except (RuntimeError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(
            f"a resumed run must keep its recipe, but got other weights: {reason}; resume with the same recipe."
        ) from error
    if average is not None:
        average.state = without_prefix("average", checkpoint.tensors)
    if precision_state:
        precision.load_state_dict(precision_state)
    return LoopState(step=checkpoint.step, **numbers)
