"""Photographs that went through the network together are parsed as each alone; what cannot go together goes alone."""

from typing import Any

import numpy as np
import pytest
from asked_service import SIZE
from tiny_grouping_parser import tiny_grouping_parser
from tiny_mask_parser import mask_parser
from tiny_parser import random_image, tiny_parser
from tiny_perceptual_parser import tiny_perceptual_parser

from mereo.errors import BadInput
from mereo.parser.scene_parser import SceneParser
from mereo.web.batched_parses import FilledOrder, ParseOrder, batch_key, filled_orders


def orders(parser: SceneParser, *images: np.ndarray) -> list[ParseOrder]:
    return [ParseOrder("tiny", parser, image_HWC, f"image {place}") for place, image_HWC in enumerate(images)]


def counted(parser: SceneParser) -> list[int]:
    """The sizes of the batches that the parser sees from now on."""
    sizes: list[int] = []
    forward = parser.forward

    def counting(image_BCHW: Any, *others: Any) -> Any:
        sizes.append(len(image_BCHW))
        return forward(image_BCHW, *others)

    parser.forward = counting  # type: ignore[method-assign]
    return sizes


@pytest.mark.parametrize("build", [tiny_parser, mask_parser, tiny_perceptual_parser])
def test_parses_of_a_batch_are_those_of_each_photograph(build: Any) -> None:
    parser = build()
    images = [random_image(*SIZE, seed=seed) for seed in range(3)]
    alone = [parser.parse(image_HWC, with_confidence=True) for image_HWC in images]
    sizes = counted(parser)
    filled = filled_orders(orders(parser, *images))
    assert sizes == [3]
    for place, (one, own) in enumerate(zip(filled, alone)):
        assert isinstance(one, FilledOrder) and one.parse.name == f"image {place}" and one.seconds > 0
        assert one.parse.image_HWC is images[place] and one.groups.image_HWC is images[place]
        assert np.array_equal(one.parse.semantic, own.semantic)
        assert one.parse.confidence is not None and np.abs(one.parse.confidence - own.confidence).max() < 0.01
        for field in ("instances", "parts", "materials", "texture"):
            found, expected = getattr(one.parse, field), getattr(own, field)
            assert expected is None and found is None or np.array_equal(found, expected)


def test_photographs_of_other_sizes_that_are_seen_at_one_size_go_together() -> None:
    parser = tiny_parser(preprocessing={"working_side": 48})
    images = [random_image(96, 64), random_image(192, 128), random_image(48, 32)]
    assert len({batch_key(order) for order in orders(parser, *images)}) == 1
    sizes = counted(parser)
    filled = filled_orders(orders(parser, *images))
    assert sizes == [3] and [one.parse.size for one in filled if isinstance(one, FilledOrder)] == [
        image_HWC.shape[:2] for image_HWC in images
    ]
    for one, image_HWC in zip(filled, images):
        assert isinstance(one, FilledOrder)
        assert np.array_equal(one.parse.semantic, parser.parse(image_HWC).semantic)


def test_keys_keep_apart_what_cannot_go_together() -> None:
    parser = tiny_parser()
    wide, high = orders(parser, random_image(48, 64), random_image(64, 48))
    assert batch_key(wide) != batch_key(high)
    assert batch_key(ParseOrder("other", tiny_parser(), wide.image_HWC, "a")) != batch_key(wide)
    assert batch_key(*orders(tiny_grouping_parser(), random_image(48, 64))) is None, "its groups hang on rounding"


def test_what_cannot_go_together_goes_one_by_one() -> None:
    parser = tiny_parser()
    forward = parser.forward

    def for_one(image_BCHW: Any, *others: Any) -> Any:
        if len(image_BCHW) > 1:
            raise RuntimeError("not enough memory")
        return forward(image_BCHW, *others)

    parser.forward = for_one  # type: ignore[method-assign]
    images = [random_image(*SIZE, seed=seed) for seed in range(2)]
    filled = filled_orders(orders(parser, *images))
    for one, image_HWC in zip(filled, images):
        assert isinstance(one, FilledOrder) and np.array_equal(one.parse.semantic, parser.parse(image_HWC).semantic)


def test_a_photograph_that_fails_does_not_take_the_others_along(monkeypatch: pytest.MonkeyPatch) -> None:
    from mereo.web import batched_parses

    whole = batched_parses.parse_image

    def parse_image(parser: SceneParser, image_HWC: np.ndarray, *, name: str, **others: Any) -> Any:
        if name == "image 1":
            raise BadInput("an image must be another, but got this; send another.")
        return whole(parser, image_HWC, name=name, **others)

    monkeypatch.setattr(batched_parses, "parse_image", parse_image)
    filled = filled_orders(orders(tiny_parser(), *(random_image(*SIZE, seed=seed) for seed in range(3))))
    assert [type(one) for one in filled] == [FilledOrder, BadInput, FilledOrder]
