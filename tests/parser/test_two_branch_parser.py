"""A semantic parser and a detector as one parser."""

import numpy as np
import pytest
from tiny_instance_parser import THINGS, tiny_instance_parser
from tiny_parser import random_image, tiny_parser

from mereo.errors import BadInput
from mereo.parser.two_branches import LEAST_STUFF_PIXELS, TwoBranches


def test_one_panoptic_answer() -> None:
    both = TwoBranches(tiny_parser(taxonomy=THINGS), tiny_instance_parser(lowest_score=0.0), least_score=0.0)
    parse = both.parse(random_image(48, 64))
    assert both.taxonomy is THINGS and parse.instances.shape == (48, 64)
    assert (parse.semantic[parse.instances > 0] > 0).all()


def test_scales_and_clean_up() -> None:
    semantic, image_HWC = tiny_parser(taxonomy=THINGS), random_image(48, 64)
    nothing = tiny_instance_parser(lowest_score=0.99)
    both = TwoBranches(semantic, nothing, least_stuff_pixels=0)
    wanted = semantic.parse(image_HWC, scales=(0.5, 1.0), flip=True).semantic
    np.testing.assert_array_equal(both.parse(image_HWC, scales=(0.5, 1.0), flip=True).semantic, wanted)
    assert TwoBranches(semantic, nothing).least_stuff_pixels == LEAST_STUFF_PIXELS


def test_other_things_are_refused() -> None:
    from tiny_sorting_parser import STREET

    with pytest.raises(BadInput, match="both branches must have the same things in the same order"):
        TwoBranches(tiny_parser(taxonomy=STREET), tiny_instance_parser())
