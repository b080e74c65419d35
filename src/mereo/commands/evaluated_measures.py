"""What `mereo evaluate` measures beside classes: tokens, levels, tasks, segments, surroundings; printed and written."""

from pathlib import Path
from typing import Any

from mereo.commands.progress_bar import progress_bar
from mereo.text_lines import printable


def require_true_things(samples: Any, *sources: Any) -> None:
    """That the first sample has the things which are asked for, before minutes are spent on the rest."""
    from mereo.evaluation.panoptic_evaluation import labelled_panoptic

    for source in sources:
        if source is not None and len(samples):
            labelled_panoptic(samples[0], samples.taxonomy, instances=source)


def evaluate_tokens(loaded: Any, samples: Any, out: Path | None, console: Any) -> None:
    from mereo.evaluation.number_text import number_text
    from mereo.evaluation.results_text import TOKEN_MEASURES
    from mereo.evaluation.token_evaluation import evaluate_tokens
    from mereo.evaluation.token_measures import write_token_measures

    with progress_bar(console, "looking at tokens") as progress:
        found = evaluate_tokens(loaded, samples, progress=progress)
    values = ", ".join(f"{short} {number_text(getattr(found, name))}" for name, short in TOKEN_MEASURES.items())
    console.print(
        f"{found.num_tokens} tokens: {values} (S: entropy in nats, low is good; D: diversity, high is good)",
        soft_wrap=True,
    )
    if out is not None:
        write_token_measures(found, out)


def evaluate_levels(loaded: Any, samples: Any, out: Path | None, console: Any) -> None:
    from mereo.commands.evaluated_levels import print_levels
    from mereo.evaluation.level_evaluation import evaluate_levels
    from mereo.evaluation.level_files import write_level_measures

    with progress_bar(console, "looking at levels") as progress:
        found = evaluate_levels(loaded, samples, progress=progress)
    print_levels(found, console)
    if out is not None:
        write_level_measures(found, out)


def evaluate_tasks(loaded: Any, samples: Any, out: Path | None, console: Any) -> Any:
    """Measures every task of a perceptual parser; the samples that label objects are what the rest is measured on."""
    from mereo.commands.evaluated_tasks import print_tasks
    from mereo.evaluation.labelled_samples import SamplesWithObjects
    from mereo.evaluation.perceptual_evaluation import evaluate_perceptual
    from mereo.evaluation.perceptual_files import write_perceptual_measures

    with progress_bar(console, "evaluating every task") as progress:
        found = evaluate_perceptual(loaded, samples, progress=progress)
    print_tasks(found, console)
    if out is not None:
        write_perceptual_measures(found, out)
    return SamplesWithObjects(samples)


def evaluate_segments(
    loaded: Any, samples: Any, tally: Any, conditions: dict[str, Any], out: Path | None, console: Any
) -> None:
    """`tally`: a `PanopticTally` of the samples' plain parses; it is filled here if nobody made them yet."""
    from dataclasses import replace

    from mereo.commands.panoptic import print_panoptic
    from mereo.evaluation.panoptic_quality_file import write_panoptic_quality

    if tally.num_images == 0:
        with progress_bar(console, "comparing segments") as progress:
            tally.see_all(loaded, samples, progress=progress)
    found = tally.found()
    print_panoptic(found, console)
    if out is not None:
        write_panoptic_quality(replace(found, conditions=conditions), out)


def evaluate_surroundings(
    loaded: Any, samples: Any, instances: Any, conditions: dict[str, Any], out: Path | None, console: Any
) -> None:
    from mereo.evaluation.context_evaluation import evaluate_context
    from mereo.evaluation.context_measures import write_context_measures

    with progress_bar(console, "comparing surroundings") as progress:
        found = evaluate_context(loaded, samples, instances=instances, progress=progress)
    print_context(found, console)
    if out is not None:
        write_context_measures(found.model_copy(update={"conditions": conditions}), out)


def print_context(measures: Any, console: Any) -> None:
    """The class with the most true things first, then the mean. A class of too few things has a mark."""
    from rich.table import Table

    from mereo.evaluation.number_text import number_text

    table = Table("class", "true things", "compared", "context error", box=None, pad_edge=False)
    for row in sorted(measures.classes, key=lambda row: -row.instances):
        mark = " *" if row.tells_little else ""
        table.add_row(printable(row.name), f"{row.instances}{mark}", str(row.queries), number_text(row.error))
    console.print(table)
    if measures.num_telling_little:
        console.print(
            f"* fewer than {2 * measures.neighbours + 1} things: their {measures.neighbours} nearest are most of the "
            "class whatever the vectors say; measure on more images",
            soft_wrap=True,
        )
    console.print(
        f"context error {number_text(measures.error)}, the mean over classes (equation 4 of PSS, low is good), of "
        f"{measures.num_instances} things ({measures.instances}) in {measures.num_images} images and their "
        f"{measures.neighbours} nearest of one class by {measures.features}",
        soft_wrap=True,
    )
