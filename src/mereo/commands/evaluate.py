"""`mereo evaluate PARSER`: measure a parser on labelled data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from mereo.evaluation.evaluation import Evaluation
    from mereo.evaluation.temperature_fit import TemperatureFit

CALIBRATED_FILE = "calibrated.safetensors"


def evaluate(
    parser: Annotated[str, typer.Argument(help="A built-in name, a parser file, or a run folder.")],
    data: Annotated[
        Path | None,
        typer.Option(help="A labelled folder with its mereo.yaml, or a recipe; left out: the run's own val data."),
    ] = None,
    description: Annotated[str | None, typer.Option(help="A built-in description of the folder, e.g. camvid.")] = None,
    split: Annotated[str, typer.Option(help="Which split of the folder.")] = "val",
    scales: Annotated[str, typer.Option(help="Comma-separated scales whose answers are averaged.")] = "1.0",
    flip: Annotated[bool, typer.Option("--flip", help="Average with the mirrored image.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda or mps.")] = "cpu",
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

    from mereo.commands.evaluated_familiarity import training_samples
    from mereo.data.folder_format import FolderSamples
    from mereo.errors import BadInput
    from mereo.evaluation.evaluate import evaluate as evaluate_parser
    from mereo.evaluation.evaluation_files import write_evaluation
    from mereo.evaluation.worst_images import WorstImages
    from mereo.parser.devices import require_device
    from mereo.parser.perceptual_parsing import has_perceptual
    from mereo.parser.token_weights import require_tokens
    from mereo.parser.weights import load, save_changed

    try:
        factors = tuple(float(part) for part in scales.split(","))
    except ValueError:
        raise BadInput(f"--scales must be numbers, but got {scales!r}; e.g. 0.75,1.0,1.25.") from None
    if out is not None and out.exists() and not out.is_dir():
        raise BadInput(f"--out must be a folder, but got a file in {out}; name another folder.")
    loaded = load(parser, device=require_device(device))
    if tokens:
        require_tokens(loaded)  # Before minutes are spent on the rest.
    samples, training = None, None
    if data is not None and not is_recipe(data):
        samples = FolderSamples(data, split=split, description=description)
    else:
        samples = _val_data_of(Path(parser) if data is None else data)
    if fit_familiarity:  # Before minutes are spent on the rest.
        training = training_samples(Path(parser), data, split=split, description=description)
    console = Console(highlight=False, markup=False, emoji=False)
    if has_perceptual(loaded):
        samples = _evaluate_tasks(loaded, samples, out, console)
        if len(samples) == 0:
            return  # No labels of objects: all is told.
    fit = None
    familiarity = None if training is None else _fitted_familiarity(loaded, training, samples, console)
    if fit_temperature:
        fit = _fitted(loaded, samples, factors, flip, console)
        loaded.temperature = fit.temperature
    gallery = WorstImages(samples.taxonomy, worst)
    with _progress(console, "evaluating") as progress:
        evaluation = evaluate_parser(
            loaded,
            samples,
            scales=factors,
            flip=flip,
            with_confidence=True,
            watch=gallery.see if out is not None else None,
            progress=progress,
        ).with_conditions(parser=parser, split=split, temperature=loaded.temperature)
    print_evaluation(evaluation, console)
    if tokens:
        _evaluate_tokens(loaded, samples, out, console)
    if levels:
        _evaluate_levels(loaded, samples, out, console)
    if panoptic is not None:
        _evaluate_panoptic(loaded, samples, panoptic, out, console)
    if out is not None:
        write_evaluation(evaluation, out)
        if fit is not None or familiarity is not None:
            temperature = None if fit is None else fit.temperature
            changed = save_changed(parser, out / CALIBRATED_FILE, temperature=temperature, familiarity=familiarity)
            console.print(f"parser: {changed}")
        console.print(f"page: {_write_page(evaluation, out, samples, gallery, fit)}")


def print_evaluation(evaluation: "Evaluation", console: Any) -> None:
    """Classes from the most to the least frequent, then the means."""
    from rich.table import Table

    table = Table("class", "share", "IoU", "boundary IoU", box=None, pad_edge=False)
    for row in (evaluation.per_class[index] for index in evaluation.classes_by_frequency):
        table.add_row(row.name, *(_percent(value) for value in (row.share, row.iou, row.boundary_iou)))
    console.print(table)
    console.print(
        f"mIoU {_percent(evaluation.mean_iou)}, pixel accuracy {_percent(evaluation.pixel_accuracy)}, "
        f"boundary IoU {_percent(evaluation.boundary_iou)}, "
        f"frequency-weighted IoU {_percent(evaluation.frequency_weighted_iou)} on {evaluation.num_images} images "
        f"in {evaluation.seconds:.0f} s",
        soft_wrap=True,
    )
    if evaluation.reliability_B3 is not None:
        from mereo.evaluation.evaluation_page import unsure_in_words

        error = _percent(evaluation.expected_calibration_error)
        console.print(f"calibration error {error}. {unsure_in_words(evaluation)}", soft_wrap=True)


def _evaluate_tokens(loaded: Any, samples: Any, out: Path | None, console: Any) -> None:
    from mereo.evaluation.number_text import number_text
    from mereo.evaluation.results_text import TOKEN_MEASURES
    from mereo.evaluation.token_evaluation import evaluate_tokens
    from mereo.evaluation.token_measures import write_token_measures

    with _progress(console, "looking at tokens") as progress:
        found = evaluate_tokens(loaded, samples, progress=progress)
    values = ", ".join(f"{short} {number_text(getattr(found, name))}" for name, short in TOKEN_MEASURES.items())
    console.print(
        f"{found.num_tokens} tokens: {values} (S: entropy in nats, low is good; D: diversity, high is good)",
        soft_wrap=True,
    )
    if out is not None:
        write_token_measures(found, out)


def _evaluate_levels(loaded: Any, samples: Any, out: Path | None, console: Any) -> None:
    from mereo.commands.evaluated_levels import print_levels
    from mereo.evaluation.level_evaluation import evaluate_levels
    from mereo.evaluation.level_files import write_level_measures

    with _progress(console, "looking at levels") as progress:
        found = evaluate_levels(loaded, samples, progress=progress)
    print_levels(found, console)
    if out is not None:
        write_level_measures(found, out)


def _evaluate_tasks(loaded: Any, samples: Any, out: Path | None, console: Any) -> Any:
    """Measures every task of a perceptual parser; the samples that label objects are what the rest is measured on."""
    from mereo.commands.evaluated_tasks import print_tasks
    from mereo.evaluation.labelled_samples import SamplesWithObjects
    from mereo.evaluation.perceptual_evaluation import evaluate_perceptual
    from mereo.evaluation.perceptual_files import write_perceptual_measures

    with _progress(console, "evaluating every task") as progress:
        found = evaluate_perceptual(loaded, samples, progress=progress)
    print_tasks(found, console)
    if out is not None:
        write_perceptual_measures(found, out)
    return SamplesWithObjects(samples)


def _evaluate_panoptic(loaded: Any, samples: Any, instances: Any, out: Path | None, console: Any) -> None:
    from mereo.commands.panoptic import print_panoptic
    from mereo.evaluation.panoptic_evaluation import evaluate_panoptic, write_panoptic_quality

    with _progress(console, "comparing segments") as progress:
        found = evaluate_panoptic(loaded, samples, instances=instances, progress=progress)
    print_panoptic(found, console)
    if out is not None:
        write_panoptic_quality(found, out)


def _percent(value: float | None) -> str:
    return "n/a" if value is None else f"{100 * value:.2f}"


def is_recipe(data: Path) -> bool:
    return data.suffix in (".yaml", ".yml") and data.is_file()


def _val_data_of(run: Path) -> Any:
    """Of a run folder, or of a recipe."""
    from mereo.data.sources import open_samples
    from mereo.errors import BadInput
    from mereo.recipe.recipe import folder_of_recipe, load_recipe

    if not (run / "recipe.yaml").is_file() and not is_recipe(run):
        raise BadInput(f"evaluate must know the data, but got only a parser ({run}); pass --data FOLDER.")
    recipe = load_recipe(run)
    if recipe.val_data is None:
        raise BadInput(f"the run's recipe must have val_data, but got none in {run}; pass --data FOLDER.")
    return open_samples(recipe.val_data, folder=folder_of_recipe(run))


def _fitted_familiarity(loaded: Any, training: Any, samples: Any, console: Any) -> Any:
    from mereo.commands.evaluated_familiarity import familiarity_in_words
    from mereo.evaluation.familiarity_fit import fit_familiarity

    with _progress(console, "looking at training pictures") as progress:
        fit = fit_familiarity(loaded, training, samples, progress=progress)
    for line in familiarity_in_words(fit):
        console.print(line, soft_wrap=True)
    return fit.familiarity


def _fitted(loaded: Any, samples: Any, scales: tuple[float, ...], flip: bool, console: Any) -> "TemperatureFit":
    from mereo.evaluation.temperature_fit import fit_temperature

    with _progress(console, "fitting a temperature") as progress:
        fit = fit_temperature(loaded, samples, scales=scales, flip=flip, progress=progress)
    for line in fit_in_words(fit):
        console.print(line, soft_wrap=True)
    return fit


def fit_in_words(fit: "TemperatureFit") -> list[str]:
    """What was fitted, and how much it helps: on images of the fit (optimistic) and on others."""
    lines = [
        f"temperature {fit.temperature:g} (before: {fit.temperature_before:g}), fitted on {fit.num_pixels} pixels",
        f"calibration error on the same images, which is optimistic: {_percent(fit.error_before)} before, "
        f"{_percent(fit.error_after)} after",
    ]
    if fit.halves is not None:
        lines.append(
            "calibration error on images that the temperature has not seen: "
            f"{_percent(fit.halves.error_before)} before, {_percent(fit.halves.error_after)} after "
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


class _progress:
    """A bar on a terminal, nothing elsewhere."""

    def __init__(self, console: Any, what: str) -> None:
        from rich.progress import Progress

        self.what = what
        self.bar = Progress(console=console, disable=not console.is_terminal, transient=True)

    def __enter__(self) -> Any:
        self.bar.start()
        self.task = self.bar.add_task(self.what, total=None)
        return lambda done, total: self.bar.update(self.task, completed=done, total=total)

    def __exit__(self, *error: object) -> None:
        self.bar.stop()
