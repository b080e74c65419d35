"""A parser whose superpixels are grouped, built in milliseconds."""

from typing import Any

import torch
from tiny_parser import TAXONOMY

from mereo.data.taxonomy import Taxonomy
from mereo.parser.config import ParserConfig
from mereo.parser.scene_parser import SceneParser
from mereo.strict_yaml import validated


def tiny_grouping_parser(
    *, backbone: str = "test_efficientnet", max_regions: int = 60, taxonomy: Taxonomy = TAXONOMY, **others: Any
) -> SceneParser:
    """In evaluation mode, with a classifier that says more than one class. `others` goes to the stage."""
    path = [
        {"stage": "feature_levels", "width": 8},
        {"stage": "deep_grouping", "width": 8, "max_regions": max_regions, **others},
        {"stage": "level_fusion", "width": 8},
    ]
    content = {"backbone": {"name": backbone}, "path": path, "preprocessing": {"working_side": 96}}
    torch.manual_seed(0)
    parser = validated(ParserConfig, content, source="a test").build(taxonomy).eval()
    torch.nn.init.normal_(parser.heads[0].classify.weight)
    return parser
