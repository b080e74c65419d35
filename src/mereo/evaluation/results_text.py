"""The words of a results table: cells (for terminal and files), and Markdown between two markers of a file."""

import re
from collections.abc import Sequence
from pathlib import Path

from mereo.atomic_files import write_bytes
from mereo.errors import BadInput
from mereo.evaluation.evaluated_run import EvaluatedRun
from mereo.evaluation.level_text import (
    ABOUT_BORDERS,
    ABOUT_LEVELS,
    border_cells,
    border_header_cells,
    difference_near_borders,
    level_cells,
    level_header_cells,
)
from mereo.evaluation.number_text import duration_text, mean_and_seeds, number_text, percent_text
from mereo.evaluation.panoptic_text import ABOUT_PANOPTIC, panoptic_cells, panoptic_header_cells
from mereo.evaluation.perceptual_text import ABOUT_TASKS, tasks_cells, tasks_header_cells
from mereo.evaluation.results_table import ResultsLine, ResultsTable, with_same_seeds
from mereo.metrics.boundary_band import BAND_PIXELS
from mereo.metrics.paired_bootstrap import PairedDifference

END_MARKER = "<!-- end -->"
TOKEN_MEASURES = {
    "class_semantics": "S_C",
    "class_diversity": "D_C",
    "instance_semantics": "S_I",
    "instance_diversity": "D_I",
}
ABOUT_TOKENS = (
    "Tokens: semantics S (entropy in nats, low is good), diversity D (high is good), of classes and instances."
)


ABOUT_HOSTS = "Beside its own host, or what it leaves out, instead of the baseline:"


def header_cells(table: ResultsTable) -> list[str]:
    cells = ["row", "seeds", "mIoU", "pixel accuracy", "boundary IoU", "wall time"]
    return [*cells, "difference in mIoU [95 %]"] if table.has_baseline else cells


def line_cells(table: ResultsTable, line: ResultsLine) -> list[str]:
    cells = [
        line.row,
        ", ".join(map(str, line.seeds)),
        *(mean_and_seeds(line.measure_of_seeds(name)) for name in ("mean_iou", "pixel_accuracy", "boundary_iou")),
        duration_text(line.wall_seconds),
    ]
    return [*cells, _difference_text(table, line)] if table.has_baseline else cells


def class_header_cells(table: ResultsTable) -> list[str]:
    return ["class", "share", *(line.row for line in table.lines)]


def class_cells(table: ResultsTable) -> list[list[str]]:
    """One row a class, the most frequent first."""
    return [
        [name, percent_text(share), *(percent_text(line.class_iou(index)) for line in table.lines)]
        for index, name, share in table.classes_by_frequency
    ]


def comparison_cells(table: ResultsTable) -> list[list[str]]:
    line_of = {line.row: line for line in table.lines}
    near = [difference_near_borders(line_of[one.row], line_of[one.host]) for one in table.comparisons]
    told = [
        [one.row, one.host, _in_words(one.difference, line_of[one.row], line_of[one.host])] for one in table.comparisons
    ]
    return [[*cells, at_borders] for cells, at_borders in zip(told, near)] if any(near) else told


def comparison_header_cells(rows: Sequence[Sequence[str]]) -> list[str]:
    header = ["row", "beside", "difference in mIoU [95 %]", f"within {BAND_PIXELS} px of borders"]
    return header[: len(rows[0])] if rows else header


def token_header_cells() -> list[str]:
    return ["row", "tokens", *TOKEN_MEASURES.values()]


def token_cells(table: ResultsTable) -> list[list[str]]:
    """One row a line whose parser has tokens."""
    return [
        [
            line.row,
            ", ".join(sorted({str(run.tokens.num_tokens) for run in line.runs if run.tokens is not None})),
            *(mean_and_seeds(line.token_measure_of_seeds(name), number_text) for name in TOKEN_MEASURES),
        ]
        for line in table.lines_with_tokens
    ]


def detail_tables(table: ResultsTable) -> list[tuple[str, list[str], list[list[str]]]]:
    """What only some parsers have: title, header and rows of each table that has a row."""
    with_tasks = table.lines_with_tasks
    names, by_row = [line.row for line in with_tasks], [line.perceptual_measures for line in with_tasks]
    compared = comparison_cells(table)
    tables = [
        (ABOUT_HOSTS, comparison_header_cells(compared), compared),
        (ABOUT_TASKS, tasks_header_cells(by_row), tasks_cells(names, by_row)),
        (ABOUT_PANOPTIC, panoptic_header_cells(), panoptic_cells(table)),
        (ABOUT_TOKENS, token_header_cells(), token_cells(table)),
        (ABOUT_BORDERS, border_header_cells(table), border_cells(table)),
        (ABOUT_LEVELS, level_header_cells(table), level_cells(table)),
    ]
    return [one for one in tables if one[2]]


