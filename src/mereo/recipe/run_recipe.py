"""Carry out a recipe: open the data, train, evaluate on val, and leave a run folder that stands alone."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mereo.data.sample import Samples
from mereo.data.taxonomy import Taxonomy
from mereo.evaluation.evaluate import evaluate
from mereo.evaluation.evaluation import Evaluation
from mereo.evaluation.evaluation_files import write_evaluation
from mereo.evaluation.labelled_samples import SamplesWithObjects
from mereo.evaluation.level_evaluation import evaluate_levels
from mereo.evaluation.level_files import write_level_measures
from mereo.evaluation.level_measures import LevelMeasures
from mereo.evaluation.perceptual_evaluation import evaluate_perceptual
from mereo.evaluation.perceptual_files import write_perceptual_measures
from mereo.evaluation.perceptual_measures import PerceptualMeasures
from mereo.evaluation.token_evaluation import evaluate_tokens
from mereo.evaluation.token_measures import TokenMeasures, write_token_measures
from mereo.parser.asking.perceptual_parsing import has_perceptual
from mereo.parser.asking.pyramid_levels import has_levels
from mereo.parser.scene_parser import SceneParser
from mereo.parser.token_weights import has_tokens
from mereo.recipe.assemble import BuiltRun, build_run
from mereo.recipe.matching_pictures import matching_pictures
from mereo.recipe.recipe import Recipe, load_recipe
from mereo.recipe.run_facts import save_measured_parser
from mereo.recipe.run_start import started_run
from mereo.recipe.run_training import RunPlace, trained_in_folder
from mereo.recipe.same_recipe import require_same_recipe
from mereo.training.loop import TrainingResult
from mereo.training.run_folder import RunFolder
from mereo.training.stop_signals import Stopped, StopSignals


@dataclass(frozen=True)
class RunReport:
    """`evaluation` is None where the recipe has no val data (or none with labels of objects), a signal stopped the run,
    or another process measured. `perceptual` is there for a parser of several tasks.

    `is_stopped`: a signal came before all was done. `is_first`: this process is the one that writes and tells.
    """

    folder: Path
    training: TrainingResult
    evaluation: Evaluation | None
    is_stopped: bool
    is_first: bool
    perceptual: PerceptualMeasures | None = None


def run_recipe(
    recipe: Recipe,
    *,
    recipe_folder: Path,
    out: Path,
    is_resumed: bool = False,
    command: str = "",
    compose: Callable[[Taxonomy], SceneParser] | None = None,
) -> RunReport:
    """Every process of a multi-process run calls this; the first one writes.

    `compose` builds a parser in Python instead of the recipe's: a network of one's own, trained and measured by the
    same loop (examples/own_network.py). Such a parser has no config, so no parser file is written.
    """
    settings = recipe.training

    def require_same() -> None:
        require_same_recipe(recipe, load_recipe(out))

    # A batch of one source trains only the heads for which that source has labels.
    has_idle_weights = recipe.train_data.format == "joined"
    with started_run(
        settings, out=out, is_resumed=is_resumed, require_same=require_same, has_idle_weights=has_idle_weights
    ) as started:
        fabric, signals = started.fabric, started.signals
        built = build_run(recipe, folder=recipe_folder, compose=compose)
        _require_training_pixels(built)
        place = RunPlace(out, recipe_folder, command, is_resumed)
        result = trained_in_folder(
            started, built, recipe, place, score=lambda parser, val, run: _score(parser, built, val, run, signals)
        )
        if not fabric.is_global_zero:
            return RunReport(out, result, None, is_stopped=not result.is_finished, is_first=False)
        val_samples = built.val_samples
        if not result.is_finished or val_samples is None:
            return RunReport(out, result, None, is_stopped=not result.is_finished, is_first=True)
        try:
            # Of a parser of several tasks, samples may label other things; of any other, all must label objects.
            with_objects = SamplesWithObjects(val_samples) if has_perceptual(built.parser) else val_samples
            evaluation = _measure(recipe, built.parser, with_objects, signals) if len(with_objects) else None
            tokens, levels = (
                _measure_tokens(built, with_objects, signals),
                _measure_levels(built, with_objects, signals),
            )
            perceptual = _measure_perceptual(built, val_samples, signals)
        except Stopped:
            return RunReport(out, result, None, is_stopped=True, is_first=True)
        if tokens is not None:
            write_token_measures(tokens, out)
        if levels is not None:
            write_level_measures(levels, out)
        if perceptual is not None:
            write_perceptual_measures(perceptual, out)
        if evaluation is not None:
            write_evaluation(evaluation, out)
        if built.parser.config is not None and (evaluation is not None or perceptual is not None):
            save_measured_parser(built.parser, recipe, evaluation, out, perceptual=perceptual)
        return RunReport(out, result, evaluation, is_stopped=False, is_first=True, perceptual=perceptual)


def _measure(recipe: Recipe, parser: SceneParser, samples: Samples, signals: StopSignals) -> Evaluation:
    settings = recipe.evaluation
    signals.raise_if_set()
    evaluation = evaluate(parser, samples, scales=settings.scales, flip=settings.flip, progress=signals.raise_if_set)
    data = recipe.val_data.model_dump(mode="json") if recipe.val_data else None
    return evaluation.with_conditions(data=data, parser=recipe.name)


def _measure_tokens(built: BuiltRun, samples: Samples, signals: StopSignals) -> TokenMeasures | None:
    if not has_tokens(built.parser) or len(samples) == 0:
        return None
    return evaluate_tokens(built.parser, samples, progress=signals.raise_if_set)


def _measure_levels(built: BuiltRun, samples: Samples, signals: StopSignals) -> LevelMeasures | None:
    if not has_levels(built.parser) or len(samples) == 0:
        return None
    return evaluate_levels(built.parser, samples, progress=signals.raise_if_set)


def _measure_perceptual(built: BuiltRun, samples: Samples, signals: StopSignals) -> PerceptualMeasures | None:
    if not has_perceptual(built.parser):
        return None
    return evaluate_perceptual(built.parser, samples, progress=signals.raise_if_set)


def _score(parser: SceneParser, built: BuiltRun, samples: Samples, run: RunFolder, signals: StopSignals) -> float:
    if has_perceptual(parser):
        score = evaluate_perceptual(parser, samples, progress=signals.raise_if_set).score
    else:
        score = evaluate(parser, samples, progress=signals.raise_if_set).mean_iou or 0.0
    if run.is_writer:
        parser.eval()  # The loop sets it back.
        run.write_pictures(matching_pictures(parser, built.objective, samples[0]))
    return score


def _require_training_pixels(built: BuiltRun) -> None:
    """A class without a pixel in train is named before hours are spent on it (a warning: it may be meant)."""
    if built.pixels_K is None:
        return
    names = [name for name, pixels in zip(built.parser.taxonomy.object_names, built.pixels_K.tolist()) if not pixels]
    if names:
        logging.getLogger("mereo").warning("classes without a pixel in train, never to be found: %s", ", ".join(names))
