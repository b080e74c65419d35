"""Results of many runs: one table a protocol, one line a row, its seeds together, its difference to a baseline."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mereo.errors import BadInput
from mereo.evaluation.evaluated_run import EvaluatedRun
from mereo.evaluation.level_measures import LevelMeasures
from mereo.evaluation.number_text import mean_of
from mereo.evaluation.perceptual_measures import PerceptualMeasures
from mereo.metrics.paired_bootstrap import PairedDifference, paired_bootstrap


@dataclass(frozen=True)
class ResultsLine:
    """The runs of one row and protocol, by seed. `difference` is to the baseline's line (None: there is none), of the
    seeds that both have (`with_same_seeds`)."""

    row: str
    runs: tuple[EvaluatedRun, ...]
    difference: PairedDifference | None = None
    is_baseline: bool = False

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(run.record.seed for run in self.runs)

    @property
    def wall_seconds(self) -> float:
        """Mean over the seeds."""
        return float(np.mean([run.record.wall_seconds for run in self.runs]))

    def measure_of_seeds(self, name: str) -> list[float | None]:
        """One value a seed of `mean_iou`, `pixel_accuracy` or `boundary_iou`."""
        return [getattr(run.evaluation, name) for run in self.runs]

    def token_measure_of_seeds(self, name: str) -> list[float | None]:
        """One value a seed of a measure of `TokenMeasures`; None where the parser has no tokens."""
        return [None if run.tokens is None else getattr(run.tokens, name) for run in self.runs]

    @property
    def level_measures(self) -> list[LevelMeasures]:
        """Of the seeds that have been measured by level."""
        return [run.levels for run in self.runs if run.levels is not None]

    @property
    def perceptual_measures(self) -> list[PerceptualMeasures]:
        """Of the seeds whose parser has more tasks than objects."""
        return [run.perceptual for run in self.runs if run.perceptual is not None]

    @property
    def has_segments(self) -> bool:
        """Whether any seed's panoptic quality or context error has been measured."""
        return any(run.panoptic is not None or run.context is not None for run in self.runs)

    def class_iou(self, class_index: int) -> float | None:
        """Mean over the seeds that have a value."""
        return mean_of([run.evaluation.per_class[class_index].iou for run in self.runs])


def with_same_seeds(line: ResultsLine, host: ResultsLine) -> tuple[ResultsLine, ResultsLine]:
    """Both with the seeds that both have: a seed moves a result by as much as a change does. With none, both whole."""
    common = set(line.seeds) & set(host.seeds)
    if not common:
        return line, host
    ours, theirs = (tuple(run for run in one.runs if run.record.seed in common) for one in (line, host))
    return replace(line, runs=ours), replace(host, runs=theirs)


@dataclass(frozen=True)
class Comparison:
    """A row beside another than the table's baseline: what it adds to its own host."""

    row: str
    host: str
    difference: PairedDifference


@dataclass(frozen=True)
class ResultsTable:
    """All lines of one protocol: the same images with the same labels."""

    protocol: str
    lines: tuple[ResultsLine, ...]
    num_images: int
    has_baseline: bool
    comparisons: tuple[Comparison, ...] = ()

    @property
    def baseline_line(self) -> ResultsLine | None:
        return next((line for line in self.lines if line.is_baseline), None)

    @property
    def lines_with_tokens(self) -> list[ResultsLine]:
        return [line for line in self.lines if any(run.tokens is not None for run in line.runs)]

    @property
    def lines_with_levels(self) -> list[ResultsLine]:
        """Those that were measured near borders; not all of them have a pyramid."""
        return [line for line in self.lines if line.level_measures]

    @property
    def lines_with_tasks(self) -> list[ResultsLine]:
        return [line for line in self.lines if line.perceptual_measures]

    @property
    def lines_with_segments(self) -> list[ResultsLine]:
        return [line for line in self.lines if line.has_segments]

    @property
    def classes_by_frequency(self) -> list[tuple[int, str, float | None]]:
        """Index, name and share of the labelled pixels, the most frequent first."""
        rows = self.lines[0].runs[0].evaluation.per_class
        return sorted(((i, row.name, row.share) for i, row in enumerate(rows)), key=lambda entry: -(entry[2] or 0))


