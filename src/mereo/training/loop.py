"""The training loop. Built objects in, a finished run folder out; no recipe is known here.

A step draws nothing from any state that is not in its checkpoint: samples and augmentation count by (seed, epoch,
index), dropout by (seed, step), the learning rate by the step. So a run that is killed and resumed ends byte-equal.
"""

import logging
import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, fields
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from mereo.counter_random import counter_seed
from mereo.data.batches import Batch, StepSampler, dead_workers_explained, training_batches
from mereo.data.joined_samples import source_sizes
from mereo.data.sample import Sample, Samples
from mereo.errors import BadInput
from mereo.parser.instances.instance_objective import InstanceObjective
from mereo.parser.objective import Objective
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import save_parser
from mereo.processes import is_true_everywhere, mean_over_processes
from mereo.run_files import BEST_PARSER, LAST_PARSER
from mereo.training.loop_state import LoopState, restore_run, save_run
from mereo.training.moving_average import MovingAverage
from mereo.training.optimizer import build_optimizer
from mereo.training.progress import StepProgress
from mereo.training.run_folder import RunFolder
from mereo.training.schedule import learning_rate_factor, set_learning_rate
from mereo.training.settings import TrainingConfig
from mereo.training.step_module import BufferMemory, StepModule
from mereo.training.stop_signals import Stopped, StopSignals
from mereo.training.synchronised_norm import synchronised
from mereo.training.trained_parts import train_only

LOG = logging.getLogger("mereo")


@dataclass(frozen=True)
class TrainingResult:
    """`is_finished` is False when a signal ended the run early; resume it then."""

    step: int
    is_finished: bool
    skipped_steps: int
    last_loss: float


def train(
    parser: SceneParser,
    objective: Objective | InstanceObjective,
    samples: Samples,
    augment: Callable[[Sample], Sample],
    run: RunFolder,
    config: TrainingConfig,
    *,
    fabric: Fabric,
    signals: StopSignals,
    is_resumed: bool = False,
    score: Callable[[SceneParser], float] | None = None,
) -> TrainingResult:
    """Train `parser` in place. `score` (higher is better) picks `best.safetensors` every `evaluate_every` steps.

    `score` may raise `Stopped` when a signal came: it is measured when the run goes on.
    """
    step_module, optimizer, average = _set_up(parser, objective, config, fabric)
    precision = fabric.strategy.precision
    state = LoopState()
    if is_resumed:
        state = restore_run(parser, objective, optimizer, average, run, precision=precision)
    sampler = StepSampler(
        source_sizes=source_sizes(samples),
        batch_size=config.batch_size,
        seed=config.seed,
        first_step=state.step,
        num_steps=config.steps,
        rank=fabric.global_rank,
        num_processes=fabric.world_size,
    )
    batches = training_batches(samples, augment, sampler, num_workers=config.num_workers)
    running_statistics = BufferMemory(parser, objective)
    parser.train()
    run.open(is_resumed=is_resumed, first_step=state.step, is_score_due=state.is_score_due)
    progress = StepProgress(config.steps, state.step, is_shown=run.is_writer)
    with dead_workers_explained(), run, closing(batches), progress:
        if state.is_score_due and score is not None:
            _keep_best(parser, average, score, state, run)
        # Still due: the next signal came, and there is nothing to save yet.
        for batch in batches if is_true_everywhere(not state.is_score_due, device=fabric.device) else ():
            rate = set_learning_rate(optimizer, learning_rate_factor(state.step, config.steps, config.schedule))
            torch.manual_seed(counter_seed(config.seed, "step", state.step, fabric.global_rank))
            running_statistics.remember()
            terms = step_module(_tensors(batch.to(fabric.device)))
            norm = _backward(terms["loss"], step_module, optimizer, config, fabric)
            is_finite = norm is not None and math.isfinite(norm)
            # The fp16 scaler must see an overflow to lower its scale; it leaves the weights alone then.
            if is_finite or (norm is not None and config.precision == "16-mixed"):
                optimizer.step()
            if not is_finite:
                running_statistics.restore()
                state.skipped_steps += 1
                _refuse_too_many_skips(state, config)
            optimizer.zero_grad()
            state.step += 1
            if average is not None:
                average.update(parser, step=state.step)
            values = {name: float(mean_over_processes(value)) for name, value in terms.items()}
            row = {name: round(value, 8) for name, value in values.items() if math.isfinite(value)}
            state.last_loss = row.get("loss", state.last_loss)
            row |= {"learning_rate": rate, "skipped_steps": state.skipped_steps}
            if norm is not None and is_finite:
                row["gradient_norm"] = round(norm, 8)
            run.write_metrics(state.step, row)
            progress.advance(state.last_loss, skipped_steps=state.skipped_steps)
            if score is not None and config.evaluate_every and state.step % config.evaluate_every == 0:
                state.is_score_due = True
                _keep_best(parser, average, score, state, run)
            must_stop = not is_true_everywhere(not signals.is_set, device=fabric.device)
            if must_stop or state.step % config.checkpoint_every == 0 or state.step == config.steps:
                run.flush()
                save_run(
                    parser, objective, optimizer, average, state, run, keep_last=config.keep_last, precision=precision
                )
            if must_stop:
                break
    if average is not None:
        parser.load_state_dict(average.state)
    if run.is_writer and state.step == config.steps and parser.config is not None:
        save_parser(parser, run.path / LAST_PARSER)
    return TrainingResult(state.step, state.step == config.steps, state.skipped_steps, state.last_loss)


