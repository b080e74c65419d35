"""A parser that is built in milliseconds: timm's test networks and narrow necks."""

from typing import Any

import numpy as np
import torch

from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.parser.config import ParserConfig
from mereo.parser.scene_parser import SceneParser
from mereo.strict_yaml import validated


def taxonomy_of(*names: str) -> Taxonomy:
    return Taxonomy("tiny", LabelTable(names))


TAXONOMY = taxonomy_of("sky", "road", "car")
PATHS: dict[str, list[dict[str, Any]]] = {
    "fcn": [{"stage": "projection", "width": 8}],
    "deeplabv3": [{"stage": "atrous_pyramid", "width": 8}],
    "upernet": [{"stage": "feature_pyramid", "width": 8}],
}


def tiny_config(path: str = "fcn", *, backbone: str = "test_efficientnet", **others: Any) -> ParserConfig:
    content = {"backbone": {"name": backbone}, "path": PATHS[path], **others}
    return validated(ParserConfig, content, source="a test")


def tiny_parser(path: str = "fcn", *, taxonomy: Taxonomy = TAXONOMY, seed: int = 0, **others: Any) -> SceneParser:
    """In evaluation mode, with a classifier that says more than one class."""
    torch.manual_seed(seed)
    parser = tiny_config(path, **others).build(taxonomy).eval()
    torch.nn.init.normal_(parser.heads[0].classify.weight)
    return parser


def random_image(height: int, width: int, *, seed: int = 0) -> np.ndarray:
    """Smooth enough that neighbouring pixels share a class."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (-(-height // 8), -(-width // 8), 3), dtype=np.uint8)
    return np.ascontiguousarray(coarse.repeat(8, axis=0).repeat(8, axis=1)[:height, :width])
