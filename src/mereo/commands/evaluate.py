"""`mereo evaluate PARSER`: measure a parser on labelled data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mereo.commands.device_help import DEVICE
from mereo.commands.out_folder import require_out_folder
from mereo.commands.own_command import own_command
from mereo.commands.parse_options import parsed_scales
from mereo.commands.progress_bar import progress_bar
from mereo.evaluation.number_text import percent_text

if TYPE_CHECKING:
    from mereo.evaluation.evaluation import Evaluation
    from mereo.evaluation.temperature_fit import TemperatureFit

CALIBRATED_FILE = "calibrated.safetensors"


def evaluate(
    parser: Annotated[str, typer.Argument(help="A built-in name, a parser file, a run folder, or hub:OWNER/NAME.")],
    data: Annotated[
        Path | None,
        typer.Option(help="A labelled folder with its mereo.yaml, or a recipe; left out: the run's own val data."),
    ] = None,
    description: Annotated[str | None, typer.Option(help="A built-in description of the folder, e.g. camvid.")] = None,
    split: Annotated[str | None, typer.Option(help="Which split of the folder; left out: val.")] = None,
    scales: Annotated[str, typer.Option(help="Comma-separated scales whose answers are averaged.")] = "1.0",
    flip: Annotated[bool, typer.Option("--flip", help="Average with the mirrored image.")] = False,
    device: Annotated[str, typer.Option(help=DEVICE)] = "auto",
    out: Annotated[Path | None, typer.Option(help="Folder for index.html, pictures and all counts.")] = None,
    worst: Annotated[int, typer.Option(min=0, help="How many of the worst images the page shows.")] = 12,
    tokens: Annotated[
        bool, typer.Option("--tokens", help="Also how much the tokens mean (parsers with e.g. concept_tokens).")
    ] = False,
    levels: Annotated[
        bool,
        typer.Option("--levels", help="Also near borders; and of a semantic_pyramid, which level is good at what."),
    ] = False,
    panoptic: Annotated[
        Literal["labelled", "components"] | None,
        typer.Option(
            help="Also panoptic quality; the true things are labelled, or connected components of their classes."
        ),
    ] = None,
    context: Annotated[
        Literal["labelled", "components"] | None,
        typer.Option(help="Also context error: do things that the parser sees as alike stand among alike classes?"),
    ] = None,
    with_instances: Annotated[
        Path | None,
        typer.Option(help="A run of mereo transfer, whose detector tells the things: two branches, one answer."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Another setting of the parser, with its weights as they are: heads.0.uses_seeds=false. Repeatable.",
        ),
    ] = None,
    row: Annotated[
        str | None,
        typer.Option(help="Which row this is: --out then is a run folder for mereo table, like that of the parser."),
    ] = None,
    fit_temperature: Annotated[
        bool,
        typer.Option(
            "--fit-temperature",
            help=f"Fit the confidences to these images; --out then gets {CALIBRATED_FILE}, the parser with them.",
        ),
    ] = False,
    fit_familiarity: Annotated[
        bool,
        typer.Option(
            "--fit-familiarity",
            help=f"Learn what the training pictures look like, to warn at others; into {CALIBRATED_FILE}, too.",
        ),
    ] = False,
) -> None:
    """Mean IoU, pixel accuracy, boundary IoU, a table of classes, and how far confidences can be trusted.

    Of a parser of several tasks (objects, parts, materials, scenes, textures), each on the images that label it.
    """
    from rich.console import Console

    from mereo.commands.evaluated_data import SPLIT, evaluated_samples
    from mereo.commands.evaluated_familiarity import training_samples
    from mereo.commands.evaluated_measures import (
        evaluate_levels,
        evaluate_segments,
        evaluate_surroundings,
        evaluate_tasks,
        evaluate_tokens,
        require_true_things,
    )
    from mereo.commands.evaluated_parser import measured_parser, require_fitting_options
    from mereo.evaluation.evaluate import evaluate as evaluate_parser
    from mereo.evaluation.evaluated_row import require_run_for_row, write_row
    from mereo.evaluation.evaluation_files import write_evaluation
    from mereo.evaluation.panoptic_evaluation import PanopticTally
    from mereo.evaluation.worst_images import WorstImages
    from mereo.parser.asking.perceptual_parsing import has_perceptual
    from mereo.parser.devices import require_device
    from mereo.parser.token_weights import require_tokens
    from mereo.parser.weights import save_changed

    factors = parsed_scales(scales)
    require_out_folder(out)
    require_fitting_options(
        settings=settings or (),
        with_instances=with_instances,
        fits=_given({"--fit-temperature": fit_temperature, "--fit-familiarity": fit_familiarity}),
        looks=_given({"--tokens": tokens, "--levels": levels}),
        row=row,
        out=out,
    )
    if row is not None and out is not None:
        require_run_for_row(Path(parser), out)
    require_device(device)
    loaded: Any = measured_parser(parser, settings=settings or (), with_instances=with_instances, device=device)
    if tokens:
        require_tokens(loaded)  # Before minutes are spent on the rest.
    samples, conditions = evaluated_samples(parser, data, split=split, description=description)
    training = None
    if fit_familiarity:  # Before minutes are spent on the rest.
        training = training_samples(Path(parser), data, split=split or SPLIT, description=description)
    console = Console(highlight=False, markup=False, emoji=False)
    if has_perceptual(loaded):
        samples = evaluate_tasks(loaded, samples, out, console)
        if len(samples) == 0:
            return  # No labels of objects: all is told.
    require_true_things(samples, panoptic, context)
    fit = None
    familiarity = None if training is None else _fitted_familiarity(loaded, training, samples, console)
    if fit_temperature:
        fit = _fitted(loaded, samples, factors, flip, console)
        loaded.temperature = fit.temperature
    if settings:
        conditions["settings"] = list(settings)
    if with_instances is not None:  # Its answers have no confidence: things come from another network than classes.
        conditions["with_instances"] = str(with_instances)
    gallery = WorstImages(samples.taxonomy, worst)
    tally = None if panoptic is None else PanopticTally(samples.taxonomy, instances=panoptic)

    def see(sample: Any, parse: Any, counts_K3: Any) -> None:
        if out is not None:
            gallery.see(sample, parse, counts_K3)
        if tally is not None and factors == (1.0,) and not flip:  # Segments are those of a plain parse.
            tally.see(sample, parse)

    with progress_bar(console, "evaluating") as progress:
        evaluation = evaluate_parser(
            loaded,
            samples,
            scales=factors,
            flip=flip,
            with_confidence=with_instances is None,
            watch=see,
            progress=progress,
        ).with_conditions(**conditions, temperature=getattr(loaded, "temperature", 1.0))
    print_evaluation(evaluation, console)
    if tokens:
        evaluate_tokens(loaded, samples, out, console)
    if levels:
        evaluate_levels(loaded, samples, out, console)
    if tally is not None:
        evaluate_segments(loaded, samples, tally, conditions, out, console)
    if context is not None:
        evaluate_surroundings(loaded, samples, context, conditions, out, console)
    if out is not None:
        write_evaluation(evaluation, out)
        if row is not None:
            others = [] if with_instances is None else [with_instances]
            write_row(Path(parser), out, row=row, command=own_command(), others=others)
        if fit is not None or familiarity is not None:
            temperature = None if fit is None else fit.temperature
            changed = save_changed(
                parser, out / CALIBRATED_FILE, temperature=temperature, familiarity=familiarity, card=_card(loaded, fit)
            )
            console.print(f"parser: {changed}")
        console.print(f"page: {_write_page(evaluation, out, samples, gallery, fit)}")


def _given(options: dict[str, bool]) -> list[str]:
    return [name for name, is_given in options.items() if is_given]


def print_evaluation(evaluation: "Evaluation", console: Any) -> None:
    """Classes from the most to the least frequent, then the means."""
    from rich.table import Table

    table = Table("class", "share", "IoU", "boundary IoU", box=None, pad_edge=False)
    for row in (evaluation.per_class[index] for index in evaluation.classes_by_frequency):
        table.add_row(row.name, *(percent_text(value) for value in (row.share, row.iou, row.boundary_iou)))
    console.print(table)
    console.print(
        f"mIoU {percent_text(evaluation.mean_iou)}, pixel accuracy {percent_text(evaluation.pixel_accuracy)}, "
        f"boundary IoU {percent_text(evaluation.boundary_iou)}, "
        f"frequency-weighted IoU {percent_text(evaluation.frequency_weighted_iou)} on {evaluation.num_images} images "
        f"in {evaluation.seconds:.0f} s",
        soft_wrap=True,
    )
    if evaluation.reliability_B3 is not None:
        from mereo.evaluation.evaluation_page import unsure_in_words

        error = percent_text(evaluation.expected_calibration_error)
        console.print(f"calibration error {error}. {unsure_in_words(evaluation)}", soft_wrap=True)


def _fitted_familiarity(loaded: Any, training: Any, samples: Any, console: Any) -> Any:
    from mereo.commands.evaluated_familiarity import familiarity_in_words
    from mereo.evaluation.familiarity_fit import fit_familiarity

    with progress_bar(console, "looking at training pictures") as progress:
        fit = fit_familiarity(loaded, training, samples, progress=progress)
    for line in familiarity_in_words(fit):
        console.print(line, soft_wrap=True)
    return fit.familiarity


def _fitted(loaded: Any, samples: Any, scales: tuple[float, ...], flip: bool, console: Any) -> "TemperatureFit":
    from mereo.evaluation.temperature_fit import fit_temperature

    with progress_bar(console, "fitting a temperature") as progress:
        fit = fit_temperature(loaded, samples, scales=scales, flip=flip, progress=progress)
    for line in fit_in_words(fit):
        console.print(line, soft_wrap=True)
    return fit


def _card(loaded: Any, fit: "TemperatureFit | None") -> Any:
    """The parser's own, with the calibration error on images that the temperature has not seen; None: as it was."""
    if fit is None or fit.halves is None or loaded.card is None:
        return None
    measured = loaded.card.measured | {"calibration_error": round(fit.halves.error_after, 4)}
    return loaded.card.model_copy(update={"measured": measured})


