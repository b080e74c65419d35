"""Pictures of a grouped photograph: one colour a group, the largest first; what is chosen keeps its own colours."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "assembly"))
from test_grouped_photograph import made_hierarchy

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.data.palette import distinct_colours, hex_to_rgb
from mereo.drawing.grouping_pictures import draw_chosen, draw_groups, draw_photograph, places_by_area
from mereo.drawing.mask_png import write_mask_png
from mereo.errors import BadInput

GREY = 90


def grey_photograph() -> GroupedPhotograph:
    return GroupedPhotograph.of(np.full((4, 12, 3), GREY, np.uint8), made_hierarchy())


def test_the_largest_group_has_the_first_colour() -> None:
    """At level 2, superpixels 0 and 1 are a group, 2 and 4 another, 3 is alone: areas 2, 2, 1."""
    photograph = grey_photograph()
    assert places_by_area(photograph, 2).tolist() == [0, 0, 1, 2, 1]
    assert places_by_area(photograph, 3).tolist() == [0] * 5
    picture_HWC = draw_groups(photograph, 2, side=600)
    assert picture_HWC.shape == (200, 600, 3) and picture_HWC.dtype == np.uint8
    wanted = [np.array(hex_to_rgb(colour)) * 0.6 + GREY * 0.4 for colour in distinct_colours(3)]
    columns = [picture_HWC[100, 50 + 100 * one].astype(int) for one in range(6)]
    for column, place in zip(columns, [0, 0, 1, 2, 1]):
        np.testing.assert_allclose(column, wanted[place], atol=1)
    np.testing.assert_allclose(columns[5], 255 * 0.6 + GREY * 0.4, atol=1)
    between = np.abs(picture_HWC[100, 195:205].astype(int) - picture_HWC[100, 195]).max(axis=1)
    assert between.max() > 20, "a line between two groups"
    inside = picture_HWC[100, 60:140].astype(int)
    assert np.ptp(inside, axis=0).max() == 0, "and none between two superpixels of a group"


def test_the_rule_changes_the_picture() -> None:
    photograph = grey_photograph()
    nearest_HWC, product_HWC = (draw_groups(photograph, 2, rule=rule, side=120) for rule in ("nearest", "product"))
    assert (nearest_HWC != product_HWC).any()


def test_what_is_chosen_and_its_marks() -> None:
    image_HWC = np.zeros((4, 12, 3), dtype=np.uint8)
    image_HWC[..., 0] = 200
    photograph = GroupedPhotograph.of(image_HWC, made_hierarchy())
    chosen_R = np.array([True, False, False, False, True])
    plain_HWC = draw_chosen(photograph, chosen_R, [], side=600)
    assert plain_HWC[100, 40].tolist() == [200, 0, 0] and plain_HWC[100, 440].tolist() == [200, 0, 0]
    assert np.ptp(plain_HWC[100, 150].astype(int)) < 12 and plain_HWC[100, 150].max() < 60, "grey and in shade"
    marked_HWC = draw_chosen(photograph, chosen_R, [(1, 1, True), (6, 2, False)], side=600)
    is_changed_HW = (marked_HWC != plain_HWC).any(axis=2)
    rows, columns = np.nonzero(is_changed_HW)
    assert {round((column + 0.5) / 50 - 0.5) for column in columns} == {1, 6}
    assert abs(rows[columns < 200].mean() - 75) < 2 and abs(rows[columns > 200].mean() - 125) < 2
    for chosen in (np.ones(5, dtype=bool), np.zeros(5, dtype=bool)):
        assert draw_chosen(photograph, chosen, [], side=60).shape == (20, 60, 3)


def test_the_photograph_itself() -> None:
    assert (draw_photograph(grey_photograph(), side=30) == GREY).all()


def test_a_mask_is_white_where_true(tmp_path: Path) -> None:
    mask_HW = np.random.default_rng(0).random((5, 11)) > 0.5
    path = write_mask_png(tmp_path / "new" / "mask.png", mask_HW)
    with Image.open(path) as picture:
        assert picture.mode == "1" and picture.size == (11, 5)
        np.testing.assert_array_equal(np.asarray(picture), mask_HW)
    with pytest.raises(BadInput, match=r"mask_HW must have 2 axes \(HW\), but got shape \(5,\)"):
        write_mask_png(tmp_path / "mask.png", mask_HW[:, 0])
