"""Every neck, reasoner and head that can be exported: one file, several sizes and batches, the parser's own answers."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter
from tiny_parser import TAXONOMY
from tiny_pyramid_parser import HEAD as PYRAMID
from torch import Tensor, nn

from mereo.data.drawn_scenes import drawn_taxonomy
from mereo.data.taxonomy import Taxonomy
from mereo.features.feature_maps import FeatureLayout, FeatureMaps
from mereo.parser.config import HeadConfig, StageConfig
from mereo.parser.onnx_check import answered, blocks_BCHW, compared, parser_scores, session_of
from mereo.parser.onnx_file import exported
from mereo.parser.scene_parser import SceneParser

WIDE: dict[str, Any] = {"stage": "projection", "width": 8, "kernel_size": 1}
PATHS: dict[str, list[dict[str, Any]]] = {
    "projection": [{"stage": "projection", "width": 8}],
    "atrous_pyramid": [{"stage": "atrous_pyramid", "width": 8}],
    "feature_levels": [{"stage": "feature_levels", "width": 8}, {"stage": "level_fusion", "width": 8}],
    "concatenated_levels": [{"stage": "concatenated_levels"}],
    "feature_pyramid": [{"stage": "feature_pyramid", "width": 8}],
    "pyramid_pooling": [{"stage": "pyramid_pooling", "width": 8}],
    "dual_attention": [WIDE, {"stage": "dual_attention"}],
    "criss_cross_attention": [WIDE, {"stage": "criss_cross_attention"}],
    "object_context_pooling": [WIDE, {"stage": "object_context_pooling"}],
    "adaptive_pyramid_context": [{"stage": "adaptive_pyramid_context", "width": 8}],
    "asymmetric_nonlocal": [WIDE, {"stage": "asymmetric_nonlocal"}],
    "object_regions": [WIDE, {"stage": "object_regions"}],
    "class_affinity": [WIDE, {"stage": "class_affinity"}],
    "global_reasoning_unit": [WIDE, {"stage": "global_reasoning_unit", "num_nodes": 5, "width": 8}],
    "concept_tokens": [
        WIDE,
        {"stage": "concept_tokens", "num_concepts": 5, "width": 8, "feedforward_width": 8, "num_heads": 2},
    ],
}
# Behind each other before the pyramid, since each export takes seconds.
NECKS = ["atrous_pyramid", "pyramid_pooling", "adaptive_pyramid_context", "feature_levels"]
ATTENTION = [
    *("concatenated_levels", "projection", "dual_attention", "criss_cross_attention"),
    *("object_context_pooling", "asymmetric_nonlocal"),
]
REASONERS = ["feature_pyramid", "object_regions", "class_affinity", "global_reasoning_unit", "concept_tokens"]
# Sides of one pixel, below a stride, and below the grids of pooling.
OTHER_SHAPES = ((1, 1, 1), (2, 31, 300), (1, 150, 33))


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


def require_exported(path: list[dict[str, Any]], head: dict[str, Any], *, taxonomy: Taxonomy = TAXONOMY) -> None:
    """At the sizes at which every export is compared, and at others."""
    drawn = (drawn_parser(path, head, taxonomy=taxonomy, seed=seed) for seed in range(30))
    parser = next(one for one in drawn if says_several_classes(one))
    session = session_of(exported(parser).content)
    for batch, height, width in OTHER_SHAPES:
        image_BCHW = blocks_BCHW(batch, height, width)
        compared(answered(session, image_BCHW), parser_scores(parser, image_BCHW), at=f"{width}x{height}")


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) for name in PATHS])
def test_every_stage_before_pixel_classes(name: str) -> None:
    require_exported(PATHS[name], {"head": "pixel_classes"})


@pytest.mark.slow
@pytest.mark.parametrize("names", [NECKS, ATTENTION, REASONERS], ids=["necks", "attention", "reasoners"])
def test_every_stage_before_a_semantic_pyramid(names: list[str]) -> None:
    path = [stage for name in names for stage in PATHS[name][-2 if name == "feature_levels" else -1 :]]
    require_exported(path, PYRAMID | {"num_levels": 2, "context": "none"})


@pytest.mark.slow
def test_a_semantic_pyramid_whose_levels_ask_coarser_ones() -> None:
    require_exported(PATHS["projection"], PYRAMID | {"num_levels": 3})


@pytest.mark.slow
@pytest.mark.parametrize("representation", ["auxiliary", "finest"])
def test_a_semantic_pyramid_without_unities(representation: str) -> None:
    require_exported(
        PATHS["projection"], PYRAMID | {"num_levels": 2, "context": "none", "representation": representation}
    )


@pytest.mark.slow
def test_the_objects_of_a_perceptual_head() -> None:
    require_exported([], {"head": "perceptual", "width": 8}, taxonomy=drawn_taxonomy())


def test_no_stage_and_no_head_is_forgotten() -> None:
    """A new one is exported here, or refused in test_export_refusals.py."""
    stages = {kind.model_fields["stage"].default for kind in StageConfig.__args__[0].__args__}
    before_pyramid = {*NECKS, *ATTENTION, *REASONERS, "level_fusion"}
    assert stages == {*PATHS, "level_fusion", "deep_grouping"} == before_pyramid | {"deep_grouping"}
    heads = {kind.model_fields["head"].default for kind in HeadConfig.__args__[0].__args__}
    refused = {"maskformer", "mask2former", "segment_sorting", "instance_centers"}
    assert heads == {"pixel_classes", "semantic_pyramid", "perceptual"} | refused
