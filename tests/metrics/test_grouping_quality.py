"""Covering, Rand index and variation of information: against loops over pixels and pairs, and other libraries."""

from itertools import combinations
from math import log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import variation_of_information as their_information
from sklearn.metrics import rand_score

from mereo.errors import BadInput
from mereo.metrics.grouping_quality import covering, rand_index, shared_pixels, variation_of_information

SIDES, REGIONS, SEEDS = st.integers(1, 6), st.integers(1, 5), st.integers(0, 10**6)


def two_maps(seed: int, height: int, width: int, num_first: int, num_second: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    names = random.permutation(300)  # What regions are called is no matter.
    size = (height, width)
    return names[random.integers(0, num_first, size)], names[random.integers(0, num_second, size)].astype(np.uint16)


def covering_by_a_loop(first_HW: np.ndarray, second_HW: np.ndarray) -> float:
    total = 0.0
    for s in np.unique(second_HW):
        mask_HW = second_HW == s
        ious = [
            ((first_HW == r) & mask_HW).sum() / ((first_HW == r) | mask_HW).sum() for r in np.unique(first_HW).tolist()
        ]
        total += max(ious) * mask_HW.sum()
    return total / second_HW.size


def rand_by_pairs(first_HW: np.ndarray, second_HW: np.ndarray) -> float:
    pixels = list(zip(first_HW.ravel().tolist(), second_HW.ravel().tolist()))
    agree = [(p[0] == q[0]) == (p[1] == q[1]) for p, q in combinations(pixels, 2)]
    return sum(agree) / len(agree) if agree else 1.0


def information_by_a_loop(first_HW: np.ndarray, second_HW: np.ndarray) -> float:
    """Each pixel asks how surprising its region of one map is to who knows that of the other."""
    total = 0.0
    for r, s in zip(first_HW.ravel(), second_HW.ravel()):
        both = ((first_HW == r) & (second_HW == s)).sum()
        total -= log2(both / (first_HW == r).sum()) + log2(both / (second_HW == s).sum())
    return total / first_HW.size


@given(SEEDS, SIDES, SIDES, REGIONS, REGIONS)
@settings(max_examples=60, deadline=None)
def test_by_loops(seed: int, height: int, width: int, num_first: int, num_second: int) -> None:
    first_HW, second_HW = two_maps(seed, height, width, num_first, num_second)
    shared_RS = shared_pixels(first_HW, second_HW)
    assert shared_RS.dtype == np.int64 and shared_RS.sum() == first_HW.size
    assert covering(shared_RS) == pytest.approx(covering_by_a_loop(first_HW, second_HW), abs=1e-12)
    assert rand_index(shared_RS) == pytest.approx(rand_by_pairs(first_HW, second_HW), abs=1e-12)
    found = variation_of_information(shared_RS)
    assert found == pytest.approx(information_by_a_loop(first_HW, second_HW), abs=1e-9)


@given(SEEDS, st.integers(2, 40), st.integers(2, 40), st.integers(1, 30), st.integers(1, 30))
@settings(max_examples=30, deadline=None)
def test_beside_other_libraries(seed: int, height: int, width: int, num_first: int, num_second: int) -> None:
    first_HW, second_HW = two_maps(seed, height, width, num_first, num_second)
    shared_RS = shared_pixels(first_HW, second_HW)
    assert rand_index(shared_RS) == pytest.approx(rand_score(first_HW.ravel(), second_HW.ravel()), abs=1e-12)
    theirs = sum(their_information(first_HW.astype(int), second_HW.astype(int)))
    assert variation_of_information(shared_RS) == pytest.approx(theirs, abs=1e-9)


@given(SEEDS, SIDES, SIDES, REGIONS)
@settings(max_examples=30, deadline=None)
def test_a_map_and_itself(seed: int, height: int, width: int, num: int) -> None:
    first_HW, _ = two_maps(seed, height, width, num, 1)
    shared_RS = shared_pixels(first_HW, 1000 - first_HW)
    assert (covering(shared_RS), rand_index(shared_RS), variation_of_information(shared_RS)) == (1.0, 1.0, 0.0)


def test_which_map_is_the_truth_matters_to_covering_alone() -> None:
    one_HW, four_HW = np.zeros((1, 4), int), np.array([[0, 1, 2, 3]])
    assert covering(shared_pixels(one_HW, four_HW)) == 1 / 4
    assert covering(shared_pixels(four_HW, one_HW)) == 1 / 4
    shared_RS = np.array([[3, 1], [0, 2]])
    assert covering(shared_RS) == pytest.approx((3 * 3 / 4 + 3 * 2 / 3) / 6)
    assert covering(shared_RS.T) == pytest.approx((4 * 3 / 4 + 2 * 2 / 3) / 6)
    assert rand_index(shared_RS) == rand_index(shared_RS.T)
    assert variation_of_information(shared_RS) == pytest.approx(variation_of_information(shared_RS.T))


def test_counts_of_large_pictures_do_not_overflow() -> None:
    shared_RS = np.diag([10**9, 10**9])
    assert rand_index(shared_RS) == 1.0
    assert rand_index(np.array([[10**9, 10**9]])) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("first_HW", "message"),
    [
        (np.zeros((2, 2)), r"a segmentation must hold a whole number for every pixel, but got float64 of shape \(2, 2"),
        (np.zeros((2, 3), int), "axis W must have one size everywhere"),
    ],
)
def test_wrong_maps(first_HW: np.ndarray, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        shared_pixels(first_HW, np.zeros((2, 2), int))


def test_nothing_to_compare() -> None:
    with pytest.raises(BadInput, match=r"but got int64 of shape \(0, 2\)"):
        shared_pixels(np.zeros((0, 2), np.int64), np.zeros((0, 2), np.int64))
