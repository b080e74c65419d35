"""What an explanation says of a picture's levels: the parser's own answer, the level that speaks at a point."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_parser import random_image, tiny_parser
from tiny_pyramid_parser import tiny_pyramid_parser

from mereo.errors import BadInput
from mereo.interaction.level_explanation import explain_levels

IMAGE_HWC = random_image(61, 83)


def test_the_parsers_own_answer_and_the_level_that_gave_it() -> None:
    parser = tiny_pyramid_parser().train()
    explanation = explain_levels(parser, IMAGE_HWC)
    assert parser.training
    parse = parser.parse(IMAGE_HWC)
    np.testing.assert_array_equal(explanation.parse.semantic, parse.semantic)
    assert parse.answer_level is not None
    for x, y in ((0, 0), (82, 60), (40, 7), (3, 55)):
        cells = explanation.cells_at(x, y)
        assert [cell.speaks for cell in cells].index(True) == parse.answer_level[y, x]
        assert len(cells) == 4 and sum(cell.speaks for cell in cells) == 1


def test_it_asks_the_network_once() -> None:
    parser, passes = tiny_pyramid_parser(), []
    with parser.backbone.register_forward_hook(lambda *arguments: passes.append(1)):
        explain_levels(parser, IMAGE_HWC)
    assert len(passes) == 1


def test_a_parser_without_levels() -> None:
    for parser in (tiny_parser(), tiny_pyramid_parser(representation="auxiliary")):
        with pytest.raises(BadInput, match="a parser must have a pyramid of levels to explain them, but got one"):
            explain_levels(parser, IMAGE_HWC)
