"""`mereo data check DATA`"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mereo.errors import ExitCode
from mereo.text_lines import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from mereo.data.data_check import SplitReport

MOST_NAMED = 5


def check(
    data: Annotated[Path, typer.Argument(help="A labelled folder, its mereo.yaml, or a recipe.")],
    split: Annotated[str | None, typer.Option(help="Only this split; left out: all of them.")] = None,
    description: Annotated[
        str | None, typer.Option(help="A built-in description (e.g. camvid) or a YAML file, for a folder without one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Read every image and label: pairs, sizes, ids with their classes and shares, and what is wrong."""
    import json
    import os

    from rich.console import Console
    from rich.progress import Progress

    from mereo.data.check_target import sources_of
    from mereo.data.data_check import check_samples
    from mereo.data.sources import open_samples
    from mereo.recipe.recipe import folder_of_recipe

    folder = folder_of_recipe(data) if os.path.isfile(data) else None
    sources = sources_of(data, split=split, description=description)
    reports = []
    errors = Console(stderr=True, highlight=False)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
        for name, source in sources.items():
            task = progress.add_task(_shown(name))
            reports.append(
                check_samples(
                    lambda source=source: open_samples(source, folder=folder),  # type: ignore[misc]
                    split=name,
                    on_progress=lambda done, total, task=task: progress.update(task, completed=done, total=total),  # type: ignore[misc]
                )
            )
    if as_json:
        typer.echo(
            json.dumps({"data": str(data), "splits": {report.split: report.to_dict() for report in reports}}, indent=2)
        )
    else:
        print_reports(reports, Console(highlight=False))
    if any(report.num_problems for report in reports):
        raise typer.Exit(ExitCode.BAD_INPUT)


def print_reports(reports: "list[SplitReport]", console: "Console") -> None:
    for report in reports:
        console.print(_headline(report), emoji=False)
    for kind in dict.fromkeys(kind for report in reports for kind in report.tables):
        for alike in _with_one_table(kind, reports):
            _print_ids(kind, alike, console)
    for title, name in (("scene", "scenes"), ("texture", "textures")):
        _print_words(title, [(report.split, getattr(report, name)) for report in reports], console)
    _print_absent(reports, console)
    for report in reports:
        if report.turned_alone:
            line = turned_in_words(report.turned_alone, split=report.split)
            console.print(f"\n{line}", markup=False, emoji=False, soft_wrap=True)
    for report in reports:
        if report.num_problems:
            console.print(f"\n[bold red]{report.num_problems} problems in {_shown(report.split)}[/]")
            for problem in report.problems:
                console.print(f"  {printable(problem)}", markup=False, emoji=False, soft_wrap=True)
            if report.num_problems > len(report.problems):
                console.print(f"  ... and {report.num_problems - len(report.problems)} more")
    if not any(report.num_problems for report in reports):
        console.print("\nNo problems found.")


def turned_in_words(names: "Sequence[str]", *, split: str) -> str:
    """
    >>> turned_in_words(["a.jpg"], split="val")
    '1 image in val is turned by EXIF and its labels are not: a.jpg; look at it'
    """
    where = printable(split)
    if len(names) == 1:
        return f"1 image in {where} is turned by EXIF and its labels are not: {printable(names[0])}; look at it"
    first = ", ".join(printable(name) for name in names[:MOST_NAMED]) + (", ..." if len(names) > MOST_NAMED else "")
    return f"{len(names)} images in {where} are turned by EXIF and their labels are not: {first}; look at one"


def share_in_words(share: float, pixels: int) -> str:
    """
    >>> share_in_words(0.1692, 10), share_in_words(0.00001, 1), share_in_words(0.0, 0)
    ('16.92 %', '< 0.01 %', '-')
    """
    if pixels == 0:
        return "-"
    return "< 0.01 %" if share < 0.0001 else f"{100 * share:.2f} %"


def _shown(name: str) -> str:
    """A name of a class or a split as it is: no markup, no control characters (a folder may be called anything)."""
    from rich.markup import escape

    return escape(printable(name))


def _headline(report: "SplitReport") -> str:
    sizes = ", ".join(f"{width}x{height} ({number})" for (height, width), number in report.sizes.most_common(3))
    more = f" and {len(report.sizes) - 3} other sizes" if len(report.sizes) > 3 else ""
    people = ", ".join(f"{count} annotators ({number})" for count, number in sorted(report.annotators.items()))
    return f"{_shown(report.split)}: {report.num_samples} images, {sizes or 'none readable'}{more}" + (
        f"; {people}" if people else ""
    )


def _with_one_table(kind: str, reports: "list[SplitReport]") -> "list[list[SplitReport]]":
    """Splits of one source share a table; joined sources each have ids of their own, which must not be mixed up."""
    groups: list[list[SplitReport]] = []
    for report in reports:
        if kind not in report.tables:
            continue
        alike = next((group for group in groups if group[0].tables[kind] == report.tables[kind]), None)
        if alike is None:
            groups.append([report])
        else:
            alike.append(report)
    return groups


def _print_ids(kind: str, reports: "list[SplitReport]", console: "Console") -> None:
    from rich.table import Table

    table = Table(title=kind, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("id", justify="right")
    table.add_column("class", overflow="fold")
    for report in reports:
        table.add_column(_shown(report.split), justify="right", no_wrap=True)
    rows = [{row.raw: row for row in report.rows(kind)} for report in reports]
    for raw in sorted({raw for by_raw in rows for raw in by_raw}):
        known = next(by_raw[raw] for by_raw in rows if raw in by_raw)
        name = _shown(known.name) if known.name is not None else "[dim](ignored)[/]"
        if known.name is None and not known.is_ignored:
            name = "[bold red](not in the table)[/]"
        cells = [share_in_words(by_raw[raw].share, by_raw[raw].pixels) if raw in by_raw else "-" for by_raw in rows]
        table.add_row(known.shown_id, name, *cells)
    if sum(row.is_ignored for row in rows[0].values()) > 1:
        ignored = [report.ignored_share(kind) for report in reports]
        table.add_row("", "[dim](ignored in all)[/]", *(share_in_words(share, round(share * 1e9)) for share in ignored))
    console.print()
    console.print(table)


def _print_words(title: str, counts_of_split: list, console: "Console") -> None:
    from rich.table import Table

    counts_of_split = [(split, counts) for split, counts in counts_of_split if counts]
    words = sorted({word for _, counts in counts_of_split for word in counts})
    if not words:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(title)
    for split, _ in counts_of_split:
        table.add_column(_shown(split), justify="right")
    for word in words:
        table.add_row(_shown(word), *(str(counts[word]) if counts[word] else "-" for _, counts in counts_of_split))
    console.print()
    console.print(table)


def _print_absent(reports: "list[SplitReport]", console: "Console") -> None:
    """A class that training never sees stays at 0; better known before than after. Joined sources count together."""
    trained = [report for report in reports if report.split.split("/")[0] == "train"] or reports[:1]
    for kind in dict.fromkeys(kind for report in trained for kind in report.tables):
        labelled = [report for report in trained if kind in report.tables]
        absent = [
            name
            for name in labelled[0].absent_classes(kind)
            if all(name in report.absent_classes(kind) for report in labelled)
        ]
        if absent:
            share = f"{len(absent)} of {len(labelled[0].tables[kind])} {kind}"
            split = printable(labelled[0].split.split("/")[0] if len(labelled) > 1 else labelled[0].split)
            console.print(f"\n{share} have no pixel in {split}: {', '.join(absent)}", markup=False, emoji=False)
