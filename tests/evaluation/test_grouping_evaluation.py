"""Groups of a parser against annotators: the numbers of a hierarchy made by hand, and a real stage end to end."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from grouped_by_hand import parser_grouped_by_hand
from tiny_parser import random_image, tiny_parser

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.data.sample import Sample, as_image, as_mask
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput
from mereo.evaluation.grouping_evaluation import evaluate_grouping, groups_on_pixels, merged_by_colour
from mereo.parser.asking.answering import plain_answers
from mereo.parser.config import ParserConfig
from mereo.parser.last_hierarchy import required_hierarchy
from mereo.regions.grouping_hierarchy import GroupRule
from mereo.regions.superpixels import superpixel_hierarchy
from mereo.strict_yaml import validated

HALVES_HW = np.broadcast_to(np.repeat([5, 2], 40), (60, 80))


class TwoPictures:
    """Both annotators see the left and the right half."""

    taxonomy, fingerprint, names = Taxonomy("regions", LabelTable(("region",))), "two", ["0", "1"]

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Sample:
        image_HW3 = random_image(60, 80, seed=index)
        return Sample(str(index), as_image(image_HW3), annotators_AHW=as_mask(np.stack([HALVES_HW] * 2)))


def test_a_hierarchy_made_by_hand() -> None:
    seen: list[tuple[int, int]] = []
    found = evaluate_grouping(parser_grouped_by_hand(), TwoPictures(), progress=lambda *numbers: seen.append(numbers))
    assert list(found) == ["by nearest", "colours, as nearest", "by product", "colours, as product"]
    assert seen == [(1, 2), (2, 2)]
    nearest, product = found["by nearest"], found["by product"]
    assert nearest.num_regions_L == (4, 2, 1) and nearest.covering.level == 1
    assert (nearest.covering.ods, nearest.rand_index.ods, nearest.information.ods) == (1, 1, 0)
    assert nearest.border_f.ods == 1 and nearest.narrow_recall_L == (1, 1, 0)
    # Three stripes and one: the left half in 3/4 has IoU 2/3, the right half with its half 1/2.
    assert product.covering.ods == pytest.approx((2 / 3 + 1 / 2) / 2)
    for name, quality in found.items():
        assert quality.covering.ods <= nearest.covering.ods, name
        assert all(mine <= most for mine, most in zip(quality.num_regions_L, (4, 2, 1)))


def test_fewer_images_and_a_real_stage() -> None:
    path = [{"stage": "deep_grouping", "width": 8, "max_regions": 30}, {"stage": "projection", "width": 8}]
    content = {"backbone": {"name": "test_efficientnet"}, "path": path}
    parser = validated(ParserConfig, content, source="a test").build(TwoPictures.taxonomy).eval()
    found = evaluate_grouping(parser, TwoPictures(), num_images=1)
    assert 10 < found["by nearest"].num_regions_L[0] <= 30
    assert 0 < found["by product"].covering.ods <= 1


@pytest.mark.parametrize("working_side", [None, 40])
def test_groups_at_the_photographs_size(working_side: int | None) -> None:
    preprocessing = {"mean": [0.5] * 3, "std": [0.5] * 3, "working_side": working_side}
    parser, image_HWC = parser_grouped_by_hand(preprocessing=preprocessing), random_image(60, 80)
    photograph = GroupedPhotograph.of(image_HWC, required_hierarchy(plain_answers(parser, image_HWC)))
    assert max(photograph.superpixel_hw.shape) == (working_side or 80)
    of_stripes: dict[GroupRule, list[list[int]]] = {
        "nearest": [[0, 1, 2, 3], [0, 0, 1, 1], [0, 0, 0, 0]],
        "product": [[0, 1, 2, 3], [0, 0, 0, 1], [0, 0, 0, 0]],
    }
    for rule, per_level in of_stripes.items():
        found_LHW = groups_on_pixels(photograph, rule=rule)
        assert found_LHW.shape == (3, 60, 80)
        for found_HW, of_stripe in zip(found_LHW, per_level, strict=True):
            assert (found_HW == np.array(of_stripe)[np.repeat(np.arange(4), 20)]).all()


def test_the_tree_of_colours() -> None:
    image_HWC = random_image(60, 80)
    found_LHW = merged_by_colour(parser_grouped_by_hand(), image_HWC, [9, 4, 1])
    for found_HW, expected_HW in zip(found_LHW, superpixel_hierarchy(image_HWC, [9, 4, 1]), strict=True):
        np.testing.assert_array_equal(found_HW, expected_HW)


def test_the_tree_of_colours_is_of_the_picture_that_the_parser_sees() -> None:
    """In blocks of two pixels, as the smaller picture has cells."""
    preprocessing = {"mean": [0.5] * 3, "std": [0.5] * 3, "working_side": 40}
    found_LHW = merged_by_colour(parser_grouped_by_hand(preprocessing=preprocessing), random_image(60, 80), [9, 4])
    assert found_LHW.shape == (2, 60, 80) and len(np.unique(found_LHW[0])) > 1
    np.testing.assert_array_equal(found_LHW, found_LHW[:, ::2, ::2].repeat(2, axis=1).repeat(2, axis=2))


def test_a_parser_without_groups() -> None:
    with pytest.raises(BadInput, match="a parser must have a stage that groups superpixels to say which groups it"):
        evaluate_grouping(tiny_parser(), TwoPictures())


def test_samples_without_annotators() -> None:
    class Bare(TwoPictures):
        def __getitem__(self, index: int) -> Sample:
            return replace(super().__getitem__(index), annotators_AHW=None)

    with pytest.raises(BadInput, match="every sample must have annotators, but got none in 0; use annotated"):
        evaluate_grouping(parser_grouped_by_hand(), Bare())
    with pytest.raises(BadInput, match="samples must hold at least one image, but got 0; check folder and split"):
        evaluate_grouping(parser_grouped_by_hand(), TwoPictures(), num_images=0)
