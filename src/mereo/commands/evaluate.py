"""`mereo evaluate PARSER`: measure a parser on labelled data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mereo.evaluation.evaluation import Evaluation


def evaluate(
    parser: Annotated[str, typer.Argument(help="A built-in name, a parser file, or a run folder.")],
    data: Annotated[
        Path | None, typer.Option(help="A labelled folder with its mereo.yaml; left out: the run's own val data.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="A built-in description of the folder, e.g. camvid.")] = None,
    split: Annotated[str, typer.Option(help="Which split of the folder.")] = "val",
    scales: Annotated[str, typer.Option(help="Comma-separated scales whose answers are averaged.")] = "1.0",
    flip: Annotated[bool, typer.Option("--flip", help="Average with the mirrored image.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
    out: Annotated[Path | None, typer.Option(help="Folder for evaluation.json and per_image.csv.")] = None,
) -> None:
    """Mean IoU, pixel accuracy, boundary IoU and a table of classes."""
    from rich.console import Console

    from mereo.data.folder_format import FolderSamples
    from mereo.errors import BadInput
    from mereo.evaluation.evaluate import evaluate as evaluate_parser
    from mereo.evaluation.evaluation_files import write_evaluation
    from mereo.parser.devices import require_device
    from mereo.parser.weights import load

    try:
        factors = tuple(float(part) for part in scales.split(","))
    except ValueError:
        raise BadInput(f"--scales must be numbers, but got {scales!r}; e.g. 0.75,1.0,1.25.") from None
    loaded = load(parser, device=require_device(device))
    samples: Any = None
    if data is not None:
        samples = FolderSamples(data, split=split, description=description)
    else:
        samples = _val_data_of_run(Path(parser))
    console = Console(highlight=False)
    with _progress(console) as progress:
        evaluation = evaluate_parser(loaded, samples, scales=factors, flip=flip, progress=progress)
    print_evaluation(evaluation, console)
    if out is not None:
        write_evaluation(evaluation.with_conditions(parser=parser, split=split), out)
        console.print(f"written to {out}")


def print_evaluation(evaluation: "Evaluation", console: Any) -> None:
    """Classes from the most to the least frequent, then the means."""
    from rich.table import Table

    table = Table("class", "share", "IoU", "boundary IoU", box=None, pad_edge=False)
    for row in sorted(evaluation.per_class, key=lambda row: -(row.share or 0)):
        table.add_row(row.name, *(_percent(value) for value in (row.share, row.iou, row.boundary_iou)))
    console.print(table)
    console.print(
        f"mIoU {_percent(evaluation.mean_iou)}, pixel accuracy {_percent(evaluation.pixel_accuracy)}, "
        f"boundary IoU {_percent(evaluation.boundary_iou)} on {evaluation.num_images} images "
        f"in {evaluation.seconds:.0f} s"
    )


def _percent(value: float | None) -> str:
    return "n/a" if value is None else f"{100 * value:.2f}"


def _val_data_of_run(run: Path) -> Any:
    from mereo.data.sources import open_samples
    from mereo.errors import BadInput
    from mereo.recipe.recipe import folder_of_recipe, load_recipe

    if not (run / "recipe.yaml").is_file():
        raise BadInput(f"evaluate must know the data, but got only a parser ({run}); pass --data FOLDER.")
    recipe = load_recipe(run)
    if recipe.val_data is None:
        raise BadInput(f"the run's recipe must have val_data, but got none in {run}; pass --data FOLDER.")
    return open_samples(recipe.val_data, folder=folder_of_recipe(run))


class _progress:
    """A bar on a terminal, nothing elsewhere."""

    def __init__(self, console: Any) -> None:
        from rich.progress import Progress

        self.bar = Progress(console=console, disable=not console.is_terminal, transient=True)

    def __enter__(self) -> Any:
        self.bar.start()
        self.task = self.bar.add_task("evaluating", total=None)
        return lambda done, total: self.bar.update(self.task, completed=done, total=total)

    def __exit__(self, *error: object) -> None:
        self.bar.stop()
