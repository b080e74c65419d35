"""`mereo transfer RECIPE key=value ...`: a parser's features under Mask R-CNN."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mereo.commands.device_help import DEVICE
from mereo.commands.own_command import own_command
from mereo.commands.run_reports import tell_the_end
from mereo.run_files import LAST_PARSER

if TYPE_CHECKING:
    from mereo.evaluation.instance_evaluation import InstanceEvaluation


def transfer(
    recipe: Annotated[Path, typer.Argument(help="A transfer recipe, or with --resume or --evaluate a run folder.")],
    overrides: Annotated[list[str] | None, typer.Argument(help="key.path=value, e.g. training.steps=100")] = None,
    parser: Annotated[
        str | None, typer.Option(help="Whose backbone and path: a built-in name, a parser file or a run folder.")
    ] = None,
    backbone: Annotated[str | None, typer.Option(help="A timm backbone without a path, instead of a parser.")] = None,
    weights: Annotated[str | None, typer.Option(help="The backbone's: hub, or a safetensors file.")] = None,
    out: Annotated[Path | None, typer.Option(help="The run folder; left out: runs/NAME.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    evaluate: Annotated[bool, typer.Option("--evaluate", help="Only measure a finished run folder again.")] = False,
    pictures: Annotated[int, typer.Option(min=0, help="Of how many val images to draw what was found.")] = 12,
    device: Annotated[str | None, typer.Option(help=DEVICE)] = None,
    devices: Annotated[int | None, typer.Option(help="How many devices (processes) on this machine.")] = None,
) -> None:
    """Put a parser's backbone and path under Mask R-CNN, fine-tune on instances, measure COCO's AP."""
    import os

    from mereo.recipe.recipe_path import existing_recipe_file

    if not evaluate:
        existing_recipe_file(recipe)
    # Before torch is imported: what it says in C++ of a process that went away fills pages; Mereo says it in a line.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    from rich.console import Console

    from mereo.errors import BadInput
    from mereo.recipe.recipe import folder_of_recipe
    from mereo.recipe.run_transfer import measure_transfer, run_transfer
    from mereo.recipe.transfer_recipe import load_transfer_recipe

    console = Console(highlight=False, markup=False, emoji=False)
    if evaluate:
        if overrides or parser or backbone or weights or resume:
            raise BadInput("--evaluate must stand with a run folder alone, but got more; only --out may go with it.")
        folder = out or recipe
        print_instance_evaluation(
            measure_transfer(recipe, out=folder, device=device or "auto", num_pictures=pictures), console
        )
        console.print(f"{folder}/evaluation.json")
        return
    extra = source_overrides(parser, backbone, weights)
    extra += [f"training.device={device}"] if device else []
    extra += [f"training.num_devices={devices}"] if devices is not None else []
    loaded = load_transfer_recipe(recipe, [*extra, *(overrides or [])])
    if recipe.is_dir():
        out = out or recipe
    report = run_transfer(
        loaded,
        recipe_folder=folder_of_recipe(recipe),
        out=out or Path("runs") / loaded.name,
        is_resumed=resume,
        command=own_command(),
        num_pictures=pictures,
    )
    if not tell_the_end(report, "transfer", console):
        return
    if report.evaluation is not None:
        print_instance_evaluation(report.evaluation, console)
    console.print(f"{report.folder}/{LAST_PARSER}")


def source_overrides(parser: str | None, backbone: str | None, weights: str | None) -> list[str]:
    """Options as overrides of the recipe's `transfer`; all that the recipe named instead is taken out.

    >>> source_overrides("street", None, None)
    ['transfer.parser="street"', 'transfer.backbone=null', 'transfer.preprocessing=null']
    """
    import json

    from mereo.errors import BadInput

    if parser is not None and backbone is not None:
        raise BadInput("transfer must start from a parser or from a backbone, but got options of both; keep one.")
    if weights is not None and backbone is None:
        raise BadInput("--weights must be those of a --backbone, but got no backbone; name it too.")
    if parser is None and backbone is None:
        return []
    new_backbone = None if backbone is None else {"name": backbone, "weights": weights}
    return [
        f"transfer.parser={json.dumps(parser)}",
        f"transfer.backbone={json.dumps(new_backbone)}",
        "transfer.preprocessing=null",
    ]


def print_instance_evaluation(evaluation: "InstanceEvaluation", console: Any) -> None:
    """Classes from the most to the least frequent, then COCO's six numbers for boxes and for masks."""
    from rich.table import Table

    from mereo.evaluation.instance_evaluation import MEASURES

    scores = evaluation.scores
    classes = Table("class", "labelled", "found", "AP box", "AP mask", box=None, pad_edge=False)
    order = sorted(range(len(evaluation.thing_names)), key=lambda index: -evaluation.num_labelled[index])
    for index in order:
        classes.add_row(
            evaluation.thing_names[index],
            str(evaluation.num_labelled[index]),
            str(evaluation.num_found[index]),
            _percent(scores.boxes.of_class[index]),
            _percent(scores.masks.of_class[index]),
        )
    console.print(classes)
    means = Table("", *("AP", "AP50", "AP75", "APS", "APM", "APL"), box=None, pad_edge=False)
    for name, precision in (("box", scores.boxes), ("mask", scores.masks)):
        means.add_row(name, *(_percent(getattr(precision, measure)) for measure in MEASURES))
    console.print(means)
    console.print(f"{evaluation.num_images} images in {evaluation.seconds:.0f} s")


def _percent(value: float | None) -> str:
    return "n/a" if value is None else f"{100 * value:.1f}"
