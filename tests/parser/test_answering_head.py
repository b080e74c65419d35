"""Of several heads the first that says classes answers, however the parser is asked; whoever explains it knows that."""

import numpy as np
import pytest
import torch
from tiny_instance_parser import tiny_instance_parser
from tiny_mask_parser import HEADS, mask_parser
from tiny_parser import random_image
from tiny_pyramid_parser import HEAD as PYRAMID
from tiny_sorting_parser import CENTERS, STREET
from tiny_sorting_parser import HEAD as SORTING

from mereo.heads.pixel_classes import PixelClasses
from mereo.heads.segment_sorting import SegmentSorting
from mereo.heads.semantic_pyramid import SemanticPyramid
from mereo.parser.asking.image_scores import answering_head
from mereo.parser.asking.pyramid_levels import has_levels
from mereo.parser.asking.segment_parsing import segment_rule_of
from mereo.parser.asking.sorting_parsing import sorts_segments
from mereo.parser.config import ParserConfig
from mereo.parser.scene_parser import SceneParser
from mereo.strict_yaml import validated

IMAGE_HWC = random_image(70, 90)


def parser_of(*heads: dict[str, object]) -> SceneParser:
    torch.manual_seed(3)
    path = [{"stage": "feature_pyramid", "width": 8}]
    content = {"backbone": {"name": "test_efficientnet"}, "path": path, "heads": list(heads)}
    return validated(ParserConfig, content, source="a test").build(STREET).eval()


@pytest.mark.parametrize("options", [{}, {"flip": True}, {"scales": (0.5, 1.0)}, {"tile": 64}], ids=str)
def test_queries_behind_pixel_classes_answer_nothing(options: dict[str, object]) -> None:
    parser = parser_of({"head": "pixel_classes"}, HEADS["mask2former"] | {"answers": "panoptic", "least_score": 0.3})
    torch.nn.init.normal_(parser.heads[0].classify.weight)
    found = parser.parse(IMAGE_HWC, with_confidence=True, **options)
    del parser.heads[1]
    alone = parser.parse(IMAGE_HWC, with_confidence=True, **options)
    assert len(alone.names_found) > 1, "else it shows nothing"
    np.testing.assert_array_equal(found.semantic, alone.semantic)
    np.testing.assert_array_equal(found.confidence, alone.confidence)
    assert found.instances is None and found.warnings == ()


def test_queries_before_pixel_classes_answer_as_they_would_alone() -> None:
    parser, image_HWC = mask_parser(answers="panoptic", least_score=0.3, least_kept_share=0.2), random_image(40, 56)
    alone = parser.parse(image_HWC)
    parser.heads.append(PixelClasses(parser.backbone.layout, num_classes=3))
    both = parser.parse(image_HWC)
    assert segment_rule_of(parser) is not None and alone.instances is not None and alone.instances.any()
    np.testing.assert_array_equal(both.semantic, alone.semantic)
    np.testing.assert_array_equal(both.instances, alone.instances)


def test_sorted_segments_before_a_pyramid_have_no_levels_to_explain() -> None:
    parser = parser_of(SORTING, PYRAMID)
    assert isinstance(answering_head(parser), SegmentSorting)
    assert sorts_segments(parser) and not has_levels(parser)
    parse = parser.parse(IMAGE_HWC)
    assert parse.vectors is not None and parse.answer_level is None


def test_a_pyramid_before_sorted_segments_says_the_classes() -> None:
    parser = parser_of(PYRAMID, SORTING)
    assert isinstance(answering_head(parser), SemanticPyramid)
    assert has_levels(parser) and not sorts_segments(parser)
    parse = parser.parse(IMAGE_HWC)
    assert parse.answer_level is not None and parse.instances is not None
    del parser.heads[1]
    np.testing.assert_array_equal(parse.semantic, parser.parse(IMAGE_HWC).semantic)


def test_heads_that_say_no_classes_are_passed_over() -> None:
    parser = parser_of(SORTING, CENTERS)
    parser.heads.insert(0, parser.heads.pop(1))
    assert isinstance(answering_head(parser), SegmentSorting) and sorts_segments(parser)
    assert answering_head(tiny_instance_parser()) is None
