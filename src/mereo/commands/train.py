"""`mereo train RECIPE key=value ...`"""

from pathlib import Path
from typing import Annotated

import typer

from mereo.commands.device_help import DEVICE
from mereo.commands.own_command import own_command
from mereo.commands.run_reports import tell_the_end
from mereo.run_files import LAST_PARSER


def train(
    recipe: Annotated[Path, typer.Argument(help="A recipe file, or with --resume a run folder.")],
    overrides: Annotated[list[str] | None, typer.Argument(help="key.path=value, e.g. training.steps=100")] = None,
    out: Annotated[Path | None, typer.Option(help="The run folder; left out: runs/NAME.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    device: Annotated[str | None, typer.Option(help=DEVICE)] = None,
    devices: Annotated[int | None, typer.Option(help="How many devices (processes) on this machine.")] = None,
) -> None:
    """Train a parser as a recipe says, then measure it on its val data."""
    import os

    from mereo.recipe.recipe_path import existing_recipe_file

    existing_recipe_file(recipe)
    # Before torch is imported: what it says in C++ of a process that went away fills pages; Mereo says it in a line.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    from rich.console import Console

    from mereo.recipe.recipe import folder_of_recipe, load_recipe
    from mereo.recipe.run_recipe import run_recipe

    extra = [f"training.device={device}"] if device else []
    extra += [f"training.num_devices={devices}"] if devices is not None else []
    loaded = load_recipe(recipe, [*(overrides or []), *extra])
    if recipe.is_dir():
        out = out or recipe
    report = run_recipe(
        loaded,
        recipe_folder=folder_of_recipe(recipe),
        out=out or Path("runs") / loaded.name,
        is_resumed=resume,
        command=own_command(),
    )
    console = Console(highlight=False, markup=False, emoji=False)
    if not tell_the_end(report, "train", console):
        return
    if report.perceptual is not None:
        from mereo.commands.evaluated_tasks import print_tasks

        print_tasks(report.perceptual, console)
    if report.evaluation is not None:
        from mereo.commands.evaluate import print_evaluation

        print_evaluation(report.evaluation, console)
    if (report.folder / LAST_PARSER).is_file():
        is_measured = report.evaluation is not None or report.perceptual is not None
        without = "" if is_measured else " (no val data, so nothing was measured)"
        console.print(f"{report.folder}/{LAST_PARSER}{without}")
