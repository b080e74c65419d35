"""Segments become things and stuff: who merges, who is too small, what seeds do, and that nobody stays out."""

import pytest
import torch
import torch.nn.functional as F
from without_doubles import WithoutDoubles

from mereo.assembly.segment_vectors import segment_vectors
from mereo.assembly.sorted_segments import SegmentGroups, grouped_segments, seed_segments

# Classes: 0 sky (stuff), 1 road (stuff), 2 car (thing).
IS_THING = (False, False, True)
UP, RIGHT = [0.0, 1.0], [1.0, 0.0]


def probabilities(*classes: int, second: int = 1) -> torch.Tensor:
    probability_SK = torch.full((len(classes), 3), 0.05)
    probability_SK[:, second] = 0.2
    for segment, index in enumerate(classes):
        probability_SK[segment, index] = 0.9
    return F.normalize(probability_SK, p=1, dim=1)


def grouped(directions: list[list[float]], classes: tuple[int, ...], **options: object) -> SegmentGroups:
    sum_SD = 10 * torch.tensor(directions)
    return grouped_segments(
        sum_SD, probabilities(*classes), torch.full((len(classes),), 10), is_thing=IS_THING, **options
    )


def test_cars_merge_by_direction_and_stuff_by_class() -> None:
    found = grouped([UP, RIGHT, UP, UP, RIGHT, UP], (2, 2, 2, 0, 0, 1))
    group = found.group_S.tolist()
    assert group[0] == group[2] != group[1] and group[3] == group[4] != group[5]
    assert found.class_G[found.group_S].tolist() == [2, 2, 2, 0, 0, 1]
    assert sorted(found.instance_G.tolist()) == [0, 0, 1, 2]
    torch.testing.assert_close(found.vector_GD[group[0]], torch.tensor(UP))
    torch.testing.assert_close(found.vector_GD[group[3]], F.normalize(torch.ones(2), dim=0))


def test_how_things_merged_is_told_with_the_numbers_of_all_segments() -> None:
    found = grouped([UP, RIGHT, UP, [0.1, 1.0], RIGHT, UP], (0, 2, 2, 2, 1, 2))
    assert [(merge.kept, merge.gone) for merge in found.merges] == [(2, 5), (2, 3)]
    assert found.merges[0].cosine == pytest.approx(1) and found.merges[1].cosine == pytest.approx(0.995, abs=1e-3)
    assert found.refused is not None and (found.refused.kept, found.refused.gone) == (1, 2)
    nothing = grouped([UP, RIGHT], (0, 1))
    assert nothing.merges == () and nothing.refused is None


def test_what_no_seed_reaches_keeps_its_class_and_is_no_instance() -> None:
    is_seed_S = torch.tensor([True, False, False, False])
    found = grouped([UP, RIGHT, UP, RIGHT], (2, 2, 1, 0), is_seed_S=is_seed_S)
    assert found.group_S[0] == found.group_S[1]  # Into the seed, however far it is.
    assert sorted(found.instance_G.tolist()) == [0, 0, 1]
    nobody = grouped([UP, RIGHT, UP, RIGHT], (2, 2, 1, 0), is_seed_S=torch.zeros(4, dtype=torch.bool))
    assert nobody.class_G[nobody.group_S].tolist() == [2, 2, 1, 0] and not nobody.instance_G.any()


def test_small_stuff_goes_to_what_is_left() -> None:
    area_S = torch.tensor([3, 50, 20])
    sum_SD, probability_SK = torch.tensor([UP, RIGHT, UP]), probabilities(0, 1, 2)
    found = grouped_segments(sum_SD, probability_SK, area_S, is_thing=IS_THING, least_stuff_area=4)
    assert found.class_G[found.group_S].tolist() == [1, 1, 2]
    # Things are never too small, and if all stuff is, it stays.
    found = grouped_segments(sum_SD, probability_SK, area_S, is_thing=IS_THING, least_stuff_area=100)
    assert found.class_G[found.group_S].tolist() == [0, 1, 2]


def test_segments_of_nobody_count_nowhere() -> None:
    area_S = torch.tensor([10, 0, 10])
    sum_SD = torch.tensor([UP, [0.0, 0.0], UP])
    found = grouped_segments(sum_SD, probabilities(2, 2, 1), area_S, is_thing=IS_THING)
    assert (found.instance_G[found.group_S[[0, 2]]].tolist(), found.class_G[found.group_S[0]]) == ([1, 0], 2)


def test_seeds_lie_where_centres_are() -> None:
    segment_hw = torch.arange(6).view(2, 3)
    center_N2 = torch.tensor([[0.0, 0.0], [0.99, 0.5], [1.0, 1.0], [0.2, 0.99]])
    assert seed_segments(segment_hw, center_N2, 7).nonzero()[:, 0].tolist() == [0, 2, 4, 5]
    assert not seed_segments(segment_hw, center_N2[:0], 7).any()


def test_vectors_follow_the_segments() -> None:
    class Found:
        class_index, instance_id, area_pixels, box_xyxy = 2, 1, 6, (1, 2, 4, 8)

    vectors = segment_vectors([Found(), Found()], {(2, 1): torch.tensor(UP).numpy()}, 2)
    assert len(vectors) == 2 and vectors.vector_ND.tolist() == [UP, UP] and vectors.area_N.tolist() == [6, 6]
    assert vectors.box_N4.tolist() == [[1, 2, 4, 8]] * 2
    assert segment_vectors([], {}, 7).vector_ND.shape == (0, 7)
    with pytest.raises(KeyError):
        segment_vectors([Found()], {}, 2)


def test_no_float64_is_made_on_the_device() -> None:
    area_S = torch.tensor([3, 50, 20, 9])
    sum_SD, probability_SK = torch.tensor([UP, RIGHT, UP, UP]), probabilities(0, 1, 2, 2)
    wanted = grouped_segments(sum_SD, probability_SK, area_S, is_thing=IS_THING, least_stuff_area=10)
    there = (one.as_subclass(WithoutDoubles) for one in (sum_SD, probability_SK, area_S))
    found = grouped_segments(*there, is_thing=IS_THING, least_stuff_area=10)
    for name in ("group_S", "class_G", "instance_G", "vector_GD"):
        assert torch.equal(getattr(found, name).as_subclass(torch.Tensor), getattr(wanted, name))
