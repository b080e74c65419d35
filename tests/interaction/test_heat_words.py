"""What is said of a class and of each level's heat: flat and faint levels are not told as evidence."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "assembly"))
from test_grouped_photograph import made_photograph

from mereo.interaction.class_scores import AskedClass
from mereo.interaction.graph_cam import GraphHeat
from mereo.interaction.heat_words import answer_in_words, levels_in_words

HEAT_R = np.array([1.0, 0.5, 0.25, 0.0, 0.0])


def heat(*per_level: np.ndarray, wins: list[bool] | None = None, asked: list[bool] | None = None) -> GraphHeat:
    answer_hw, asked_hw = (np.array([one or [True, False, False, False]]) for one in (wins, asked))
    nodes = (5, 3, 1)[: len(per_level)]
    return GraphHeat(made_photograph(), AskedClass("part", "coat", 0), -1.234, answer_hw, asked_hw, per_level, nodes)


def test_how_much_is_hot() -> None:
    assert levels_in_words(heat(HEAT_R)) == ("33 % at least half as hot as the hottest",)
    assert levels_in_words(heat(HEAT_R, np.zeros(5)))[1] == "nothing of this level speaks for it"


def test_a_level_that_is_half_as_hot_nearly_everywhere_tells_little_apart() -> None:
    found = heat(np.array([1.0, 0.6, 0.55, 0.7, 1.0]))
    found.photograph.superpixel_hw[:] = [0, 1, 2, 3, 4, 0]  # No pixel is of no superpixel.
    assert levels_in_words(found) == ("everywhere at least half as hot as the hottest: this level tells little apart",)


@pytest.mark.parametrize("least", [0.81, 0.95, 1.0])
def test_a_level_that_is_hot_everywhere_tells_nothing_apart(least: float) -> None:
    flat_R = np.array([least, 1.0, 1.0, least, 1.0]) * 3e-6
    assert levels_in_words(heat(1e-6 * HEAT_R, flat_R))[1] == "the same everywhere: this level tells nothing apart"
    hardly_R = np.array([0.79, 1.0, 1.0, 1.0, 1.0])
    assert levels_in_words(heat(hardly_R)) == ("83 % at least half as hot as the hottest",)


def test_rounding_beside_another_level_is_no_heat() -> None:
    """Whichever of the levels it is."""
    for place in (0, 1):
        per_level = [HEAT_R, HEAT_R]
        per_level[place] = 0.0009 * HEAT_R
        found = heat(*per_level)
        assert levels_in_words(found)[place] == "next to nothing of this level speaks for it"
        assert levels_in_words(found)[1 - place] == "33 % at least half as hot as the hottest"
        assert not found.relative_per_level[place].any() and found.heat_at(0, 0)[place] == 0.0
        np.testing.assert_allclose(found.relative_per_level[1 - place], HEAT_R)
    np.testing.assert_allclose(heat(HEAT_R, 0.002 * HEAT_R).relative_per_level[1], HEAT_R)
    np.testing.assert_allclose(heat(1e-9 * HEAT_R).relative_per_level[0], HEAT_R, err_msg="nothing is hotter")


def test_what_is_said_of_the_class() -> None:
    assert answer_in_words(heat(HEAT_R)) == (
        "coat is the answer in 25 % of the picture (part), with a mean score of -1.23."
    )
    nowhere = [False] * 4
    assert answer_in_words(heat(HEAT_R, wins=nowhere, asked=[True] * 4)) == (
        "coat is not the answer anywhere (part): its score, -1.23, is the mean over the whole picture."
    )
    assert answer_in_words(heat(HEAT_R, wins=nowhere, asked=[True, True, False, False])) == (
        "coat is not the answer anywhere (part): its score, -1.23, is the mean over the 50 % of the picture whose "
        "objects can have it."
    )
