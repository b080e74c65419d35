"""A parser of all five tasks that is built in milliseconds, and says more than one class of each."""

from typing import Any

import torch

from mereo.data.drawn_scenes import drawn_taxonomy
from mereo.data.taxonomy import Taxonomy
from mereo.parser.config import ParserConfig
from mereo.parser.scene_parser import SceneParser
from mereo.strict_yaml import validated


def tiny_perceptual_config(*, path: list[dict[str, Any]] | None = None, **head: Any) -> ParserConfig:
    content = {
        "backbone": {"name": "test_efficientnet"},
        "path": path or [],
        "heads": [{"head": "perceptual", "width": 8} | head],
    }
    return validated(ParserConfig, content, source="a test")


def tiny_perceptual_parser(*, taxonomy: Taxonomy | None = None, seed: int = 0, **head: Any) -> SceneParser:
    """In evaluation mode; all maps of the backbone are its levels."""
    torch.manual_seed(seed)
    parser = tiny_perceptual_config(**head).build(taxonomy or drawn_taxonomy()).eval()
    built = parser.heads[0]
    for classify in (built.object, built.part, built.material, built.texture, built.scene):
        if classify is not None:
            torch.nn.init.normal_(classify.weight, std=2.0)
    return parser
