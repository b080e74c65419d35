"""Context error against float64 loops written from equation 4, and its edges."""

import math

import numpy as np
import pytest

from mereo.errors import BadInput
from mereo.metrics.context_error import context_error, surroundings

Regions = list[list[float] | None]


def loop_surroundings(label_HW: np.ndarray, box: tuple[int, int, int, int], num_classes: int) -> Regions:
    top, left, bottom, right = box
    regions: Regions = []
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            if dy == dx == 0:
                continue
            counts = [0.0] * num_classes
            for y in range(top, bottom):
                for x in range(left, right):
                    row, column = y + dy * (bottom - top), x + dx * (right - left)
                    if 0 <= row < label_HW.shape[0] and 0 <= column < label_HW.shape[1]:
                        if label_HW[row, column] != 255:
                            counts[label_HW[row, column]] += 1
            total = sum(counts)
            regions.append([count / total for count in counts] if total else None)
    return regions


def loop_error(query: Regions, retrieved: list[Regions]) -> float:
    values = []
    for one in retrieved:
        for p_region, q_region in zip(query, one):
            if p_region is None or q_region is None:
                continue
            value = 0.0
            for p, q in zip(p_region, q_region):
                if p > 0:
                    value += p * math.log(p / (q if q > 0 else 0.1))
                if q > 0:
                    value += q * math.log(q / (p if p > 0 else 0.1))
            values.append(value)
    return sum(values) / len(values)


@pytest.mark.parametrize("seed", range(5))
def test_against_loops(seed: int) -> None:
    random = np.random.default_rng(seed)
    found, expected = [], []
    for _ in range(4):
        label_HW = random.choice([0, 1, 2, 255], size=(13, 17), p=[0.5, 0.3, 0.1, 0.1])
        top, left = random.integers(0, 10), random.integers(0, 12)
        box = (int(top), int(left), int(top + random.integers(1, 4)), int(left + random.integers(1, 6)))
        found.append(surroundings(label_HW, box, 3))
        expected.append(loop_surroundings(label_HW, box, 3))
        for share_K, is_inside, region in zip(*found[-1], expected[-1]):
            assert is_inside == (region is not None)
            np.testing.assert_allclose(share_K, region or [0, 0, 0], atol=1e-15)
    shares_N8K, inside_N8 = (np.stack([one[index] for one in found]) for index in (0, 1))
    got = context_error(shares_N8K[0], shares_N8K[1:], inside_N8[0], inside_N8[1:])
    assert got == pytest.approx(loop_error(expected[0], expected[1:]), abs=1e-13)


def test_equal_surroundings_have_no_error_and_order_is_no_matter() -> None:
    random = np.random.default_rng(0)
    share_N8K = random.dirichlet(np.ones(4), size=(3, 8))
    inside_N8 = np.ones((3, 8), bool)
    assert context_error(share_N8K[0], share_N8K[:1], inside_N8[0], inside_N8[:1]) == pytest.approx(0, abs=1e-15)
    forward = context_error(share_N8K[0], share_N8K[1:2], inside_N8[0], inside_N8[1:2])
    back = context_error(share_N8K[1], share_N8K[:1], inside_N8[1], inside_N8[:1])
    assert forward == pytest.approx(back) and forward > 0


def test_it_may_be_slightly_negative() -> None:
    """The floor of 0.1 is more than the share on the other side: the paper's rule, not a mistake."""
    query_8K, other_18K = np.tile([0.95, 0.05], (8, 1)), np.tile([[1.0, 0.0]], (1, 8, 1))
    assert context_error(query_8K, other_18K, np.ones(8, bool), np.ones((1, 8), bool)) < 0


def test_regions_outside_of_either_image_do_not_count() -> None:
    share_8K, other_18K = np.tile([1.0, 0.0], (8, 1)), np.tile([[1.0, 0.0]], (1, 8, 1))
    other_18K[0, 3] = (0, 1)
    inside_8, other_inside_18 = np.ones(8, bool), np.ones((1, 8), bool)
    assert context_error(share_8K, other_18K, inside_8, other_inside_18) == pytest.approx(2 * math.log(10) / 8)
    inside_8[3] = False
    assert context_error(share_8K, other_18K, inside_8, other_inside_18) == 0
    assert math.isnan(context_error(share_8K, other_18K, np.zeros(8, bool), other_inside_18))


def test_a_box_that_fills_the_image_has_no_surroundings() -> None:
    share_8K, is_inside_8 = surroundings(np.zeros((4, 5), int), (0, 0, 4, 5), 2)
    assert not is_inside_8.any() and not share_8K.any()


@pytest.mark.parametrize("box", [(-1, 0, 2, 2), (0, 0, 9, 2), (2, 2, 2, 3), (0, 3, 1, 2)])
def test_a_box_must_lie_in_its_image(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(BadInput, match="a box must lie in its image and have pixels, but got"):
        surroundings(np.zeros((4, 5), int), box, 2)


def test_labels_and_floor_are_checked() -> None:
    with pytest.raises(BadInput, match="labels must be from 0 to 1, but got 7"):
        surroundings(np.full((4, 5), 7), (1, 1, 2, 2), 2)
    with pytest.raises(BadInput, match="floor must be above 0 and at most 1, but got 0"):
        context_error(np.zeros((8, 2)), np.zeros((1, 8, 2)), np.ones(8, bool), np.ones((1, 8), bool), floor=0)
