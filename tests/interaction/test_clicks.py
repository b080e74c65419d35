"""Clicks: each reaches its group, negative ones win, masks at the photograph's size; and what is refused."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "assembly"))
sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from test_grouped_photograph import made_photograph
from tiny_grouping_parser import tiny_grouping_parser
from tiny_parser import random_image, tiny_parser

from mereo.assembly.grouped_photograph import RULES
from mereo.errors import BadInput
from mereo.interaction.clicks import Click, clicked_mask, clicked_superpixels, group_photograph
from mereo.parser.asking.image_scores import prepared_image

IMAGE_HWC = random_image(150, 203)


@pytest.mark.parametrize(
    ("clicks", "level", "rule", "wanted"),
    [
        ([], 2, "nearest", ""),
        ([Click(0, 0)], 1, "nearest", "0"),
        ([Click(0, 0)], 2, "nearest", "01"),
        ([Click(2, 3)], 2, "nearest", "01"),
        ([Click(4, 0)], 2, "nearest", "24"),
        ([Click(4, 0)], 2, "product", "12"),
        ([Click(0, 0)], 3, "nearest", "01234"),
        ([Click(0, 0), Click(6, 1)], 2, "nearest", "013"),
        ([Click(0, 0, False)], 2, "nearest", ""),
        ([Click(0, 0), Click(2, 0, False)], 2, "nearest", ""),
        ([Click(0, 0), Click(2, 0, False)], 1, "nearest", "0"),
        ([Click(2, 0, False), Click(0, 0), Click(2, 0), Click(4, 0)], 2, "nearest", "24"),
        ([Click(11, 3)], 3, "nearest", ""),
        ([Click(0, 0), Click(10, 0, False)], 1, "nearest", "0"),
        ([Click(0, 0), Click(2, 0, False, 1)], 3, "nearest", "0234"),
        ([Click(2, 0, True, 1), Click(0, 0, False, 3), Click(4, 0, True, 2)], 1, "nearest", "124"),
        ([Click(0, 0, False, 1), Click(0, 0, True, 1), Click(0, 0, True, 2)], 3, "nearest", "1"),
    ],
)
def test_what_clicks_reach(clicks: list[Click], level: int, rule: Any, wanted: str) -> None:
    """Superpixels 0 to 4 in a row, two columns each, and two columns of none."""
    photograph = made_photograph()
    chosen_R = clicked_superpixels(photograph, clicks, level=level, rule=rule)
    assert "".join(map(str, np.flatnonzero(chosen_R))) == wanted
    mask_HW = clicked_mask(photograph, clicks, level=level, rule=rule)
    assert mask_HW.shape == (4, 12) and mask_HW.dtype == bool
    assert {str(column // 2) for column in np.flatnonzero(mask_HW[0])} == set(wanted)
    assert (mask_HW == mask_HW[0]).all()


def oracle(photograph: Any, clicks: list[Click], level: int, rule: Any) -> np.ndarray:
    """Pixel by pixel, from the definition."""
    height, width = photograph.size
    rows, columns = photograph.superpixel_hw.shape
    superpixel_HW = np.full((height, width), -1)
    for y in range(height):
        for x in range(width):
            superpixel_HW[y, x] = photograph.superpixel_hw[
                (2 * y + 1) * rows // (2 * height), (2 * x + 1) * columns // (2 * width)
            ]
    signs_of_finest: dict[int, tuple[int, set[bool]]] = {}
    for superpixel in np.unique(superpixel_HW):
        for click in clicks:
            its_level = click.level or level
            group_R = photograph.groups[rule][its_level - 1]
            if group_R[superpixel_HW[click.y, click.x]] != group_R[superpixel]:
                continue
            finest, signs = signs_of_finest.get(superpixel, (its_level, set()))
            if its_level < finest:
                finest, signs = its_level, set()
            if its_level == finest:
                signs_of_finest[superpixel] = (finest, signs | {click.is_positive})
    chosen = [superpixel for superpixel, (_, signs) in signs_of_finest.items() if signs == {True}]
    return np.isin(superpixel_HW, chosen)


@pytest.fixture(scope="module")
def photograph() -> Any:
    return group_photograph(tiny_grouping_parser(), IMAGE_HWC)


levels = st.none() | st.integers(1, 4)
places = st.tuples(st.integers(0, 202), st.integers(0, 149), st.booleans(), levels)


@settings(max_examples=25, deadline=None)
@given(drawn=st.lists(places, max_size=5), level=st.integers(1, 4), rule=st.sampled_from(RULES))
def test_masks_are_those_of_the_definition(
    photograph: Any, drawn: list[tuple[int, int, bool, int | None]], level: int, rule: Any
) -> None:
    clicks = [Click(*one) for one in drawn]
    mask_HW = clicked_mask(photograph, clicks, level=level, rule=rule)
    np.testing.assert_array_equal(mask_HW, oracle(photograph, clicks, level, rule))
    np.testing.assert_array_equal(mask_HW, clicked_mask(photograph, clicks[::-1], level=level, rule=rule))


def test_the_hierarchy_is_the_parsers_own(photograph: Any) -> None:
    parser = tiny_grouping_parser().train()
    again = group_photograph(parser, IMAGE_HWC)
    assert parser.training, "left as it was"
    with torch.no_grad():
        hierarchy = parser.eval()(prepared_image(parser, IMAGE_HWC, (71, 96))).evidence[-1]
    np.testing.assert_array_equal(again.superpixel_hw, hierarchy.label_BHW[0])
    for level in range(1, 5):
        wanted_R = hierarchy.group_of_superpixel(level)[0].numpy()
        np.testing.assert_array_equal(again.group_of_superpixel(level), wanted_R)
        np.testing.assert_array_equal(again.group_of_superpixel(level), photograph.group_of_superpixel(level))
    assert again.size == (150, 203) and again.superpixel_hw.shape == (71, 96)
    counts = [again.num_groups(level) for level in range(1, 5)]
    assert counts == sorted(counts, reverse=True) and counts[0] > counts[-1] >= 1


def test_groups_of_a_higher_level_hold_whole_groups_of_the_lower(photograph: Any) -> None:
    """So that a click reaches more, never less, as the level rises (the rule "nearest")."""
    for level in range(1, 4):
        reached = [clicked_mask(photograph, [Click(100, 70)], level=one) for one in (level, level + 1)]
        assert (reached[0] <= reached[1]).all() and reached[0][70, 100]


@pytest.mark.parametrize(("x", "y"), [(-1, 0), (0, -1), (203, 0), (0, 150), (10**30, 0)])
def test_a_click_off_the_image(photograph: Any, x: int, y: int) -> None:
    with pytest.raises(BadInput, match=f"a click must lie in the photograph of 203x150, but got {x},{y}; choose"):
        clicked_mask(photograph, [Click(0, 0), Click(x, y, False)], level=1)


@pytest.mark.parametrize("x", [float("nan"), 2.0, "3", None, True])
def test_a_click_between_pixels(x: Any) -> None:
    with pytest.raises(BadInput, match=f"a click must be at whole numbers of pixels, but got {x!r},4; round"):
        Click(x, 4)
    with pytest.raises(BadInput, match=f"but got 4,{x!r}; round them down"):
        Click(4, x)


def test_a_level_that_is_not_there(photograph: Any) -> None:
    with pytest.raises(BadInput, match="level must be 1 to 4, but got 5; 1 are the superpixels"):
        clicked_mask(photograph, [], level=5)
    with pytest.raises(BadInput, match="level must be 1 to 4, but got 6; 1 are the superpixels"):
        clicked_mask(photograph, [Click(0, 0, level=6)], level=1)


def test_very_many_clicks(photograph: Any) -> None:
    random = np.random.default_rng(0)
    clicks = [Click(int(x), int(y)) for x, y in random.integers(0, 150, (100_000, 2))]
    assert clicked_mask(photograph, clicks, level=1)[:, :150].all()


def test_a_parser_without_grouping() -> None:
    with pytest.raises(
        BadInput, match="must have the stage deep_grouping on its path to group a photograph, but got Projection; train"
    ):
        group_photograph(tiny_parser(), IMAGE_HWC)