def results_tables(
    runs: Sequence[EvaluatedRun],
    *,
    baseline: str | None = None,
    against: Sequence[tuple[str, str]] = (),
    num_resamples: int = 10_000,
) -> tuple[ResultsTable, ...]:
    """One table a protocol, in the order of the runs; the baseline's line first.

    `against`: pairs of a row and its host, compared in every protocol that has both.
    """
    if not runs:
        raise BadInput("a table must have at least one run, but got none; pass run folders.")
    _require_same_classes(runs)
    protocols: dict[str, list[EvaluatedRun]] = {}
    for run in runs:
        protocols.setdefault(run.record.protocol, []).append(run)
    rows = list(dict.fromkeys(run.record.row for run in runs))
    if baseline is not None and baseline not in rows:
        raise BadInput(f"the baseline must be a row of these runs, but got {baseline!r}; rows: {', '.join(rows)}.")
    for row in (name for pair in against for name in pair):
        if row not in rows:
            raise BadInput(f"rows to compare must be among these runs, but got {row!r}; rows: {', '.join(rows)}.")
    return tuple(
        _table(protocol, of_protocol, baseline, against, num_resamples) for protocol, of_protocol in protocols.items()
    )


def _table(
    protocol: str,
    runs: Sequence[EvaluatedRun],
    baseline: str | None,
    against: Sequence[tuple[str, str]],
    num_resamples: int,
) -> ResultsTable:
    _require_same_images(protocol, runs)
    by_row: dict[str, list[EvaluatedRun]] = {}
    for run in runs:
        by_row.setdefault(run.record.row, []).append(run)
    line_of: dict[str, ResultsLine] = {}
    for row in sorted(by_row, key=lambda name: name != baseline):  # sorted() keeps the order of the others.
        _require_one_kind(row, protocol, by_row[row])
        by_seed = tuple(sorted(by_row[row], key=lambda run: run.record.seed))
        line_of[row] = ResultsLine(row, by_seed, is_baseline=row == baseline)

    def difference_between(row: str, host: str) -> PairedDifference:
        ours, theirs = with_same_seeds(line_of[row], line_of[host])
        return paired_bootstrap(_counts(ours.runs), _counts(theirs.runs), num_resamples=num_resamples)

    comparisons = tuple(
        Comparison(row, host, difference_between(row, host)) for row, host in against if {row, host} <= by_row.keys()
    )
    lines = [
        line if baseline not in line_of or line.is_baseline
        else replace(line, difference=difference_between(line.row, line_of[baseline].row))
        for line in line_of.values()
    ]  # fmt: skip
    return ResultsTable(
        protocol, tuple(lines), runs[0].evaluation.num_images, has_baseline=baseline in by_row, comparisons=comparisons
    )


def _counts(runs: Sequence[EvaluatedRun]) -> np.ndarray:
    return np.stack([run.evaluation.per_image_NK3 for run in runs])


def _require_same_classes(runs: Sequence[EvaluatedRun]) -> None:
    first = runs[0]
    for run in runs[1:]:
        if run.evaluation.class_names != first.evaluation.class_names:
            ours, theirs = set(run.evaluation.class_names), set(first.evaluation.class_names)
            difference = ", ".join(sorted(ours ^ theirs)[:5]) or "only their order"
            raise BadInput(
                f"runs of one table must have the same classes, but got {len(run.evaluation.class_names)} in "
                f"{run.folder} and {len(first.evaluation.class_names)} in {first.folder} "
                f"(different: {difference}); make two tables."
            )


def _require_same_images(protocol: str, runs: Sequence[EvaluatedRun]) -> None:
    first = runs[0]
    for run in runs[1:]:
        is_same = run.evaluation.image_names == first.evaluation.image_names and np.array_equal(
            run.evaluation.per_image_NK3[..., 1], first.evaluation.per_image_NK3[..., 1]
        )
        if not is_same:
            raise BadInput(
                f"runs of protocol {protocol!r} must be evaluated on the same images and labels, but got others in "
                f"{run.folder} than in {first.folder}; evaluate both on one data set."
            )


def _require_one_kind(row: str, protocol: str, runs: Sequence[EvaluatedRun]) -> None:
    """Runs that are averaged may differ in their seed only."""
    seeds = [run.record.seed for run in runs]
    if len(set(seeds)) < len(seeds):
        folders = ", ".join(str(run.folder) for run in runs)
        raise BadInput(
            f"runs of row {row!r}, protocol {protocol!r} must have different seeds, but got {seeds} in {folders}; "
            "leave one out or give it another row."
        )
    kinds = {(run.record.steps, run.evaluation.scales, run.evaluation.flip) for run in runs}
    if len(kinds) > 1:
        raise BadInput(
            f"runs of row {row!r}, protocol {protocol!r} must share steps, scales and flip, but got {sorted(kinds)}; "
            "give them different rows."
        )
