"""What run.json says of a run, and the parser that it leaves, with its card."""

import os
from pathlib import Path
from typing import Any, NamedTuple

from lightning_fabric import Fabric

from mereo.evaluation.evaluation import Evaluation
from mereo.evaluation.perceptual_measures import PerceptualMeasures
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import save_parser
from mereo.recipe.assemble import BuiltRun
from mereo.recipe.machine import commit_of_source, machine_in_words
from mereo.recipe.recipe import Recipe
from mereo.recipe.transfer_recipe import BuiltTransfer, TransferRecipe
from mereo.run_files import BEST_PARSER, LAST_PARSER


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


class Measured(NamedTuple):
    """What a card says of an evaluation, under the names of its keys."""

    measured: dict[str, float]
    measured_on: str


def measured_of(evaluation: Evaluation | None, perceptual: PerceptualMeasures | None) -> Measured:
    """Objects by `evaluation`, each other task by its first measure; where there are several, each with its images."""
    measured: dict[str, float | None] = {}
    images: dict[str, int] = {}
    if evaluation is not None:
        measured = {name: getattr(evaluation, name) for name in ("mean_iou", "pixel_accuracy", "boundary_iou")}
        images["objects"] = evaluation.num_images
    for name, task in ({} if perceptual is None else perceptual.tasks).items():
        if name != "objects" and task.headline is not None:
            measured[f"{name}_{next(iter(task.measures))}"] = task.headline
            images[name] = task.num_images
    return Measured(
        {name: round(value, 4) for name, value in measured.items() if value is not None}, _images_in_words(images)
    )


def _images_in_words(images: dict[str, int]) -> str:
    """
    >>> _images_in_words({"objects": 313, "parts": 212}), _images_in_words({"textures": 50}), _images_in_words({})
    ('val: objects 313, parts 212 images', '50 images of val', '')
    """
    if len(images) > 1:
        return f"val: {', '.join(f'{name} {number}' for name, number in images.items())} images"
    return "".join(f"{number} images of val" for number in images.values())


def save_measured_parser(
    parser: SceneParser,
    recipe: Recipe,
    evaluation: Evaluation | None,
    out: Path,
    *,
    perceptual: PerceptualMeasures | None = None,
) -> None:
    """last.safetensors with a card that says what was measured; also best.safetensors, if none was kept on the way."""
    card = parser.card or recipe.card  # Of a parser that started from others' weights it knows their terms.
    parser.card = card.model_copy(
        update={
            "title": card.title or recipe.name,
            **measured_of(evaluation, perceptual)._asdict(),
            "trained_with": f"recipe {recipe.name}, {recipe.training.steps} steps",
        }
    )
    save_parser(parser, out / LAST_PARSER)
    if not (out / BEST_PARSER).is_file():
        save_parser(parser, out / BEST_PARSER)
