"""A parser with a pyramid of four levels that is built in milliseconds, and whose unities say both yes and no."""

from typing import Any

import torch
from tiny_parser import TAXONOMY

from mereo.data.taxonomy import Taxonomy
from mereo.parser.config import ParserConfig
from mereo.parser.scene_parser import SceneParser
from mereo.strict_yaml import validated

HEAD = {"head": "semantic_pyramid", "width": 8, "key_width": 4, "unity_width": 4}


def tiny_pyramid_parser(*, taxonomy: Taxonomy = TAXONOMY, seed: int = 2, **changes: Any) -> SceneParser:
    """In evaluation mode. `changes` are of the head."""
    torch.manual_seed(seed)
    content = {
        "backbone": {"name": "test_efficientnet"},
        "path": [{"stage": "feature_pyramid", "width": 8}],
        "heads": [HEAD | changes],
    }
    parser = validated(ParserConfig, content, source="a test").build(taxonomy).eval()
    head = parser.heads[0]
    for classify in head.classify:
        torch.nn.init.normal_(classify[-1].weight, std=2.0)
    for classify in head.unity.classify if head.unity is not None else ():
        torch.nn.init.normal_(classify.weight, std=1.0)
        torch.nn.init.zeros_(classify.bias)
    return parser
