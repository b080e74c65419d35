"""From a recipe to built objects: samples, parser, objective, augmentation."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor

from mereo.data.class_histogram import class_histogram
from mereo.data.joined_samples import JoinedSamples, sources_with_objects
from mereo.data.sample import Sample, Samples
from mereo.data.samples_with_superpixels import SamplesWithSuperpixels
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.features.stage import SuperpixelWish
from mereo.files_of_settings import with_files_beside
from mereo.parser.config import ParserConfig
from mereo.parser.kept_fits import keep_fits
from mereo.parser.model_card import ModelCard
from mereo.parser.objective import Objective, build_objective, needs_histogram
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import card_of, start_from
from mereo.reasoning.class_affinity import ClassAffinity, ClassAffinityConfig
from mereo.reasoning.cooccurrence_file import read_cooccurrence
from mereo.reasoning.cooccurrence_of_samples import cooccurrence_of
from mereo.recipe.any_recipe import opened_data
from mereo.recipe.recipe import Recipe
from mereo.regions.superpixel_cache import cached_superpixels
from mereo.training.trained_parts import require_parts


@dataclass(frozen=True)
class BuiltRun:
    """`pixels_K`: the training split's histogram where the recipe needs one; `not_taken`: what `start_from` lacked."""

    train_samples: Samples
    val_samples: Samples | None
    parser: SceneParser
    objective: Objective
    augment: Callable[[Sample], Sample]
    pixels_K: Tensor | None
    not_taken: tuple[str, ...]


def build_run(recipe: Recipe, *, folder: Path, compose: Callable[[Taxonomy], SceneParser] | None = None) -> BuiltRun:
    """`folder` is where the recipe lies.

    `compose` makes the parser in Python instead of from the recipe's `parser`, whose preprocessing it should keep.
    """
    train_samples, val_samples = opened_data(recipe, folder=folder, evaluate_every=recipe.training.evaluate_every)
    taxonomy = train_samples.taxonomy
    # Class maps on disk are always counted (and cached), so that a class without a pixel is named before hours are
    # spent. Drawn scenes hold every class: they are not all drawn just to be counted.
    needs_pixels = needs_histogram(recipe.losses) or recipe.augmentation.rare_class_share > 0
    needs_pixels |= recipe.train_data.format != "drawn_scenes" and bool(sources_with_objects(train_samples))
    pixels_K = _labelled_pixels_K(train_samples, "train") if needs_pixels else None
    # Reading val's labels as well finds a bad one now, and not after hours of training.
    val_format = None if recipe.val_data is None else recipe.val_data.format
    if val_samples is not None and val_format != "drawn_scenes" and sources_with_objects(val_samples):
        _labelled_pixels_K(val_samples, "val")
    config = with_files_beside(folder, recipe.parser)
    parser = compose(taxonomy) if compose else config.build(taxonomy)
    require_parts(parser, recipe.training.only)
    not_taken: list[str] = []
    parser.card = recipe.card
    if recipe.start_from is not None:
        beside = folder / recipe.start_from
        source = beside if beside.is_file() else recipe.start_from
        not_taken = start_from(parser, source)
        keep_fits(parser, source, only=recipe.training.only)
        parser.card = recipe.card.bound_by(_card_if_told(source))
    if compose is None:
        _count_edges(parser, config, train_samples)
    return BuiltRun(
        train_samples=_with_superpixels(train_samples, parser.superpixel_wish),
        val_samples=val_samples,
        parser=parser,
        objective=build_objective(recipe.losses, parser, pixels_K=pixels_K),
        augment=recipe.augmentation.build(taxonomy, pixels_K),
        pixels_K=pixels_K,
        not_taken=tuple(not_taken),
    )


def _card_if_told(source: str | Path) -> ModelCard | None:
    """A file of weights alone may be started from, and tells no terms."""
    try:
        return card_of(source)
    except BadInput:
        return None


def _with_superpixels(samples: Samples, wish: SuperpixelWish | None) -> Samples:
    """Those that a stage of the parser wants, found once a picture. After counting, which needs none."""
    if wish is None:
        return samples
    segment = partial(cached_superpixels, method=wish.method, max_regions=wish.max_regions)
    if isinstance(samples, JoinedSamples):
        sources = {name: SamplesWithSuperpixels(source, segment) for name, source in samples.sources.items()}
        return JoinedSamples(sources, taxonomy=samples.taxonomy)
    return SamplesWithSuperpixels(samples, segment)


def _labelled_pixels_K(samples: Samples, split: str) -> Tensor:
    pixels_K = class_histogram(samples)
    if not bool(pixels_K.any()):
        raise BadInput(f"{split} must hold at least one labelled pixel, but got none; check the ignored ids.")
    return pixels_K


def _count_edges(parser: SceneParser, parser_config: ParserConfig, train_samples: Samples) -> None:
    """Edges between classes come from the recipe's file or from this training split, never from `start_from`."""
    for stage, config in zip(parser.path, parser_config.path, strict=True):
        if isinstance(config, ClassAffinityConfig) and isinstance(stage, ClassAffinity) and config.edges == "counted":
            counted = cooccurrence_of(train_samples) if config.counts is None else read_cooccurrence(config.counts)
            stage.take_counts(counted.counts_KK)
