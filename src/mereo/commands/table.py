"""`mereo table`: results of run folders, on the terminal or in a Markdown file, so that no number is typed by hand."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mereo.evaluation.results_table import ResultsTable


def table(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, trained and evaluated.", metavar="RUNS...")],
    baseline: Annotated[
        str | None, typer.Option("--baseline", help="Row that the others are compared with.", metavar="ROW")
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option("--against", help="Also compare ROW with HOST; repeatable.", metavar="ROW=HOST"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Markdown file to write the table into.", metavar="FILE")
    ] = None,
    section: Annotated[
        str, typer.Option("--section", help="Which part of the file: between <!-- table: NAME --> and <!-- end -->.")
    ] = "results",
) -> None:
    """Put results of run folders into one table.

    Runs of one row and protocol are one line: the mean of their seeds. Differences to the baseline come with a
    95 % interval over images.
    """
    from mereo.evaluation.evaluated_run import read_evaluated_run
    from mereo.evaluation.results_table import results_tables
    from mereo.evaluation.results_text import markdown, write_section

    pairs = [_row_and_host(text) for text in against or []]
    tables = results_tables([read_evaluated_run(folder) for folder in runs], baseline=baseline, against=pairs)
    if out is None:
        _print_tables(tables)
        return
    write_section(out, section, markdown(tables))
    typer.echo(
        f"Wrote {sum(len(one.lines) for one in tables)} rows of {len(runs)} runs into section {section!r} of {out}."
    )


def _row_and_host(text: str) -> tuple[str, str]:
    from mereo.errors import BadInput

    row, separator, host = text.partition("=")
    if not separator:
        raise BadInput(f"--against must be ROW=HOST, but got {text!r}; e.g. --against 'deep grouping=UPerNet'.")
    return row.strip(), host.strip()


def _print_tables(tables: "tuple[ResultsTable, ...]") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from mereo.evaluation.results_text import (
        class_cells,
        class_header_cells,
        detail_tables,
        header_cells,
        line_cells,
        run_text,
    )

    console = Console()
    for one in tables:
        summary = [line_cells(one, line) for line in one.lines]
        shown_tables = [
            (f"protocol {one.protocol}, {one.num_images} images, percent", header_cells(one), summary),
            ("IoU of each class, percent", class_header_cells(one), class_cells(one)),
            *detail_tables(one),
        ]
        for title, header, rows in shown_tables:
            shown = Table(
                title=escape(title), title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False
            )
            for index, cells in enumerate(zip(header, *rows)):
                # A narrow terminal breaks lines between words, not inside of them.
                longest_word = max(len(word) for cell in cells for word in cell.split() or [""])
                shown.add_column(
                    escape(header[index]), justify="right" if index else "left", overflow="fold", min_width=longest_word
                )
            for row in rows:
                shown.add_row(*map(escape, row))
            console.print(shown)
        for line in one.lines:
            for run in line.runs:
                console.print(f"- {run_text(run)}", markup=False, highlight=False)
