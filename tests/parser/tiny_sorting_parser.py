"""A parser with sorted segments that is built in milliseconds, and whose classifier says more than one class."""

from typing import Any

import torch

from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.parser.config import ParserConfig
from mereo.parser.scene_parser import SceneParser
from mereo.strict_yaml import validated

HEAD = {"head": "segment_sorting", "width": 8, "embedding_width": 6, "convolution": "plain", "grid": [3, 3]}
CENTERS = {"head": "instance_centers", "width": 8, "box_width": 16, "rois_per_image": 16}
STREET = Taxonomy("tiny_street", LabelTable(("sky", "road", "car")), is_thing=(False, False, True))


def tiny_sorting_parser(
    *, taxonomy: Taxonomy = STREET, centers: dict[str, Any] | None = None, seed: int = 0, **changes: Any
) -> SceneParser:
    """In evaluation mode. `changes` are of the head; with `centers` there is that head, too."""
    torch.manual_seed(seed)
    content = {
        "backbone": {"name": "test_efficientnet"},
        "path": [{"stage": "feature_levels", "width": 8, "grid_sizes": []}],
        "heads": [HEAD | changes, *([] if centers is None else [CENTERS | centers])],
    }
    parser = validated(ParserConfig, content, source="a test").build(taxonomy).eval()
    head = parser.heads[0]
    with torch.no_grad():  # Behind a ReLU all embeddings of fresh weights would point almost the same way.
        head.branch.fuse.weight -= head.branch.fuse.weight.mean(dim=1, keepdim=True)
    torch.nn.init.zeros_(head.branch.fuse.bias)
    # The first layer sees numbers 16 times as large as a direction's.
    for layer, spread in ((head.classify[0], 2 / 16), (head.classify[-1], 2.0)):
        torch.nn.init.normal_(layer.weight, std=spread)
        torch.nn.init.zeros_(layer.bias)
    return parser
