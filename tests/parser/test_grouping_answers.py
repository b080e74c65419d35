"""Groups at the photograph's size, and the tree of colours at the same numbers of regions."""

import numpy as np
import pytest
from grouped_by_hand import parser_grouped_by_hand
from tiny_parser import random_image, tiny_parser

from mereo.errors import BadInput
from mereo.parser.grouping_answers import grouping_of
from mereo.regions.superpixels import superpixel_hierarchy

STRIPES_W = np.repeat(np.arange(4), 20)


@pytest.mark.parametrize("working_side", [None, 40])
def test_levels_at_the_photographs_size(working_side: int | None) -> None:
    preprocessing = {"mean": [0.5] * 3, "std": [0.5] * 3, "working_side": working_side}
    parser = parser_grouped_by_hand(preprocessing=preprocessing)
    answers = grouping_of(parser, random_image(60, 80))
    assert max(answers.seen_HW3.shape[:2]) == (working_side or 80) and answers.seen_HW3.dtype == np.uint8
    nearest_LHW, product_LHW = answers.levels(rule="nearest"), answers.levels(rule="product")
    assert nearest_LHW.shape == product_LHW.shape == (3, 60, 80)
    for level, of_stripe in enumerate(([0, 1, 2, 3], [0, 0, 1, 1], [0, 0, 0, 0])):
        assert (nearest_LHW[level] == np.array(of_stripe)[STRIPES_W]).all()
    for level, of_stripe in enumerate(([0, 1, 2, 3], [0, 0, 0, 1], [0, 0, 0, 0])):
        assert (product_LHW[level] == np.array(of_stripe)[STRIPES_W]).all()


def test_the_tree_of_colours() -> None:
    image_HW3 = random_image(60, 80)
    found_LHW = grouping_of(parser_grouped_by_hand(), image_HW3).merged_superpixels([9, 4, 1])
    for found_HW, expected_HW in zip(found_LHW, superpixel_hierarchy(image_HW3, [9, 4, 1]), strict=True):
        np.testing.assert_array_equal(found_HW, expected_HW)


def test_a_parser_without_groups() -> None:
    with pytest.raises(BadInput, match="a parser must have a stage that groups superpixels to say which groups it"):
        grouping_of(tiny_parser(), random_image(32, 32))
