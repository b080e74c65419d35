"""From a recipe to built objects: samples, parser, objective, augmentation."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from mereo.data.class_histogram import class_histogram
from mereo.data.sample import Sample, Samples
from mereo.data.sources import open_samples
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.parser.objective import Objective, build_objective, needs_histogram
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import start_from
from mereo.recipe.recipe import Recipe


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
    """`folder` is where the recipe lies. Data is opened first: it is wrong more often than anything else.

    `compose` makes the parser in Python instead of from the recipe's `parser`, whose preprocessing it should keep.
    """
    train_samples = open_samples(recipe.train_data, folder=folder)
    val_samples = None if recipe.val_data is None else open_samples(recipe.val_data, folder=folder)
    taxonomy = train_samples.taxonomy
    if val_samples is not None and val_samples.taxonomy.object_names != taxonomy.object_names:
        raise BadInput(
            f"train and val must have the same classes, but got {taxonomy.object_names} and "
            f"{val_samples.taxonomy.object_names}; use one taxonomy."
        )
    # Class maps on disk are always counted (and cached), so that a class without a pixel is named before hours are
    # spent. Drawn scenes hold every class: they are not all drawn just to be counted.
    needs_pixels = needs_histogram(recipe.losses) or recipe.augmentation.rare_class_share > 0
    needs_pixels |= recipe.train_data.format != "drawn_scenes" and train_samples[0].semantic_HW is not None
    pixels_K = _labelled_pixels_K(train_samples, "train") if needs_pixels else None
    # Reading val's labels as well finds a bad one now, and not after hours of training.
    val_format = None if recipe.val_data is None else recipe.val_data.format
    if val_samples is not None and val_format != "drawn_scenes" and val_samples[0].semantic_HW is not None:
        _labelled_pixels_K(val_samples, "val")
    parser = compose(taxonomy) if compose else with_found_weights(recipe, folder).parser.build(taxonomy)
    not_taken: list[str] = []
    if recipe.start_from is not None:
        beside = folder / recipe.start_from
        not_taken = start_from(parser, beside if beside.is_file() else recipe.start_from)
    return BuiltRun(
        train_samples=train_samples,
        val_samples=val_samples,
        parser=parser,
        objective=build_objective(recipe.losses, parser, pixels_K=pixels_K),
        augment=recipe.augmentation.build(taxonomy, pixels_K),
        pixels_K=pixels_K,
        not_taken=tuple(not_taken),
    )


def _labelled_pixels_K(samples: Samples, split: str) -> Tensor:
    pixels_K = class_histogram(samples)
    if not bool(pixels_K.any()):
        raise BadInput(f"{split} must hold at least one labelled pixel, but got none; check the ignored ids.")
    return pixels_K


def with_found_weights(recipe: Recipe, folder: Path) -> Recipe:
    """The backbone's weights as a path that exists: beside the recipe, else from the working directory."""
    weights = recipe.parser.backbone.weights
    if weights is None or weights == "hub" or not (folder / weights).is_file():
        return recipe
    backbone = recipe.parser.backbone.model_copy(update={"weights": str(folder / weights)})
    return recipe.model_copy(update={"parser": recipe.parser.model_copy(update={"backbone": backbone})})
