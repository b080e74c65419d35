"""Carry out a recipe: open the data, train, evaluate on val, and leave a run folder that stands alone."""

import logging
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment

from mereo.atomic_files import write_json, write_text
from mereo.data.sample import Samples
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadEnvironment, BadInput
from mereo.evaluation.evaluate import evaluate
from mereo.evaluation.evaluation import Evaluation
from mereo.evaluation.evaluation_files import write_evaluation
from mereo.evaluation.token_evaluation import evaluate_tokens
from mereo.evaluation.token_measures import TokenMeasures, write_token_measures
from mereo.parser.scene_parser import SceneParser
from mereo.parser.token_weights import has_tokens
from mereo.recipe.assemble import BuiltRun, build_run
from mereo.recipe.matching_pictures import matching_pictures
from mereo.recipe.recipe import Recipe, load_recipe, recipe_yaml
from mereo.recipe.run_facts import run_facts, write_card
from mereo.training.loop import TrainingResult, train
from mereo.training.memory_reuse import keep_freed_memory
from mereo.training.process_start import StartedProcesses
from mereo.training.process_watch import ProcessWatch
from mereo.training.run_folder import RunFolder, require_free_run_folder
from mereo.training.run_lock import run_lock
from mereo.training.settings import TrainingConfig
from mereo.training.stop_signals import Stopped, StopSignals

# What may change when a run goes on elsewhere: none of it changes a number.
FREE_ON_RESUME = ("device", "num_devices", "num_threads", "num_workers", "checkpoint_every", "keep_last")


@dataclass(frozen=True)
class RunReport:
    """`evaluation` is None where the recipe has no val data, a signal stopped the run, or another process measured.

    `is_stopped`: a signal came before all was done. `is_first`: this process is the one that writes and tells.
    """

    folder: Path
    training: TrainingResult
    evaluation: Evaluation | None
    is_stopped: bool
    is_first: bool


def run_recipe(
    recipe: Recipe,
    *,
    recipe_folder: Path,
    out: Path,
    is_resumed: bool = False,
    command: str = "",
    compose: Callable[[Taxonomy], SceneParser] | None = None,
) -> RunReport:
    """Every process of a multi-process run calls this; the first one writes.

    `compose` builds a parser in Python instead of the recipe's: a network of one's own, trained and measured by the
    same loop (examples/own_network.py). Such a parser has no config, so no parser file is written.
    """
    settings = recipe.training
    fabric = build_fabric(settings)
    with StopSignals() as signals, ExitStack() as stack:
        watch = stack.enter_context(ProcessWatch(_start_others(fabric, settings), num_processes=_num_all(settings)))
        fabric.launch()
        watch.connect(fabric)
        if fabric.is_global_zero:
            stack.enter_context(run_lock(out))
            require_free_run_folder(out, is_resumed=is_resumed)
            if is_resumed:
                _require_same_recipe(recipe, out)
        if settings.num_threads is not None:
            torch.set_num_threads(settings.num_threads)
        if fabric.device.type == "cpu":
            keep_freed_memory()
        torch.manual_seed(settings.seed)  # Fresh weights, the same in every process.
        built = build_run(recipe, folder=recipe_folder, compose=compose)
        _require_training_pixels(built)
        run = RunFolder(out, is_writer=fabric.is_global_zero)
        if fabric.is_global_zero:
            write_text(out / "recipe.yaml", recipe_yaml(recipe))
            write_json(out / "run.json", run_facts(recipe, built, recipe_folder, out, command, fabric))
        signals.listen()
        result = train(
            built.parser,
            built.objective,
            built.train_samples,
            built.augment,
            run,
            settings,
            fabric=fabric,
            signals=signals,
            is_resumed=is_resumed,
            score=None if built.val_samples is None else lambda parser: _score(parser, built, run, signals),
        )
        watch.leave()
        if not fabric.is_global_zero:
            return RunReport(out, result, None, is_stopped=not result.is_finished, is_first=False)
        facts = run_facts(recipe, built, recipe_folder, out, command, fabric)
        facts |= {"wall_seconds": round(run.wall_seconds, 1), "skipped_steps": result.skipped_steps}
        facts["is_finished"] = result.is_finished
        write_json(out / "run.json", facts)
        if not result.is_finished or built.val_samples is None:
            return RunReport(out, result, None, is_stopped=not result.is_finished, is_first=True)
        try:
            evaluation = _measure(recipe, built, signals)
            tokens = _measure_tokens(built, signals)
        except Stopped:
            return RunReport(out, result, None, is_stopped=True, is_first=True)
        if tokens is not None:
            write_token_measures(tokens, out)
        write_evaluation(evaluation, out)
        if built.parser.config is not None:
            write_card(built.parser, recipe, evaluation, out)
        return RunReport(out, result, evaluation, is_stopped=False, is_first=True)


