"""Mereo parses images into wholes and parts: regions, parts, objects, scenes.

    import mereo

    parse = mereo.parse("photograph.jpg")   # or mereo.load("mine.safetensors").parse(image)
    parse.mask("road"), parse.at(120, 80)   # where something is, and what is somewhere
    parse.save("out")

    recipe = mereo.load_recipe("recipes/mine.yaml")
    mereo.run_recipe(recipe, recipe_folder=Path("recipes"), out=Path("runs/mine"))

This file is the whole public surface. Every name is imported when it is first used, so that `import mereo` costs
nothing and loads no torch; anything not named here may change without a note in CHANGELOG.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mereo.assembly.asked_parse import PixelAnswer
    from mereo.assembly.parse import Parse, Segment
    from mereo.data.drawn_scenes import DrawnScenes
    from mereo.data.pictures.image_reading import read_image
    from mereo.data.sample import Sample
    from mereo.data.sources import open_samples
    from mereo.data.taxonomy import LabelTable, Taxonomy
    from mereo.data.taxonomy_file import load_taxonomy
    from mereo.errors import BadEnvironment, BadInput, MereoError
    from mereo.evaluation.evaluate import evaluate
    from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
    from mereo.features.stage import Stage
    from mereo.features.timm_backbone import TimmBackbone
    from mereo.heads.class_scores import ClassScores
    from mereo.heads.pixel_classes import PixelClasses, PixelClassesPrediction
    from mereo.parser.asking.parse_photograph import parse
    from mereo.parser.scene_parser import SceneParser
    from mereo.parser.weights import load, save_parser
    from mereo.recipe.recipe import Recipe, load_recipe
    from mereo.recipe.run_recipe import run_recipe
    from mereo.training.loop import train
    from mereo.version import VERSION as __version__

__all__ = [
    "BadEnvironment",
    "BadInput",
    "ClassScores",
    "DrawnScenes",
    "FeatureLayout",
    "FeatureMaps",
    "Frame",
    "LabelTable",
    "MereoError",
    "Parse",
    "PixelAnswer",
    "PixelClasses",
    "PixelClassesPrediction",
    "Recipe",
    "Sample",
    "SceneParser",
    "Segment",
    "Stage",
    "Taxonomy",
    "TimmBackbone",
    "__version__",
    "evaluate",
    "load",
    "load_recipe",
    "load_taxonomy",
    "open_samples",
    "parse",
    "read_image",
    "run_recipe",
    "save_parser",
    "train",
]

# Where each public name lives; stands above too, for type checkers (tests/test_public_surface.py compares them).
_HOMES = {
    "BadEnvironment": "mereo.errors",
    "BadInput": "mereo.errors",
    "ClassScores": "mereo.heads.class_scores",
    "DrawnScenes": "mereo.data.drawn_scenes",
    "FeatureLayout": "mereo.features.feature_maps",
    "FeatureMaps": "mereo.features.feature_maps",
    "Frame": "mereo.features.feature_maps",
    "LabelTable": "mereo.data.taxonomy",
    "MereoError": "mereo.errors",
    "Parse": "mereo.assembly.parse",
    "PixelAnswer": "mereo.assembly.asked_parse",
    "PixelClasses": "mereo.heads.pixel_classes",
    "PixelClassesPrediction": "mereo.heads.pixel_classes",
    "Recipe": "mereo.recipe.recipe",
    "Sample": "mereo.data.sample",
    "SceneParser": "mereo.parser.scene_parser",
    "Segment": "mereo.assembly.parse",
    "Stage": "mereo.features.stage",
    "Taxonomy": "mereo.data.taxonomy",
    "TimmBackbone": "mereo.features.timm_backbone",
    "evaluate": "mereo.evaluation.evaluate",
    "load": "mereo.parser.weights",
    "load_recipe": "mereo.recipe.recipe",
    "load_taxonomy": "mereo.data.taxonomy_file",
    "open_samples": "mereo.data.sources",
    "parse": "mereo.parser.asking.parse_photograph",
    "read_image": "mereo.data.pictures.image_reading",
    "run_recipe": "mereo.recipe.run_recipe",
    "save_parser": "mereo.parser.weights",
    "train": "mereo.training.loop",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value = import_module("mereo.version").VERSION
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'mereo' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
