"""Pictures of a pyramid: full colour where a level speaks, pale or hatched elsewhere; outlines, marks."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "assembly"))
from test_level_answers import made_answers

from mereo.assembly.parse import Parse
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.drawing.level_pictures import (
    MIXED,
    UNIT,
    draw_levels,
    draw_photograph,
    draw_semantic_level,
    draw_speaking_cells,
    draw_unity_level,
    level_colours,
    with_mark,
)

TAXONOMY = Taxonomy("street", LabelTable(("sky", "road", "car")))
COLOURS_K3 = TAXONOMY.objects.colours_K3
PARSE = Parse(np.full((8, 16, 3), 90, np.uint8), np.full((8, 16), 1), TAXONOMY)


def lightness(picture_HWC: np.ndarray) -> np.ndarray:
    return picture_HWC.astype(int).sum(axis=-1)


def test_full_colour_where_the_level_speaks_and_pale_where_finer_ones_do() -> None:
    picture_HWC = draw_semantic_level(PARSE, made_answers(), 0)
    assert picture_HWC.shape == (240, 480, 3)
    assert (picture_HWC[:, :240] == COLOURS_K3[2]).all(), "speaks: the colour of its class"
    pale = picture_HWC[0, 300]
    assert (picture_HWC[:, 240:] == pale).all() and (pale.astype(int) > COLOURS_K3[1]).any() and pale.min() > 150


def test_hatched_where_a_coarser_level_speaks() -> None:
    picture_HWC = draw_semantic_level(PARSE, made_answers(), 1)
    for row, column in ((20, 20), (20, 140), (140, 20)):
        light_HW = lightness(picture_HWC[row : row + 60, column : column + 60])
        assert int(light_HW.max()) - int(light_HW.min()) > 200
    assert (picture_HWC[10:110, 250:350] == COLOURS_K3[1]).all()
    assert (picture_HWC[10:110, 370:] == COLOURS_K3[0]).all()


@pytest.mark.parametrize(("threshold", "colours"), [(0.5, "both"), (0.0, "units"), (1.0, "mixed")])
def test_unities_are_told_from_mixed_cells_at_the_threshold(threshold: float, colours: str) -> None:
    answers = replace(made_answers(), unity_per_level=(np.array([[1.0, 0.0]]),), threshold=threshold)
    picture_HWC = draw_unity_level(PARSE, answers, 0)
    left, right = picture_HWC[100, 100].tolist(), picture_HWC[100, 400].tolist()
    # At a threshold of 0 every unity speaks, at 1 only a full one does: 1.0 lies on it, and is pale as 0 is there.
    assert (left == list(UNIT)) == (colours in ("both", "units")) and (right == list(MIXED)) == (colours != "units")


def test_every_level_has_a_colour_and_coarse_is_light() -> None:
    for num_levels in (2, 3, 4, 8):
        colours_L3 = level_colours(num_levels)
        assert colours_L3.shape == (num_levels, 3) and len({tuple(one) for one in colours_L3.tolist()}) == num_levels
        assert (np.diff(lightness(colours_L3)) < 0).all()


def test_cells_that_speak_are_outlined() -> None:
    """The coarse cell is one area, the others four: lines where they meet, none within."""
    light_HW = lightness(draw_speaking_cells(PARSE, made_answers()))
    assert light_HW.shape == (480, 960)
    rows, columns = np.nonzero(light_HW > light_HW[100, 100] + 60)
    assert set(columns[rows == 100].tolist()) == {479, 719} and set(rows[columns == 500].tolist()) == {239}
    assert not (columns == 100).any()


def test_levels_have_their_colours() -> None:
    picture_HWC = draw_levels(PARSE, made_answers())
    assert picture_HWC[100, 100].sum() > picture_HWC[100, 600].sum()
    assert (picture_HWC[:470, :470] == picture_HWC[0, 0]).all()


def test_cells_too_small_to_see_are_one_area() -> None:
    fine = 400
    answers = replace(
        made_answers(),
        class_per_level=(np.zeros((fine // 2, fine)), np.zeros((fine, 2 * fine), dtype=int)),
        level_hw=np.ones((fine, 2 * fine), dtype=int),
    )
    picture_HWC = draw_speaking_cells(PARSE, answers)
    assert len(np.unique(lightness(picture_HWC))) == 1, "no line at all"


def test_marks_at_a_point() -> None:
    picture_HWC = draw_photograph(PARSE)
    marked_HWC = with_mark(picture_HWC, (8, 16), point_xy=(2, 3), box_xyxy=(0, 0, 8, 8))
    changed_HW = (marked_HWC != picture_HWC).any(axis=2)
    assert changed_HW[210, 150] and not changed_HW[100, 300] and changed_HW[100, 479] and not changed_HW[:, 500:].any()
    assert (picture_HWC == 90).all(), "a copy"


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1)], ids=str)
def test_extreme_photographs(size: tuple[int, int]) -> None:
    parse = Parse(np.zeros((*size, 3), np.uint8), np.zeros(size, int), TAXONOMY)
    for draw in (draw_speaking_cells, draw_levels):
        assert max(draw(parse, made_answers()).shape[:2]) == 960
    assert max(draw_semantic_level(parse, made_answers(), 1).shape[:2]) == 480
    with_mark(draw_photograph(parse), size, point_xy=(0, 0), box_xyxy=made_answers().cells_at(0, 0, size)[0].box_xyxy)
