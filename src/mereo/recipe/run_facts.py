"""What run.json says of a run, and the card of the parser that it leaves."""

import os
import shlex
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from mereo.evaluation.evaluation import Evaluation
from mereo.evaluation.perceptual_measures import PerceptualMeasures
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import save_parser
from mereo.recipe.assemble import BuiltRun
from mereo.recipe.machine import commit_of_source, machine_in_words
from mereo.recipe.recipe import Recipe
from mereo.recipe.transfer_recipe import BuiltTransfer, TransferRecipe


def run_facts(
    recipe: Recipe | TransferRecipe,
    built: BuiltRun | BuiltTransfer,
    recipe_folder: Path,
    out: Path,
    command: str,
    fabric: Fabric,
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


def write_card(
    parser: SceneParser,
    recipe: Recipe,
    evaluation: Evaluation | None,
    out: Path,
    *,
    perceptual: PerceptualMeasures | None = None,
) -> None:
    """Of the other tasks of a perceptual parser each gives its first measure."""
    measured: dict[str, float | None] = {}
    if evaluation is not None:
        measured = {name: getattr(evaluation, name) for name in ("mean_iou", "pixel_accuracy", "boundary_iou")}
    if perceptual is not None:
        of_tasks = {name: task for name, task in perceptual.tasks.items() if name != "objects"}
        measured |= {f"{name}_{next(iter(task.measures))}": task.headline for name, task in of_tasks.items()}
    num_images = perceptual.num_images if perceptual is not None else evaluation.num_images if evaluation else 0
    card = parser.card or recipe.card  # Of a parser that started from others' weights it knows their terms.
    parser.card = card.model_copy(
        update={
            "title": card.title or recipe.name,
            "measured": {name: round(value, 4) for name, value in measured.items() if value is not None},
            "measured_on": f"{num_images} images of val",
            "trained_with": f"recipe {recipe.name}, {recipe.training.steps} steps",
        }
    )
    save_parser(parser, out / "last.safetensors")
    if not (out / "best.safetensors").is_file():
        save_parser(parser, out / "best.safetensors")


def command_in_words(arguments: list[str]) -> str:
    """The command as a reader can repeat it; folders of this machine stay out of it."""
    return shlex.join(["mereo", *arguments])
