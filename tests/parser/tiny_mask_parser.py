"""Parsers with heads of mask queries that are built in milliseconds, and say more than one class."""

from typing import Any

import torch
from tiny_parser import tiny_config

from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.parser.scene_parser import SceneParser

TAXONOMY = Taxonomy("tiny", LabelTable(("sky", "road", "car")), is_thing=(False, False, True))
HEADS: dict[str, dict[str, Any]] = {
    "maskformer": {"head": "maskformer", "width": 16, "num_queries": 6, "num_layers": 1, "num_heads": 2},
    "mask2former": {
        "head": "mask2former",
        "width": 16,
        "num_queries": 6,
        "num_layers": 2,
        "num_pixel_layers": 1,
        "num_heads": 2,
    },
}


def mask_parser(head: str = "maskformer", *, taxonomy: Taxonomy = TAXONOMY, **others: Any) -> SceneParser:
    """With masks that have contours and classes that are chosen, as after training."""
    torch.manual_seed(3)
    heads = [HEADS[head] | {"inner_width": 16} | others]
    parser = tiny_config("fcn", heads=heads).model_copy(update={"path": ()}).build(taxonomy).eval()
    torch.manual_seed(87)
    for parameter in parser.heads[0].parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.5)
    return parser