def build_fabric(settings: TrainingConfig) -> Fabric:
    """One device as a plain process; several (or under torchrun) data-parallel."""
    device = settings.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if device == "cuda" and torch.cuda.device_count() < settings.num_devices:
        raise BadEnvironment(
            f"device must be present, but got {torch.cuda.device_count()} CUDA devices for {settings.num_devices}; "
            "pass --device cpu or fewer devices."
        )
    if device == "mps" and not torch.backends.mps.is_available():
        raise BadEnvironment("device must be present, but got no MPS here; pass --device cpu.")
    num_local, num_all = _num_local(settings), _num_all(settings)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # It announces every process in four lines.
    return Fabric(
        accelerator=device,
        devices=num_local,
        num_nodes=max(1, num_all // num_local),
        strategy="ddp" if num_all > 1 else "auto",
        precision=settings.precision,
    )


def _num_local(settings: TrainingConfig) -> int:
    return int(os.environ.get("LOCAL_WORLD_SIZE", settings.num_devices))


def _num_all(settings: TrainingConfig) -> int:
    return int(os.environ.get("WORLD_SIZE", _num_local(settings)))


def _start_others(fabric: Fabric, settings: TrainingConfig) -> StartedProcesses:
    """The other processes, unless torchrun or a cluster started them, or this is one of them."""
    environment = getattr(fabric.strategy, "cluster_environment", None)
    is_started_here = isinstance(environment, LightningEnvironment) and not environment.creates_processes_externally
    return StartedProcesses(_num_local(settings) if is_started_here else 1)


def _measure(recipe: Recipe, built: BuiltRun, signals: StopSignals) -> Evaluation:
    settings = recipe.evaluation
    signals.raise_if_set()
    evaluation = evaluate(
        built.parser, _required_val(built), scales=settings.scales, flip=settings.flip, progress=signals.raise_if_set
    )
    data = recipe.val_data.model_dump(mode="json") if recipe.val_data else None
    return evaluation.with_conditions(data=data, parser=recipe.name)


def _measure_tokens(built: BuiltRun, signals: StopSignals) -> TokenMeasures | None:
    if not has_tokens(built.parser):
        return None
    return evaluate_tokens(built.parser, _required_val(built), progress=signals.raise_if_set)


def _score(parser: SceneParser, built: BuiltRun, run: RunFolder, signals: StopSignals) -> float:
    score = evaluate(parser, _required_val(built), progress=signals.raise_if_set).mean_iou or 0.0
    if run.is_writer:
        parser.eval()  # The loop sets it back.
        run.write_pictures(matching_pictures(parser, built.objective, _required_val(built)[0]))
    return score


def _required_val(built: BuiltRun) -> Samples:
    if built.val_samples is None:
        raise BadInput("evaluate_every must have val_data, but got none; add val_data or leave evaluate_every out.")
    return built.val_samples


def _require_same_recipe(recipe: Recipe, out: Path) -> None:
    before = load_recipe(out).model_dump(mode="json")
    now = recipe.model_dump(mode="json")
    for settings in (before["training"], now["training"]):
        for key in FREE_ON_RESUME:
            settings.pop(key)
    changed = sorted(_differences(before, now))
    if changed:
        raise BadInput(
            f"a resumed run must keep its recipe, but got changes at {', '.join(changed[:5])}; "
            "undo them, or start another run with --out."
        )


def _differences(before: Any, now: Any, path: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        keys = before.keys() | now.keys()
        return [d for key in keys for d in _differences(before.get(key), now.get(key), f"{path}.{key}".lstrip("."))]
    return [] if before == now else [path]


def _require_training_pixels(built: BuiltRun) -> None:
    """A class without a pixel in train is named before hours are spent on it (a warning: it may be meant)."""
    if built.pixels_K is None:
        return
    names = [name for name, pixels in zip(built.parser.taxonomy.object_names, built.pixels_K.tolist()) if not pixels]
    if names:
        logging.getLogger("mereo").warning("classes without a pixel in train, never to be found: %s", ", ".join(names))
