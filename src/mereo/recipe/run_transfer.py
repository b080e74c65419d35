"""Carry out a transfer: fine-tune a parser's features under Mask R-CNN, measure AP, leave a folder of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mereo.data.instances import Instances
from mereo.data.sample import Sample, Samples
from mereo.data.sources import open_samples
from mereo.drawing.instance_overlay import InstancePictures
from mereo.errors import BadInput
from mereo.evaluation.evaluate import pixels_of
from mereo.evaluation.instance_evaluation import InstanceEvaluation, evaluate_instances, write_instance_evaluation
from mereo.parser.instances.instance_files import load_instance_parser, save_instance_parser
from mereo.parser.instances.instance_parser import InstanceParser
from mereo.recipe.recipe import folder_of_recipe
from mereo.recipe.run_start import started_run
from mereo.recipe.run_training import RunPlace, trained_in_folder
from mereo.recipe.same_recipe import require_same_recipe
from mereo.recipe.transfer_recipe import BuiltTransfer, TransferRecipe, build_transfer, load_transfer_recipe
from mereo.run_files import LAST_PARSER
from mereo.training.loop import TrainingResult
from mereo.training.stop_signals import Stopped, StopSignals

PICTURES_FOLDER = "pictures"


@dataclass(frozen=True)
class TransferReport:
    """As `RunReport`: `evaluation` is None without val data, after a signal, or in another process than the first."""

    folder: Path
    training: TrainingResult
    evaluation: InstanceEvaluation | None
    is_stopped: bool
    is_first: bool


def run_transfer(
    recipe: TransferRecipe,
    *,
    recipe_folder: Path,
    out: Path,
    is_resumed: bool = False,
    command: str = "",
    num_pictures: int = 12,
) -> TransferReport:
    """Every process of a multi-process run calls this; the first one writes."""
    settings = recipe.training

    def require_same() -> None:
        require_same_recipe(recipe, load_transfer_recipe(out))

    # A path's coarse answers, for one, are trained by nothing here.
    with started_run(
        settings, out=out, is_resumed=is_resumed, require_same=require_same, has_idle_weights=True
    ) as started:
        fabric, signals = started.fabric, started.signals
        built = build_transfer(recipe, folder=recipe_folder)
        place = RunPlace(out, recipe_folder, command, is_resumed)
        result = trained_in_folder(
            started, built, recipe, place, score=lambda parser, val, run: _score(built, val, signals)
        )
        if not fabric.is_global_zero:
            return TransferReport(out, result, None, is_stopped=not result.is_finished, is_first=False)
        if not result.is_finished:
            return TransferReport(out, result, None, is_stopped=True, is_first=True)
        _save(built, recipe, out)
        if built.val_samples is None:
            return TransferReport(out, result, None, is_stopped=False, is_first=True)
        try:
            evaluation = measure(
                built.parser,
                built.val_samples,
                out,
                num_pictures=num_pictures,
                progress=signals.raise_if_set,
                conditions=_conditions(recipe),
            )
        except Stopped:
            return TransferReport(out, result, None, is_stopped=True, is_first=True)
        return TransferReport(out, result, evaluation, is_stopped=False, is_first=True)


def measure_transfer(
    run: Path, *, out: Path, device: str, num_pictures: int, progress: Callable[[int, int], None] | None = None
) -> InstanceEvaluation:
    """A finished run on its recipe's val data, once more: from its file alone, whatever became of its source."""
    if not (run / LAST_PARSER).is_file():
        raise BadInput(f"a run to measure must be finished, but got no {LAST_PARSER} in {run}; train it first.")
    recipe = load_transfer_recipe(run)
    if recipe.val_data is None:
        raise BadInput(f"the run's recipe must have val_data, but got none in {run}; add some and train anew.")
    return measure(
        load_instance_parser(run / LAST_PARSER, device=device),
        open_samples(recipe.val_data, folder=folder_of_recipe(run)),
        out,
        num_pictures=num_pictures,
        progress=progress,
        conditions=_conditions(recipe),
    )


def measure(
    parser: InstanceParser,
    samples: Samples,
    out: Path,
    *,
    num_pictures: int,
    progress: Callable[[int, int], None] | None,
    conditions: dict[str, Any],
) -> InstanceEvaluation:
    """`evaluation.json` and, of the first images, pictures of what was found."""
    pictures = InstancePictures(
        out / PICTURES_FOLDER,
        count=num_pictures,
        names=parser.thing_names,
        colours_K3=parser.taxonomy.objects.colours_K3[list(parser.things)],
    )

    def see(sample: Sample, found: Instances) -> None:
        pictures.see(sample.name, pixels_of(sample), found)

    evaluation = evaluate_instances(parser, samples, watch=see, progress=progress, conditions=conditions)
    write_instance_evaluation(evaluation, out)
    return evaluation


def _score(built: BuiltTransfer, val_samples: Samples, signals: StopSignals) -> float:
    return evaluate_instances(built.parser, val_samples, progress=signals.raise_if_set).scores.masks.ap or 0.0


def _save(built: BuiltTransfer, recipe: TransferRecipe, out: Path) -> None:
    card = built.parser.card or recipe.card  # Over others' weights it knows their terms.
    card = card.model_copy(
        update={
            "title": card.title or recipe.name,
            "trained_with": f"recipe {recipe.name}, {recipe.training.steps} steps",
        }
    )
    save_instance_parser(
        built.parser,
        out / LAST_PARSER,
        config=built.config,
        features_taxonomy=built.features_taxonomy,
        card=card,
    )


def _conditions(recipe: TransferRecipe) -> dict[str, Any]:
    return {
        "parser": recipe.name,
        "data": recipe.val_data.model_dump(mode="json") if recipe.val_data else None,
        "features": recipe.transfer.parser or (recipe.transfer.backbone and recipe.transfer.backbone.name),
    }
