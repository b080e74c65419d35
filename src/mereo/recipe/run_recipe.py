"""Carry out a recipe: open the data, train, evaluate on val, and leave a run folder that stands alone."""

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from mereo.atomic_files import write_json, write_text
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadEnvironment, BadInput
from mereo.evaluation.evaluate import evaluate
from mereo.evaluation.evaluation import Evaluation
from mereo.evaluation.evaluation_files import write_evaluation
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import save_parser
from mereo.processes import leave_processes
from mereo.recipe.assemble import BuiltRun, build_run
from mereo.recipe.machine import commit_of_source, machine_in_words
from mereo.recipe.recipe import Recipe, load_recipe, recipe_yaml
from mereo.training.loop import TrainingResult, train
from mereo.training.memory_reuse import keep_freed_memory
from mereo.training.run_folder import RunFolder, require_free_run_folder
from mereo.training.settings import TrainingConfig

# What may change when a run goes on elsewhere: none of it changes a number.
FREE_ON_RESUME = ("device", "num_devices", "num_threads", "num_workers", "checkpoint_every", "keep_last")


@dataclass(frozen=True)
class RunReport:
    """`evaluation` is None where the recipe has no val data, the run was stopped, or another process measured."""

    folder: Path
    training: TrainingResult
    evaluation: Evaluation | None


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
    run = RunFolder(out, is_writer=fabric.is_global_zero)
    if fabric.is_global_zero:
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
    if fabric.is_global_zero:
        out.mkdir(parents=True, exist_ok=True)
        write_text(out / "recipe.yaml", recipe_yaml(recipe))
        write_json(out / "run.json", _run_facts(recipe, built, recipe_folder, out, command, fabric))
    result = train(
        built.parser,
        built.objective,
        built.train_samples,
        built.augment,
        run,
        settings,
        fabric=fabric,
        is_resumed=is_resumed,
        score=None if built.val_samples is None else lambda parser: _score(parser, built),
    )
    leave_processes()
    if not fabric.is_global_zero:
        return RunReport(out, result, None)
    facts = _run_facts(recipe, built, recipe_folder, out, command, fabric)
    facts |= {"wall_seconds": round(run.wall_seconds, 1), "skipped_steps": result.skipped_steps}
    facts["is_finished"] = result.is_finished
    write_json(out / "run.json", facts)
    if not result.is_finished or built.val_samples is None:
        return RunReport(out, result, None)
    evaluation = evaluate(
        built.parser, built.val_samples, scales=recipe.evaluation.scales, flip=recipe.evaluation.flip
    ).with_conditions(data=recipe.val_data.model_dump(mode="json") if recipe.val_data else None, parser=recipe.name)
    write_evaluation(evaluation, out)
    if built.parser.config is not None:
        _write_card(built.parser, recipe, evaluation, out)
    return RunReport(out, result, evaluation)


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
    num_local = int(os.environ.get("LOCAL_WORLD_SIZE", settings.num_devices))
    num_all = int(os.environ.get("WORLD_SIZE", num_local))
    fabric = Fabric(
        accelerator=device,
        devices=num_local,
        num_nodes=max(1, num_all // num_local),
        strategy="ddp" if num_all > 1 else "auto",
        precision=settings.precision,
    )
    fabric.launch()
    return fabric


def _score(parser: SceneParser, built: BuiltRun) -> float:
    if built.val_samples is None:
        raise BadInput("evaluate_every must have val_data, but got none; add val_data or leave evaluate_every out.")
    return evaluate(parser, built.val_samples).mean_iou or 0.0


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
    import logging

    if built.pixels_K is None:
        return
    names = [name for name, pixels in zip(built.parser.taxonomy.object_names, built.pixels_K.tolist()) if not pixels]
    if names:
        logging.getLogger("mereo").warning("classes without a pixel in train, never to be found: %s", ", ".join(names))


def _run_facts(
    recipe: Recipe, built: BuiltRun, recipe_folder: Path, out: Path, command: str, fabric: Fabric
) -> dict[str, Any]:
    return {
        "name": recipe.name,
        "row": recipe.row or recipe.name,
        "protocol": recipe.protocol,
        "seed": recipe.training.seed,
        "steps": recipe.training.steps,
        "wall_seconds": 0.0,
        "machine": machine_in_words(fabric.device),
        "commit": commit_of_source(),
        "command": command,
        "parameters": sum(parameter.numel() for parameter in built.parser.parameters()),
        "processes": fabric.world_size,
        "recipe_folder": os.path.relpath(recipe_folder.resolve(), out.resolve()),
        "not_taken_from_start": list(built.not_taken),
    }


def _write_card(parser: SceneParser, recipe: Recipe, evaluation: Evaluation, out: Path) -> None:
    measured = {"mean_iou": evaluation.mean_iou, "pixel_accuracy": evaluation.pixel_accuracy}
    measured["boundary_iou"] = evaluation.boundary_iou
    parser.card = recipe.card.model_copy(
        update={
            "title": recipe.card.title or recipe.name,
            "measured": {name: round(value, 4) for name, value in measured.items() if value is not None},
            "measured_on": f"{evaluation.num_images} images of val",
            "trained_with": f"recipe {recipe.name}, {recipe.training.steps} steps",
        }
    )
    save_parser(parser, out / "last.safetensors")
    if not (out / "best.safetensors").is_file():
        save_parser(parser, out / "best.safetensors")


def command_in_words(arguments: list[str]) -> str:
    """The command as a reader can repeat it; folders of this machine stay out of it."""
    return shlex.join(["mereo", *arguments])
