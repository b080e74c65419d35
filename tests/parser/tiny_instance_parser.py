"""An instance parser that is built in milliseconds, from a parser with or without a reasoner on its path."""

from typing import Any

import torch
from tiny_parser import TAXONOMY

from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.parser.config import ParserConfig
from mereo.parser.instances.instance_files import InstanceParserConfig
from mereo.parser.instances.instance_parser import InstanceParser, features_of
from mereo.parser.scene_parser import SceneParser
from mereo.strict_yaml import validated

THINGS = Taxonomy("things", LabelTable(("ground", "box", "ball")), is_thing=(False, True, True))
DETECTOR = {"width": 8, "anchor_scale": 2.0, "box_width": 16, "mask_width": 8, "rois_per_image": 16}
PROJECTION = {"stage": "projection", "width": 8}
AFFINITY = {"stage": "class_affinity", "edges": "learned"}


def tiny_source(*path: dict[str, Any], seed: int = 0, output_stride: int = 16) -> SceneParser:
    """With an output stride of 16, two maps of the backbone have one stride."""
    torch.manual_seed(seed)
    content = {
        "backbone": {"name": "test_efficientnet", "output_stride": output_stride},
        "path": list(path),
        "preprocessing": {"mean": [0.3, 0.4, 0.5], "std": [0.2, 0.3, 0.4]},
    }
    return validated(ParserConfig, content, source="a test").build(TAXONOMY).eval()


def tiny_instance_config(
    source: SceneParser, *, working_side: int | None = None, **detector: Any
) -> InstanceParserConfig:
    content = {
        "features": source.config.model_dump(mode="json"),
        "detector": DETECTOR | detector,
        "working_side": working_side,
    }
    return validated(InstanceParserConfig, content, source="a test")


def tiny_instance_parser(
    source: SceneParser | None = None, *, taxonomy: Taxonomy = THINGS, seed: int = 1, **options: Any
) -> InstanceParser:
    source = source or tiny_source(PROJECTION)
    torch.manual_seed(seed)
    return tiny_instance_config(source, **options).build(taxonomy, features_of(source)).eval()
