"""`mereo data quality LABELS.json ANSWERS.json`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mereo.commands.progress_bar import progress_bar

if TYPE_CHECKING:
    from rich.console import Console

    from mereo.evaluation.panoptic_files import PanopticEvaluation

MOST_ABSENT_NAMED = 12


def panoptic_quality(
    labels: Annotated[Path, typer.Argument(help="Labels: a JSON in COCO's panoptic format.")],
    answers: Annotated[Path, typer.Argument(help="Answers, e.g. the panoptic.json that mereo parse writes.")],
    labels_folder: Annotated[
        Path | None, typer.Option(help="PNGs of the labels; left out: the folder named like the JSON.")
    ] = None,
    answers_folder: Annotated[
        Path | None, typer.Option(help="PNGs of the answers; left out: the folder named like the JSON.")
    ] = None,
    by: Annotated[
        Literal["image_id", "file_name"],
        typer.Option(help="How images are matched: by number, or by the names of the PNGs."),
    ] = "image_id",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write measures and counts of every class to this file, too.")
    ] = None,
) -> None:
    """Panoptic quality of answers against labels, class by class. Answers and labels are COCO-panoptic files."""
    from rich.console import Console

    from mereo.atomic_files import write_json
    from mereo.evaluation.panoptic_files import panoptic_quality_of_files

    errors = Console(stderr=True, highlight=False)
    with progress_bar(errors, "comparing") as progress:
        evaluation = panoptic_quality_of_files(
            labels,
            labels_folder or labels.with_suffix(""),
            answers,
            answers_folder or answers.with_suffix(""),
            by=by,
            progress=progress,
        )
    print_panoptic(evaluation, Console(highlight=False))
    if json_file is not None:
        write_json(json_file, {"labels": str(labels), "answers": str(answers), **evaluation.to_dict()})
        typer.echo(f"written to {json_file}")


def print_panoptic(evaluation: "PanopticEvaluation", console: "Console") -> None:
    """Classes from the most to the least frequent, then the means."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("class", overflow="fold")
    table.add_column("kind", no_wrap=True)
    for name in ("segments", "PQ", "SQ", "RQ"):
        table.add_column(name, justify="right", no_wrap=True)
    absent = []
    for row in evaluation.by_frequency:
        if row.pq is None:
            absent.append(row.name)
            continue
        kind = "thing" if row.is_thing else "stuff"
        table.add_row(escape(row.name), kind, str(row.segments), *map(percent, (row.pq, row.sq, row.rq)))
    console.print(table)
    if absent:
        share = f"{len(absent)} of {len(evaluation.class_names)} classes"
        more = f", and {len(absent) - MOST_ABSENT_NAMED} more" if len(absent) > MOST_ABSENT_NAMED else ""
        named = ", ".join(absent[:MOST_ABSENT_NAMED])
        console.print(f"\nn/a, neither true nor answered: {share} ({named}{more})", markup=False)
    means = Table("mean over", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("classes", "PQ", "SQ", "RQ"):
        means.add_column(name, justify="right", no_wrap=True)
    for name in ("all", "things", "stuff"):
        quality = getattr(evaluation, name)
        means.add_row(name, str(quality.num_classes), *map(percent, (quality.pq, quality.sq, quality.rq)))
    console.print()
    console.print(means)
    images = f"{evaluation.num_images} image{'s' if evaluation.num_images != 1 else ''}"
    console.print(f"\nin percent, on {images}, in {evaluation.seconds:.1f} s")


def percent(fraction: float | None) -> str:
    """
    >>> percent(0.51234), percent(None), percent(float("nan"))
    ('51.23', 'n/a', 'n/a')
    """
    return "n/a" if fraction is None or fraction != fraction else f"{100 * fraction:.2f}"