def fit_in_words(fit: "TemperatureFit") -> list[str]:
    """What was fitted, and how much it helps: on images of the fit (optimistic) and on others."""
    lines = [
        f"temperature {fit.temperature:g} (before: {fit.temperature_before:g}), fitted on {fit.num_pixels} pixels",
        f"calibration error on the same images, which is optimistic: {percent_text(fit.error_before)} before, "
        f"{percent_text(fit.error_after)} after",
    ]
    if fit.halves is not None:
        lines.append(
            "calibration error on images that the temperature has not seen: "
            f"{percent_text(fit.halves.error_before)} before, {percent_text(fit.halves.error_after)} after "
            f"({fit.halves.temperature:g}, fitted on every other image)"
        )
        if fit.halves.error_after >= fit.halves.error_before:
            lines.append("the new temperature does not help: this parser's confidences are better left as they are")
    return lines


def _write_page(evaluation: "Evaluation", out: Path, samples: Any, gallery: Any, fit: "TemperatureFit | None") -> Path:
    from mereo.drawing.reliability_picture import ReliabilityCurve
    from mereo.evaluation.evaluation_page import write_evaluation_page

    before, notes = None, []
    if fit is not None:
        before = ReliabilityCurve(f"before ({fit.temperature_before:g})", fit.before_B3)
        notes = [f"{line[0].upper()}{line[1:]}." for line in fit_in_words(fit)]
    return write_evaluation_page(
        evaluation, out, taxonomy=samples.taxonomy, worst=gallery.worst_first(), before=before, notes=notes
    )