def _set_up(
    parser: SceneParser, objective: Objective | InstanceObjective, config: TrainingConfig, fabric: Fabric
) -> tuple[Any, Any, MovingAverage | None]:
    synchronised(parser, on_gpu=fabric.device.type == "cuda")
    train_only(parser, objective, config.only, frozen_norms=config.frozen_norms)
    module = StepModule(parser, objective)
    if config.channels_last:
        module.to(memory_format=torch.channels_last)
    optimizer = build_optimizer(parser.backbone, [parser.path, parser.heads, objective], config.optimizer)
    compiled: Any = torch.compile(module) if config.compile else module
    wrapped, optimizer = fabric.setup(compiled, optimizer)
    average = None if config.ema_decay is None else MovingAverage(parser, decay=config.ema_decay)
    return wrapped, optimizer, average


def _backward(loss: Tensor, step_module: Any, optimizer: Any, config: TrainingConfig, fabric: Fabric) -> float | None:
    """Gradients, clipped if asked; returns their norm (not finite: the step must be skipped), or None without any."""
    if not is_true_everywhere(bool(torch.isfinite(loss)), device=fabric.device):
        return None  # No backward pass anywhere: a process that skipped it alone would leave the others waiting.
    fabric.backward(loss)
    limit = config.optimizer.clip_norm or math.inf
    if config.precision == "16-mixed":
        norm = fabric.clip_gradients(step_module, optimizer, max_norm=limit, error_if_nonfinite=False)
        return float(norm) if norm is not None else math.nan
    parameters = [parameter for parameter in step_module.parameters() if parameter.grad is not None]
    return float(clip_grad_norm_(parameters, limit))


def _tensors(batch: Batch) -> dict[str, Tensor]:
    return {field.name: value for field in fields(batch) if isinstance(value := getattr(batch, field.name), Tensor)}


def _refuse_too_many_skips(state: LoopState, config: TrainingConfig) -> None:
    if state.skipped_steps > config.max_skipped_steps:
        raise BadInput(
            f"loss and gradients must be finite, but got {state.skipped_steps} steps where they were not; "
            "lower the learning rate, or check the images and weights."
        )


def _keep_best(
    parser: SceneParser,
    average: MovingAverage | None,
    score: Callable[[SceneParser], float],
    state: LoopState,
    run: RunFolder,
) -> None:
    if average is not None:
        with average.in_place_of(parser):
            return _keep_best(parser, None, score, state, run)
    try:
        value = score(parser)
    except Stopped:
        parser.train()
        return
    state.is_score_due = False
    run.write_metrics(state.step, {"score": value})
    if value > state.best_score:
        state.best_score = value
        if run.is_writer and parser.config is not None:
            save_parser(parser, run.path / BEST_PARSER)
    parser.train()