def run_text(run: EvaluatedRun) -> str:
    """How a number was made, so that it can be made again."""
    record, evaluation = run.record, run.evaluation
    facts = [f"seed {record.seed}", f"{record.steps} steps", duration_text(record.wall_seconds)]
    if record.parameters is not None:
        facts.insert(2, f"{record.parameters / 1e6:.2f} M parameters")
    if evaluation.scales != (1.0,) or evaluation.flip:
        scales = ", ".join(f"{scale:g}" for scale in evaluation.scales)
        facts.append(f"evaluated at scales {scales}{' with flip' if evaluation.flip else ''}")
    commit = f"commit `{record.commit[:12]}`" if record.commit else "no commit"
    return (
        f"{_escaped(record.name)} ({', '.join(facts)}): {_code(record.command)} on {_escaped(record.machine)}, {commit}"
    )


def markdown(tables: Sequence[ResultsTable]) -> str:
    parts = []
    for table in tables:
        parts.append(
            f"Protocol **{_escaped(table.protocol)}**, {table.num_images} images; all values in percent, wall time of "
            "training. Means over seeds, each seed in brackets."
        )
        parts.append(_markdown_table(header_cells(table), [line_cells(table, line) for line in table.lines]))
        if table.has_baseline:
            parts.append(
                "Differences: paired bootstrap over images, 95 % interval; `no measurable gain` where it spans 0. "
                "The interval speaks about the choice of images, not about other seeds. Where the rows have different "
                "seeds, those that both have are compared, and told."
            )
        parts.append("IoU of each class, the most frequent first (`share`: of the labelled pixels):")
        parts.append(_markdown_table(class_header_cells(table), class_cells(table)))
        for title, header, rows in detail_tables(table):
            parts.append(title)
            parts.append(_markdown_table(header, rows))
        parts.append("\n".join(f"- {run_text(run)}" for line in table.lines for run in line.runs))
    return "\n\n".join(parts)


def write_section(path: str | Path, section: str, content: str) -> None:
    """Put `content` between the markers of `section`; the file and the section are made where they are missing."""
    path = Path(path)
    if not re.fullmatch(r"[A-Za-z0-9]+([ ._-][A-Za-z0-9]+)*", section):
        raise BadInput(
            f"a section's name must be letters, digits and single - _ . or spaces, but got {section!r}; rename it."
        )
    start_marker = f"<!-- table: {section} -->"
    try:
        text = path.read_bytes().decode("utf-8") if path.exists() else "# Results\n"
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} must be a readable UTF-8 text, but got: {error}; choose another file.") from error
    newline = "\r\n" if "\r\n" in text else "\n"
    block = f"{start_marker}\n\n{content}\n\n{END_MARKER}".replace("\n", newline)
    if start_marker not in text:
        text = f"{text.rstrip()}{newline * 2}## {section}{newline * 2}{block}{newline}".lstrip()
    else:
        before, _, rest = text.partition(start_marker)
        old, end, after = rest.partition(END_MARKER)
        if not end or "<!-- table:" in old or start_marker in after:
            raise BadInput(
                f"section {section!r} must stand once between '{start_marker}' and '{END_MARKER}', "
                f"but got something else in {path}; mend the markers."
            )
        text = f"{before}{block}{after}"
    write_bytes(path, text.encode("utf-8"))


def _difference_text(table: ResultsTable, line: ResultsLine) -> str:
    baseline = table.baseline_line
    if baseline is None or line.difference is None:
        return "baseline"
    return _in_words(line.difference, line, baseline)


def _in_words(d: PairedDifference, line: ResultsLine, host: ResultsLine) -> str:
    """The seeds are told where not all of both rows were compared."""
    told = f"{100 * d.difference:+.2f} [{100 * d.low:+.2f}, {100 * d.high:+.2f}] {d.verdict}"
    if set(line.seeds) == set(host.seeds):
        return told
    seeds = with_same_seeds(line, host)[0].seeds
    if not set(seeds) <= set(host.seeds):
        return f"{told} (other seeds)"
    return f"{told} (seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))})"


def _markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """The first column to the left, numbers to the right."""
    aligned = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join(
        f"| {' | '.join(cells)} |" for cells in ([_escaped(c) for c in header], aligned, *_escaped_rows(rows))
    )


def _escaped_rows(rows: list[list[str]]) -> list[list[str]]:
    return [[_escaped(cell) for cell in row] for row in rows]


def _escaped(text: str) -> str:
    """Names come from users: no cell may end a table, a line or a marker."""
    return re.sub(r"([|\\`*<>])", r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    """Inline code, whatever is in it: the fence is longer than the longest run of backticks inside."""
    text = " ".join(text.split()).replace("-->", "-- >")
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {text} {fence}" if longest else f"`{text}`"
