"""Surroundings pixel by pixel, equation 4 by loops, and what lies outside of the picture."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.errors import BadInput
from mereo.metrics.context_error import context_error, mean_context_error, surroundings

OFFSETS = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]


def surroundings_by_a_loop(label_HW: np.ndarray, box: tuple[int, ...], num_classes: int) -> list[list[float] | None]:
    top, left, bottom, right = box
    regions: list[list[float] | None] = []
    for down, across in OFFSETS:
        counts = [0] * num_classes
        for y in range(top, bottom):
            for x in range(left, right):
                row, column = y + down * (bottom - top), x + across * (right - left)
                if 0 <= row < label_HW.shape[0] and 0 <= column < label_HW.shape[1] and label_HW[row, column] != 255:
                    counts[label_HW[row, column]] += 1
        regions.append([count / sum(counts) for count in counts] if sum(counts) else None)
    return regions


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_surroundings_pixel_by_pixel(seed: int) -> None:
    random = np.random.default_rng(seed)
    label_HW = random.integers(0, 4, random.integers(1, 9, 2)).astype(np.uint8)
    label_HW[random.random(label_HW.shape) < 0.3] = 255
    top, left = random.integers(0, label_HW.shape[0]), random.integers(0, label_HW.shape[1])
    box = (top, left, random.integers(top, label_HW.shape[0]) + 1, random.integers(left, label_HW.shape[1]) + 1)
    share_8K, is_inside_8 = surroundings(label_HW, box, 4)
    for share_K, is_inside, wanted in zip(share_8K, is_inside_8, surroundings_by_a_loop(label_HW, box, 4)):
        assert is_inside == (wanted is not None)
        np.testing.assert_allclose(share_K, wanted or [0] * 4)


def error_by_a_loop(
    query: np.ndarray, retrieved: np.ndarray, query_inside: np.ndarray, retrieved_inside: np.ndarray
) -> float:
    errors = []
    for one, inside in zip(retrieved, retrieved_inside):
        for j in range(8):
            if not (query_inside[j] and inside[j]):
                continue
            error = 0.0
            for p, q in zip(query[j], one[j]):
                if p > 0:
                    error += p * math.log(p / (q if q > 0 else 0.1))
                if q > 0:
                    error += q * math.log(q / (p if p > 0 else 0.1))
            errors.append(error)
    return sum(errors) / len(errors) if errors else math.nan


def shares(random: np.random.Generator, *shape: int) -> np.ndarray:
    counts = random.integers(0, 4, shape).astype(float)
    counts[..., 0] += 1
    return counts / counts.sum(axis=-1, keepdims=True)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 5))
def test_equation_4_by_a_loop(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    query_8K, retrieved_N8K = shares(random, 8, 5), shares(random, count, 8, 5)
    inside_8, inside_N8 = random.random(8) < 0.7, random.random((count, 8)) < 0.7
    found = context_error(query_8K, retrieved_N8K, inside_8, inside_N8)
    wanted = error_by_a_loop(query_8K, retrieved_N8K, inside_8, inside_N8)
    assert found == pytest.approx(wanted, nan_ok=True)


def test_the_same_surroundings_have_no_error_and_disjoint_ones_2_ln_10() -> None:
    one_8K, inside_8 = np.tile([0.0, 1.0, 0.0], (8, 1)), np.ones(8, dtype=bool)
    assert context_error(one_8K, one_8K[None], inside_8, inside_8[None]) == 0
    other_8K = one_8K[:, [1, 0, 2]]
    assert context_error(one_8K, other_8K[None], inside_8, inside_8[None]) == pytest.approx(2 * math.log(10))


def test_the_error_may_be_slightly_negative() -> None:
    # The floor of 0.1 is more than the share that it stands against.
    query_8K, inside_8 = np.tile([0.95, 0.05], (8, 1)), np.ones(8, dtype=bool)
    other_N8K = np.tile([1.0, 0.0], (1, 8, 1))
    found = context_error(query_8K, other_N8K, inside_8, inside_8[None])
    assert -0.1 < found < 0
    assert found == pytest.approx(0.95 * math.log(0.95) + 0.05 * math.log(0.05 / 0.1) + math.log(1 / 0.95))


def test_what_one_does_not_have_is_not_counted() -> None:
    query_8K, other_8K = np.tile([1.0, 0.0], (8, 1)), np.tile([1.0, 0.0], (8, 1))
    other_8K[3] = [0, 1]
    inside_8, without_3_8 = np.ones(8, dtype=bool), np.arange(8) != 3
    assert context_error(query_8K, other_8K[None], inside_8, without_3_8[None]) == 0
    assert context_error(query_8K, other_8K[None], without_3_8, inside_8[None]) == 0
    assert context_error(query_8K, other_8K[None], inside_8, inside_8[None]) > 0.5
    assert math.isnan(context_error(query_8K, other_8K[None], ~inside_8, inside_8[None]))


def test_a_region_fully_outside_and_one_fully_void() -> None:
    label_HW = np.zeros((4, 8), dtype=np.int64)
    label_HW[:, 4:6] = 255
    share_8K, is_inside_8 = surroundings(label_HW, (0, 2, 4, 4), 2)
    assert is_inside_8.tolist() == [False, False, False, True, False, False, False, False]
    assert share_8K[3].tolist() == [1, 0] and not share_8K[4].any()


def test_means_over_queries_then_over_classes() -> None:
    found = mean_context_error([0.0, 1.0, 5.0, 7.0, math.nan], [0, 0, 0, 2, 2], 4)
    assert found.of_class_K.tolist()[:1] == [2.0] and found.of_class_K[2] == 7
    assert math.isnan(found.of_class_K[1]) and found.mean == 4.5 and found.queries_K.tolist() == [3, 0, 1, 0]
    assert math.isnan(mean_context_error([], [], 2).mean)


def test_what_is_refused() -> None:
    label_HW = np.zeros((3, 3), dtype=np.uint8)
    with pytest.raises(BadInput, match="a box must have pixels"):
        surroundings(label_HW, (1, 1, 1, 2), 2)
    label_HW[0, 0] = 7
    with pytest.raises(BadInput, match="labels must be from 0 to 1 or 255"):
        surroundings(label_HW, (1, 1, 2, 2), 2)
    shares_8K, inside_8 = np.tile([1.0, 0.0], (8, 1)), np.ones(8, dtype=bool)
    with pytest.raises(BadInput, match="floor must be above 0"):
        context_error(shares_8K, shares_8K[None], inside_8, inside_8[None], floor=0)
