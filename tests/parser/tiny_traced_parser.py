"""Parsers that are traced in a moment: three maps by three convolutions, any stages, any head."""

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from pydantic import TypeAdapter
from tiny_parser import TAXONOMY
from torch import Tensor, nn

from mereo.data.taxonomy import Taxonomy
from mereo.features.feature_maps import FeatureLayout, FeatureMaps
from mereo.parser.config import HeadConfig, StageConfig
from mereo.parser.export.onnx_check import blocks_BCHW, parser_scores
from mereo.parser.scene_parser import SceneParser

PROJECTION: dict[str, Any] = {"stage": "projection", "width": 8}


class ThreeMaps(nn.Module):
    """Strides 4, 8 and 16; traced in a moment."""

    layout = FeatureLayout((5, 6, 8), (4, 8, 16))

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Conv2d(3, 5, 3, stride=4, padding=1)
        self.steps = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairwise(self.layout.channels))

    def forward(self, image_BCHW: Tensor) -> FeatureMaps:
        maps = [self.start(image_BCHW)]
        for step in self.steps:
            maps.append(step(maps[-1].relu()))
        return FeatureMaps(tuple(maps), self.layout.strides)


def drawn_parser(path: list[dict[str, Any]], head: dict[str, Any], *, taxonomy: Taxonomy, seed: int) -> SceneParser:
    """In evaluation mode. Weights, gates and counts that start at 0 or close to it are drawn: all pieces are heard."""
    torch.manual_seed(seed)
    backbone, stages = ThreeMaps(), []
    layout = backbone.layout
    for content in path:
        stages.append(TypeAdapter(StageConfig).validate_python(content).build(layout, taxonomy.object_names))
        layout = stages[-1].layout
    built_head = TypeAdapter(HeadConfig).validate_python(head).build(layout, taxonomy)
    parser = SceneParser(backbone, stages, [built_head], taxonomy=taxonomy).eval()
    for name, weight in parser.named_parameters():
        if weight.dim() > 1:
            nn.init.normal_(weight, std=weight[0].numel() ** -0.5)
        elif name.endswith("bias"):
            nn.init.normal_(weight, std=0.2)
        else:
            nn.init.uniform_(weight, 0.5, 1.0)
    for name, counts_KK in parser.named_buffers():
        if name.endswith("cooccurrence_KK"):
            counts_KK.copy_(torch.randint(1, 9, counts_KK.shape))
    return parser


def says_several_classes(parser: SceneParser) -> bool:
    return len(np.unique(parser_scores(parser, blocks_BCHW(1, 97, 161)).argmax(axis=1))) > 1


def traced_parser(
    path: list[dict[str, Any]] | None = None,
    head: dict[str, Any] | None = None,
    *,
    taxonomy: Taxonomy = TAXONOMY,
    first_seed: int = 0,
) -> SceneParser:
    """One that says more than one class."""
    content = head or {"head": "pixel_classes"}
    seeds = range(first_seed, first_seed + 30)
    drawn = (
        drawn_parser([PROJECTION] if path is None else path, content, taxonomy=taxonomy, seed=one) for one in seeds
    )
    return next(parser for parser in drawn if says_several_classes(parser))
