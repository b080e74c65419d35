"""What every level says: as the head says it, and together what the parser answers."""

import numpy as np
import pytest
import torch
from tiny_parser import random_image, tiny_parser
from tiny_pyramid_parser import tiny_pyramid_parser

from mereo.errors import BadInput
from mereo.heads.pixel_classes import PixelClasses
from mereo.parser.asking.image_scores import prepared_image
from mereo.parser.asking.pyramid_levels import has_levels, level_answers_of
from mereo.regions.nearest_places import at_size

IMAGE_HWC = random_image(61, 83)


def test_as_the_head_says_it() -> None:
    parser = tiny_pyramid_parser()
    found = level_answers_of(parser, IMAGE_HWC)
    with torch.no_grad():
        prediction = parser(prepared_image(parser, IMAGE_HWC, IMAGE_HWC.shape[:2])).predictions[0]
    assert found.num_levels == 4 and found.cell_sizes == (32, 16, 8, 4) and found.threshold == 0.5
    for level, logits_1Khw in enumerate(prediction.logits_per_level):
        probability_Khw = logits_1Khw[0].softmax(dim=0).numpy()
        np.testing.assert_array_equal(found.class_per_level[level], probability_Khw.argmax(axis=0))
        np.testing.assert_allclose(found.probability_per_level[level], probability_Khw.max(axis=0), rtol=1e-5)
    for unity_hw, logits_1hw in zip(found.unity_per_level, prediction.unity_logits_per_level, strict=True):
        np.testing.assert_allclose(unity_hw, logits_1hw[0].sigmoid().numpy(), rtol=1e-5)


def test_who_speaks_cell_by_cell() -> None:
    """Equation 2 as loops over the finest cells: the first unity from the coarsest on has the say."""
    found = level_answers_of(tiny_pyramid_parser(), IMAGE_HWC)
    assert all(found.speaking_cells), "the case must have every level"
    rows, columns = found.level_hw.shape
    for row in range(rows):
        for column in range(columns):
            unities = [unity_hw[row >> (3 - n), column >> (3 - n)] for n, unity_hw in enumerate(found.unity_per_level)]
            expected = next((n for n, unity in enumerate(unities) if unity >= 0.5), 3)
            assert found.level_hw[row, column] == expected
            for n in range(4):
                place = row >> (3 - n), column >> (3 - n)
                assert found.speaks_per_level[n][place] == (expected == n)
                assert found.is_done_per_level[n][place] == (expected < n)


def test_the_parse_says_the_same_levels_and_cells_cover_the_picture_once() -> None:
    parser = tiny_pyramid_parser()
    found = level_answers_of(parser, IMAGE_HWC)
    np.testing.assert_array_equal(at_size(found.level_hw, (61, 83)), parser.parse(IMAGE_HWC).answer_level)
    areas = [cells * 4 ** (3 - level) for level, cells in enumerate(found.speaking_cells)]
    assert sum(areas) == found.level_hw.size
    classes_LHW = found.classes_on((61, 83))
    assert classes_LHW.shape == (4, 61, 83)
    np.testing.assert_array_equal(classes_LHW[2, 30, 41], found.class_per_level[2][61 * 8 // 122, 83 * 12 // 166])


def test_a_parser_in_training_answers_the_same_and_trains_on() -> None:
    parser = tiny_pyramid_parser()
    wanted = level_answers_of(parser, IMAGE_HWC)
    found = level_answers_of(parser.train(), IMAGE_HWC)
    assert parser.training
    for found_hw, wanted_hw in zip(found.probability_per_level, wanted.probability_per_level, strict=True):
        np.testing.assert_array_equal(found_hw, wanted_hw)


def test_who_has_levels() -> None:
    assert has_levels(tiny_pyramid_parser())
    assert not has_levels(tiny_pyramid_parser(representation="auxiliary")) and not has_levels(tiny_parser())
    assert not has_levels("a parser of somebody else's")
    both = tiny_pyramid_parser()
    both.heads.insert(0, PixelClasses(both.path[-1].layout, num_classes=3))
    assert not has_levels(both), "the first head that says classes is the one that answers"


def test_refuses_a_parser_without_a_pyramid() -> None:
    for parser in (tiny_parser(), tiny_pyramid_parser(representation="finest")):
        with pytest.raises(
            BadInput, match="a parser must have a pyramid of levels with unities .* but got one without"
        ):
            level_answers_of(parser, IMAGE_HWC)
