"""A batch cut into single images says of each what it would have said of that one alone."""

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
import torch
from tiny_grouping_parser import tiny_grouping_parser
from tiny_instance_parser import AFFINITY, PROJECTION, tiny_source
from tiny_mask_parser import mask_parser
from tiny_parser import TAXONOMY, random_image, tiny_parser
from tiny_perceptual_parser import tiny_perceptual_parser
from tiny_pyramid_parser import tiny_pyramid_parser
from tiny_sorting_parser import tiny_sorting_parser

from mereo.errors import BadInput
from mereo.parser.asking.answers_of_one import answers_of_one
from mereo.parser.asking.image_scores import prepared_image
from mereo.parser.asking.parsing import parse_image
from mereo.parser.config import ParserConfig
from mereo.parser.scene_parser import SceneParser
from mereo.strict_yaml import validated


def with_stage(seed: int = 0, **stage: Any) -> SceneParser:
    torch.manual_seed(seed)
    content = {"backbone": {"name": "test_efficientnet"}, "path": [PROJECTION, stage]}
    parser = validated(ParserConfig, content, source="a test").build(TAXONOMY).eval()
    torch.nn.init.normal_(parser.heads[0].classify.weight)
    return parser


PARSERS: dict[str, Callable[[], SceneParser]] = {
    "pixel classes": tiny_parser,
    "upernet": lambda: tiny_parser("upernet"),
    "grouping": tiny_grouping_parser,
    "maskformer": mask_parser,
    "mask2former": lambda: mask_parser("mask2former"),
    "perceptual": tiny_perceptual_parser,
    "pyramid": tiny_pyramid_parser,
    "sorting": tiny_sorting_parser,
    "sorting with centres": lambda: tiny_sorting_parser(centers={}),
    "affinity": lambda: tiny_source(PROJECTION, AFFINITY),
    "concept tokens": lambda: with_stage(
        seed=5, stage="concept_tokens", num_concepts=6, width=8, feedforward_width=8, num_heads=2
    ),
    "global reasoning": lambda: with_stage(stage="global_reasoning_unit", num_nodes=4, width=8),
    "object regions": lambda: with_stage(stage="object_regions"),
}
SIZE = (72, 96)
# Of unlike content, so that they have unlike numbers of superpixels and segments.
IMAGES = [random_image(*SIZE, seed=0), np.full((*SIZE, 3), 90, dtype=np.uint8), random_image(*SIZE, seed=2)]


def tensors_of(value: Any, path: str = "") -> dict[str, torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return {path: value}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {f"{path}.{one.name}": getattr(value, one.name) for one in fields(value)}
    elif isinstance(value, dict):
        parts = {f"{path}[{key}]": one for key, one in value.items()}
    elif isinstance(value, tuple):
        parts = {f"{path}[{place}]": one for place, one in enumerate(value)}
    else:
        parts = {}
    return {key: tensor for name, one in parts.items() for key, tensor in tensors_of(one, name).items()}


@pytest.mark.parametrize("kind", PARSERS)
@torch.inference_mode()
def test_a_batch_says_of_each_image_what_that_image_alone_is_told(kind: str) -> None:
    parser = PARSERS[kind]()
    together = parser(torch.cat([prepared_image(parser, image_HWC, SIZE) for image_HWC in IMAGES]))
    for index, image_HWC in enumerate(IMAGES):
        alone = tensors_of(parser(prepared_image(parser, image_HWC, SIZE)))
        cut = tensors_of(answers_of_one(together, index))
        assert cut.keys() == alone.keys() and len(alone) >= 3
        for name, tensor in alone.items():
            assert cut[name].shape == tensor.shape, name
            if ".nearest" in name:
                continue  # Vectors of an untrained stage lie so near each other that rounding decides.
            assert (cut[name].double() - tensor.double()).abs().max() <= 1e-3 * max(
                1.0, float(tensor.double().abs().max())
            ), name


@pytest.mark.parametrize("kind", PARSERS)
@torch.inference_mode()
def test_a_parse_of_ready_answers_is_the_parse_of_the_image_alone(kind: str) -> None:
    parser = PARSERS[kind]()
    together = parser(torch.cat([prepared_image(parser, image_HWC, SIZE) for image_HWC in IMAGES]))
    for index, image_HWC in enumerate(IMAGES):
        alone = parse_image(parser, image_HWC, with_confidence=True)
        ready = parse_image(parser, image_HWC, with_confidence=True, ready=answers_of_one(together, index))
        assert len(np.unique(np.concatenate([parse_image(parser, one).semantic for one in IMAGES]))) > 1
        for field in ("semantic", "instances", "parts", "materials", "texture", "answer_level"):
            one, other = getattr(alone, field), getattr(ready, field)
            assert (one is None) == (other is None)
            assert one is None or np.array_equal(one, other), field
        assert ready.scene == alone.scene and ready.segments[0].name == alone.segments[0].name
        assert alone.confidence is not None and np.abs(alone.confidence - ready.confidence).max() < 0.01
        assert (ready.groups is None) == (alone.groups is None)


def test_an_image_that_is_not_in_the_batch() -> None:
    parser = tiny_parser()
    answers = parser(prepared_image(parser, IMAGES[0], SIZE))
    with pytest.raises(BadInput, match="index must be below 1, the images of the batch, but got 1"):
        answers_of_one(answers, 1)
