"""Writers of measures of segments and of rows made of them; each with what is there before."""

from pathlib import Path

from test_context_measures import made_measures
from test_evaluated_row import made_run

from mereo.evaluation.context_measures import write_context_measures
from mereo.evaluation.evaluated_row import write_row


def write_row_of_a_run(folder: Path) -> None:
    write_row(folder / "run", folder / "row", row="other", command="mereo evaluate run")


WRITERS_OF_MEASURES = {
    "measures of surroundings": (lambda folder: write_context_measures(made_measures(), folder), lambda folder: None),
    "row of another measure": (write_row_of_a_run, lambda folder: made_run(folder / "run")),
}
