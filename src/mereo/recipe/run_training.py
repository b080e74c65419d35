"""The middle of a run, whatever it trains: what it is goes into the folder, then it trains, then what became of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mereo.atomic_files import write_json, write_text
from mereo.data.sample import Samples
from mereo.parser.scene_parser import SceneParser
from mereo.recipe.assemble import BuiltRun
from mereo.recipe.recipe import Recipe, recipe_yaml
from mereo.recipe.run_facts import run_facts
from mereo.recipe.run_start import StartedRun
from mereo.recipe.transfer_recipe import BuiltTransfer, TransferRecipe
from mereo.run_files import RECIPE_FILE, RUN_FILE
from mereo.training.loop import TrainingResult, train
from mereo.training.run_folder import RunFolder


@dataclass(frozen=True)
class RunPlace:
    """Where a run lies, where its recipe lay, and the command that asked for it."""

    out: Path
    recipe_folder: Path
    command: str
    is_resumed: bool


def trained_in_folder(
    started: StartedRun,
    built: BuiltRun | BuiltTransfer,
    recipe: Recipe | TransferRecipe,
    place: RunPlace,
    *,
    score: Callable[[SceneParser, Samples, RunFolder], float],
) -> TrainingResult:
    """`score` of val data is asked now and then if there is some. The first process leaves recipe and `run.json`."""
    fabric, out, val_samples = started.fabric, place.out, built.val_samples
    run = RunFolder(out, is_writer=fabric.is_global_zero)
    if fabric.is_global_zero:
        write_text(out / RECIPE_FILE, recipe_yaml(recipe))
        write_json(out / RUN_FILE, run_facts(recipe, built, place.recipe_folder, out, place.command, fabric))
    started.signals.listen()
    result = train(
        built.parser,
        built.objective,
        built.train_samples,
        built.augment,
        run,
        recipe.training,
        fabric=fabric,
        signals=started.signals,
        is_resumed=place.is_resumed,
        score=None if val_samples is None else lambda parser: score(parser, val_samples, run),
    )
    started.watch.leave()
    if fabric.is_global_zero:
        facts = run_facts(recipe, built, place.recipe_folder, out, place.command, fabric)
        facts |= {"wall_seconds": round(run.wall_seconds, 1), "skipped_steps": result.skipped_steps}
        write_json(out / RUN_FILE, facts | {"is_finished": result.is_finished})
    return result
