"""Mereo parses images into wholes and parts: regions, parts, objects, scenes.

    import mereo

    parse = mereo.parse("photograph.jpg")   # or mereo.load("mine.safetensors").parse(image)
    parse.save("out")

This file is the whole public surface. Every name is imported when it is first used, so that `import mereo` costs
nothing and loads no torch; anything not named here may change without a note in CHANGELOG.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mereo.assembly.parse import Parse, Segment
    from mereo.data.drawn_scenes import DrawnScenes
    from mereo.data.sample import Sample
    from mereo.data.taxonomy import LabelTable, Taxonomy
    from mereo.data.taxonomy_file import load_taxonomy
    from mereo.errors import BadEnvironment, BadInput, MereoError
    from mereo.evaluation.evaluate import evaluate
    from mereo.parser.parse_photograph import parse
    from mereo.parser.scene_parser import SceneParser
    from mereo.parser.weights import load
    from mereo.recipe.recipe import Recipe, load_recipe
    from mereo.training.loop import train
    from mereo.version import VERSION as __version__

__all__ = [
    "BadEnvironment",
    "BadInput",
    "DrawnScenes",
    "LabelTable",
    "MereoError",
    "Parse",
    "Recipe",
    "Sample",
    "SceneParser",
    "Segment",
    "Taxonomy",
    "__version__",
    "evaluate",
    "load",
    "load_recipe",
    "load_taxonomy",
    "parse",
    "train",
]

# Where each public name lives; stands above too, for type checkers (tests/test_public_surface.py compares them).
_HOMES = {
    "BadEnvironment": "mereo.errors",
    "BadInput": "mereo.errors",
    "DrawnScenes": "mereo.data.drawn_scenes",
    "LabelTable": "mereo.data.taxonomy",
    "MereoError": "mereo.errors",
    "Parse": "mereo.assembly.parse",
    "Recipe": "mereo.recipe.recipe",
    "Sample": "mereo.data.sample",
    "SceneParser": "mereo.parser.scene_parser",
    "Segment": "mereo.assembly.parse",
    "Taxonomy": "mereo.data.taxonomy",
    "evaluate": "mereo.evaluation.evaluate",
    "load": "mereo.parser.weights",
    "load_recipe": "mereo.recipe.recipe",
    "load_taxonomy": "mereo.data.taxonomy_file",
    "parse": "mereo.parser.parse_photograph",
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
