"""Words and cells for panoptic quality and context error in a results table, one row for lines that have either."""

from collections.abc import Sequence

from mereo.evaluation.number_text import mean_and_seeds, number_text
from mereo.evaluation.results_table import ResultsLine, ResultsTable

ABOUT_PANOPTIC = (
    "Panoptic quality (PQ = SQ x RQ), percent, of all classes, things and stuff; context error in nats, low is good. "
    "True things are labelled ones, or connected components of their classes."
)
COLUMNS = (("all", "pq"), ("all", "sq"), ("all", "rq"), ("things", "pq"), ("stuff", "pq"))


def panoptic_header_cells() -> list[str]:
    return ["row", "true things", "PQ", "SQ", "RQ", "PQ things", "PQ stuff", "context error"]


def panoptic_cells(table: ResultsTable) -> list[list[str]]:
    """One row a line that was measured so; a seed that lacks a measure counts as n/a."""
    return [
        [
            line.row,
            _true_things(line),
            *(mean_and_seeds(_quality_of_seeds(line, part, measure)) for part, measure in COLUMNS),
            mean_and_seeds(_context_of_seeds(line), number_text),
        ]
        for line in table.lines_with_segments
    ]


def _quality_of_seeds(line: ResultsLine, part: str, measure: str) -> list[float | None]:
    values = [None if run.panoptic is None else getattr(getattr(run.panoptic, part), measure) for run in line.runs]
    return [None if value is None or value != value else value for value in values]  # NaN: no class of that kind.


def _context_of_seeds(line: ResultsLine) -> list[float | None]:
    return [None if run.context is None else run.context.error for run in line.runs]


def _true_things(line: ResultsLine) -> str:
    measured: Sequence[str | None] = [
        one.instances for run in line.runs for one in (run.panoptic, run.context) if one is not None
    ]
    return ", ".join(dict.fromkeys(source for source in measured if source is not None)) or "n/a"
