"""A history of merges: who stands for whom after each step, prototypes, what one segment joined, a pixel's segment."""

import numpy as np
import pytest

from mereo.assembly.merging_history import MergingHistory
from mereo.assembly.segment_merging import Merge
from mereo.errors import BadInput

# Segments 0, 1, 2, 4 are cars, of which 0, 2 and 4 merge; 3 and 5 are road.
SEGMENT_HW = np.array([[0, 0, 1, 2], [3, 3, 4, 2], [3, 5, 5, 5]])
SUM_SD = np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, -3.0], [3.0, 0.0], [-1.0, -2.0]])


def made_history(**changes: object) -> MergingHistory:
    options: dict = {
        "segment_hw": SEGMENT_HW,
        "embedding_sum_SD": SUM_SD,
        "class_S": np.array([2, 2, 2, 1, 2, 1]),
        "probability_S": np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4]),
        "group_S": np.array([1, 2, 1, 0, 1, 0]),
        "class_G": np.array([1, 2, 2]),
        "instance_G": np.array([0, 1, 2]),
        "merges": (Merge(2, 4, 0.95), Merge(0, 2, 0.9)),
        "refused": Merge(0, 1, 0.2),
        "threshold": 0.85,
        "is_thing_S": np.array([True, True, True, False, True, False]),
    }
    return MergingHistory(**{**options, **changes})


def test_who_stands_for_whom_after_each_step() -> None:
    history = made_history()
    roots = [history.roots_after(step).tolist() for step in range(4)]
    assert roots == [[0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 2, 5], [0, 1, 0, 3, 0, 5], [0, 1, 0, 3, 0, 3]]
    assert history.num_steps == 3 and [history.count_after(step) for step in range(4)] == [6, 5, 4, 3]
    assert [len(set(one)) for one in roots] == [6, 5, 4, 3]


def test_prototypes_are_those_of_all_pixels_of_a_group() -> None:
    prototype_SD = made_history().prototypes_after(2)
    np.testing.assert_allclose(prototype_SD[[0, 2, 4]], [np.array([6.0, 1.0]) / np.hypot(6, 1)] * 3)
    np.testing.assert_allclose(prototype_SD[1], [0, 1])
    cancelled = made_history(embedding_sum_SD=np.zeros((6, 2))).prototypes_after(3)
    assert not cancelled.any()


def test_what_one_segment_joined_and_in_which_order() -> None:
    history = made_history()
    assert [(one.step, one.own, one.other) for one in history.joinings(4)] == [(1, (4,), (2,)), (2, (2, 4), (0,))]
    assert [(one.step, one.own, one.other) for one in history.joinings(0)] == [(2, (0,), (2, 4))]
    assert history.joinings(1) == history.joinings(3) == ()
    assert [one.cosine for one in history.joinings(2)] == [0.95, 0.9]
    assert history.members_of(1) == (0, 2, 4) and history.members_of(0) == (3, 5)


def test_areas_and_how_much_a_segment_agrees() -> None:
    history = made_history()
    assert history.area_S.tolist() == [2, 1, 2, 3, 1, 3]
    assert history.concentration_S.tolist() == pytest.approx([1, 1, np.sqrt(2) / 2, 1, 1, np.sqrt(5) / 3])


def test_the_segment_of_a_pixel_is_one_of_the_group_that_has_it() -> None:
    history = made_history()
    assert [history.segment_at(x, y, (3, 4)) for x, y in ((0, 0), (2, 0), (3, 2), (2, 1))] == [0, 1, 5, 4]
    # A quarter of a cell off the corner of four: two cells of the road together have more of it than any other group.
    assert history.segment_at(17, 23, (36, 48)) in (3, 5) and history.group_S[3] == history.group_S[5]
    for x, y in ((4, 0), (0, 3), (-1, 0)):
        with pytest.raises(BadInput, match=f"a point must lie in the picture of 4x3, but got {x},{y}"):
            history.segment_at(x, y, (3, 4))
