"""What the levels of a pyramid say at a point, against the pixels of its cells."""

import numpy as np
import pytest

from mereo.assembly.level_answers import LevelAnswers
from mereo.errors import BadInput
from mereo.regions.nearest_places import at_size


def made_answers() -> LevelAnswers:
    """Two levels: one coarse cell of two speaks, the other is left to its four finest."""
    return LevelAnswers(
        class_per_level=(np.array([[2, 1]]), np.array([[0, 1, 1, 0], [0, 0, 2, 1]])),
        probability_per_level=(np.array([[0.9, 0.5]]), np.linspace(0.3, 1.0, 8).reshape(2, 4)),
        unity_per_level=(np.array([[0.75, 0.25]]),),
        speaks_per_level=(np.array([[True, False]]), np.array([[False, False, True, True]] * 2)),
        is_done_per_level=(np.array([[False, False]]), np.array([[True, True, False, False]] * 2)),
        level_hw=np.array([[0, 0, 1, 1]] * 2),
        cell_sizes=(8, 4),
        threshold=0.5,
    )


@pytest.mark.parametrize("size", [(8, 16), (11, 23), (3, 5)], ids=str)
def test_cells_at_every_pixel(size: tuple[int, int]) -> None:
    answers = made_answers()
    for y in range(size[0]):
        for x in range(size[1]):
            cells = answers.cells_at(x, y, size)
            assert [cell.cell_size for cell in cells] == [8, 4] and sum(cell.speaks for cell in cells) == 1
            for level, cell in enumerate(cells):
                assert cell.class_index == at_size(answers.class_per_level[level], size)[y, x]
                assert cell.probability == at_size(answers.probability_per_level[level], size)[y, x]
                assert cell.speaks == at_size(answers.speaks_per_level[level], size)[y, x]
                left, top, right, bottom = cell.box_xyxy
                assert left <= x + 0.5 <= right and top <= y + 0.5 <= bottom
            assert cells[0].unity == at_size(answers.unity_per_level[0], size)[y, x] and cells[1].unity is None


def test_states_in_words() -> None:
    answers = made_answers()
    assert [cell.state for cell in answers.cells_at(0, 0, (8, 16))] == ["speaks", "done by coarser"]
    assert [cell.state for cell in answers.cells_at(15, 0, (8, 16))] == ["left to finer", "speaks"]
    assert answers.speaking_cells == (1, 4)


@pytest.mark.parametrize("point", [(16, 0), (0, 8), (-1, 0)])
def test_a_point_outside(point: tuple[int, int]) -> None:
    with pytest.raises(BadInput, match=r"a point must lie in the picture of 16x8, but got .*; choose another"):
        made_answers().cells_at(*point, (8, 16))
