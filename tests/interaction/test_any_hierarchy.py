"""Every parse can be clicked on: levels nest, reach the whole picture, and follow the parse's pieces and classes."""

import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "assembly"))
sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from grouped_by_hand import parser_grouped_by_hand
from test_grouped_photograph import made_photograph
from tiny_grouping_parser import tiny_grouping_parser
from tiny_mask_parser import mask_parser
from tiny_parser import random_image, taxonomy_of, tiny_parser
from tiny_perceptual_parser import tiny_perceptual_parser
from tiny_pyramid_parser import tiny_pyramid_parser
from tiny_sorting_parser import tiny_sorting_parser

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.assembly.parse import Parse
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.interaction.any_hierarchy import MAX_SUPERPIXELS, WORKING_SIDE, hierarchy_of, mostly
from mereo.interaction.clicks import Click, clicked_mask
from mereo.parser.scene_parser import SceneParser

IMAGE_HWC = random_image(48, 64)


def require_nested(groups: GroupedPhotograph) -> None:
    """Superpixels of one group stay together from there on, up to a single group."""
    levels = [groups.group_of_superpixel(level) for level in range(1, groups.num_levels + 1)]
    for finer_R, coarser_R in pairwise(levels):
        for group in np.unique(finer_R):
            assert len(np.unique(coarser_R[finer_R == group])) == 1
    assert levels[0].tolist() == list(range(groups.num_superpixels))
    assert groups.num_groups(groups.num_levels) == 1


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    num_classes=st.integers(1, 4),
    num_instances=st.integers(0, 3),
    seed=st.integers(0, 2**20),
)
@settings(max_examples=60, deadline=None)
def test_groups_of_any_parse_nest_and_end_with_the_whole(
    height: int, width: int, num_classes: int, num_instances: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    image_HWC = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    label_HW = random.integers(0, num_classes, (height, width))
    instance_HW = random.integers(0, num_instances + 1, (height, width)) if num_instances else None
    taxonomy = Taxonomy("any", LabelTable(tuple("abcd")), is_thing=(False, True, True, False))
    groups = hierarchy_of(Parse(image_HWC, label_HW, taxonomy, instances=instance_HW))
    assert groups.num_levels == 4 and groups.size == (height, width)
    assert groups.superpixel_hw.min() == 0 and groups.superpixel_hw.max() == groups.num_superpixels - 1
    assert groups.num_groups(3) <= num_classes
    require_nested(groups)
    assert clicked_mask(groups, [Click(width - 1, height - 1)], level=4).all()


@pytest.mark.parametrize(
    "make",
    [
        *(tiny_parser, mask_parser, tiny_perceptual_parser, tiny_pyramid_parser, tiny_sorting_parser),
        *(tiny_grouping_parser, parser_grouped_by_hand),
    ],
)
def test_every_kind_of_parser_can_be_clicked_on(make: Callable[[], SceneParser]) -> None:
    groups = hierarchy_of(make().parse(IMAGE_HWC))
    require_nested(groups)
    assert clicked_mask(groups, [Click(63, 47)], level=1).any()


def test_groups_of_the_parser_itself_stay_what_they_are() -> None:
    parse = parser_grouped_by_hand().parse(IMAGE_HWC)
    assert parse.groups is not None and hierarchy_of(parse) is parse.groups, "its last level is the whole already"


def test_a_hierarchy_that_ends_with_several_groups_gets_the_whole_picture() -> None:
    made = made_photograph()
    cut = replace(made, groups={rule: levels[:2] for rule, levels in made.groups.items()})
    parse = Parse(made.image_HWC, np.zeros(made.size, int), taxonomy_of("sky"), groups=cut)
    groups = hierarchy_of(parse)
    assert groups.num_levels == 3 and cut.num_levels == 2
    for rule in ("nearest", "product"):
        assert groups.group_of_superpixel(3, rule=rule).tolist() == [0] * 5  # type: ignore[arg-type]
        assert groups.group_of_superpixel(2, rule=rule).tolist() == cut.group_of_superpixel(2, rule=rule).tolist()  # type: ignore[arg-type]
    require_nested(groups)


def test_levels_are_pieces_classes_and_the_whole() -> None:
    """Two poles of one class on a sky whose colours show where they stand."""
    label_HW = np.zeros((60, 90), dtype=int)
    label_HW[:, 10:30] = label_HW[:, 50:75] = 1
    image_HWC = np.stack([np.where(label_HW == 1, 30, 200).astype(np.uint8)] * 3, axis=2)
    groups = hierarchy_of(Parse(image_HWC, label_HW, taxonomy_of("sky", "pole")))
    at_pole = [Click(15, 30)]
    one_HW = np.zeros_like(label_HW, dtype=bool)
    one_HW[:, 10:30] = True
    assert (clicked_mask(groups, at_pole, level=2) == one_HW).all()
    assert (clicked_mask(groups, at_pole, level=3) == (label_HW == 1)).all()
    assert clicked_mask(groups, at_pole, level=4).all()
    assert [groups.num_groups(level) for level in (2, 3, 4)] == [5, 2, 1]


def test_an_instance_is_one_group_though_it_is_cut_in_two() -> None:
    label_HW = np.ones((60, 90), dtype=int)
    instance_HW = np.zeros_like(label_HW)
    instance_HW[:, :30], instance_HW[:, 30:60], instance_HW[:, 60:] = 1, 2, 1
    image_HWC = np.stack([(90 * instance_HW + label_HW).astype(np.uint8)] * 3, axis=2)
    taxonomy = Taxonomy("things", LabelTable(("sky", "car")), is_thing=(False, True))
    groups = hierarchy_of(Parse(image_HWC, label_HW, taxonomy, instances=instance_HW))
    assert (clicked_mask(groups, [Click(5, 5)], level=2) == (instance_HW == 1)).all()
    assert clicked_mask(groups, [Click(5, 5)], level=3).all()


def test_a_large_photograph_is_looked_at_at_a_bounded_size() -> None:
    image_HWC = random_image(300, 1200)
    groups = hierarchy_of(Parse(image_HWC, np.zeros((300, 1200), int), taxonomy_of("sky")))
    assert groups.superpixel_hw.shape == (120, WORKING_SIDE)
    assert 100 < groups.num_superpixels <= MAX_SUPERPIXELS
    assert clicked_mask(groups, [Click(1199, 299)], level=4).shape == (300, 1200)


def test_a_superpixel_goes_with_the_piece_that_covers_most_of_it() -> None:
    superpixel_hw = np.array([[0, 0, 0, 1, 1, 1, 1]])
    assert mostly(superpixel_hw, np.array([[4, 4, 1, 9, 9, 2, 2]])).tolist() == [4, 2]
