"""Every neck, reasoner and head that can be exported: one file, several sizes and batches, the parser's own answers."""

from typing import Any

import pytest
from tiny_parser import TAXONOMY
from tiny_pyramid_parser import HEAD as PYRAMID
from tiny_traced_parser import traced_parser

from mereo.data.drawn_scenes import drawn_taxonomy
from mereo.data.taxonomy import Taxonomy
from mereo.parser.config import HeadConfig, StageConfig
from mereo.parser.export.onnx_check import answered, blocks_BCHW, compared, parser_scores, session_of
from mereo.parser.export.onnx_file import exported

# Behind each other, since each export takes seconds.
CHAINS: dict[str, list[dict[str, Any]]] = {
    "necks": [
        {"stage": "atrous_pyramid", "width": 8},
        {"stage": "pyramid_pooling", "width": 8},
        {"stage": "adaptive_pyramid_context", "width": 8},
        {"stage": "feature_levels", "width": 8},
        {"stage": "level_fusion", "width": 8},
    ],
    "attention": [
        {"stage": "concatenated_levels"},
        {"stage": "projection", "width": 8},
        {"stage": "dual_attention"},
        {"stage": "criss_cross_attention"},
        {"stage": "object_context_pooling"},
        {"stage": "asymmetric_nonlocal"},
    ],
    "reasoners": [
        {"stage": "feature_pyramid", "width": 8},
        {"stage": "object_regions"},
        {"stage": "class_affinity"},
        {"stage": "global_reasoning_unit", "num_nodes": 5, "width": 8},
        {"stage": "concept_tokens", "num_concepts": 5, "width": 8, "feedforward_width": 8, "num_heads": 2},
    ],
}
PROJECTION: list[dict[str, Any]] = [{"stage": "projection", "width": 8}]
# Sides of one pixel, below a stride, and below the grids of pooling.
OTHER_SHAPES = ((1, 1, 1), (2, 31, 300), (1, 150, 33))


def require_exported(path: list[dict[str, Any]], head: dict[str, Any], *, taxonomy: Taxonomy = TAXONOMY) -> None:
    """At the sizes at which every export is compared, and at others."""
    parser = traced_parser(path, head, taxonomy=taxonomy)
    session = session_of(exported(parser).content)
    for batch, height, width in OTHER_SHAPES:
        image_BCHW = blocks_BCHW(batch, height, width)
        compared(answered(session, image_BCHW), parser_scores(parser, image_BCHW), at=f"{width}x{height}")


@pytest.mark.slow
@pytest.mark.parametrize("name", CHAINS)
def test_every_stage_before_pixel_classes(name: str) -> None:
    require_exported(CHAINS[name], {"head": "pixel_classes"})


@pytest.mark.slow
def test_every_reasoner_before_a_semantic_pyramid() -> None:
    require_exported(CHAINS["reasoners"], PYRAMID | {"num_levels": 2, "context": "none"})


@pytest.mark.slow
def test_a_semantic_pyramid_whose_levels_ask_coarser_ones() -> None:
    require_exported(PROJECTION, PYRAMID | {"num_levels": 3})


@pytest.mark.slow
@pytest.mark.parametrize("representation", ["auxiliary", "finest"])
def test_a_semantic_pyramid_without_unities(representation: str) -> None:
    require_exported(PROJECTION, PYRAMID | {"num_levels": 2, "context": "none", "representation": representation})


@pytest.mark.slow
def test_the_objects_of_a_perceptual_head() -> None:
    require_exported([], {"head": "perceptual", "width": 8}, taxonomy=drawn_taxonomy())


def test_no_stage_and_no_head_is_forgotten() -> None:
    """A new one is exported here, or refused in test_export_refusals.py."""
    stages = {kind.model_fields["stage"].default for kind in StageConfig.__args__[0].__args__}
    assert stages == {stage["stage"] for chain in CHAINS.values() for stage in chain} | {"deep_grouping"}
    heads = {kind.model_fields["head"].default for kind in HeadConfig.__args__[0].__args__}
    refused = {"maskformer", "mask2former", "segment_sorting", "instance_centers"}
    assert heads == {"pixel_classes", "semantic_pyramid", "perceptual"} | refused
