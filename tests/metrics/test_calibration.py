"""Reliability counts against loops over pixels in float64; calibration error against its definition."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.errors import BadInput
from mereo.metrics.calibration import UNITS, below_threshold, expected_calibration_error, reliability_counts

IGNORED = 255


def looped_counts(
    label_HW: np.ndarray, predicted_HW: np.ndarray, confidence_HW: np.ndarray, *, num_bins: int
) -> list[list[float]]:
    """One pixel after the other; exact, since a float16 is a float64 too."""
    bins = [[0, 0, 0.0] for _ in range(num_bins)]
    for label, predicted, confidence in zip(label_HW.ravel(), predicted_HW.ravel(), confidence_HW.ravel()):
        if label == IGNORED:
            continue
        one = bins[min(math.floor(float(confidence) * num_bins), num_bins - 1)]
        one[0] += 1
        one[1] += int(label == predicted)
        one[2] += float(confidence)
    return bins


def random_maps(seed: int, *, size: tuple[int, int] = (13, 17)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    label_HW, predicted_HW = generator.integers(0, 4, (2, *size))
    label_HW[generator.random(size) < 0.2] = IGNORED
    confidence_HW = generator.random(size).astype(np.float16)
    # Edges of bins, both ends, the smallest number above 0.
    confidence_HW[0, :8] = [0, 1, 0.5, 0.25, 0.75, 6e-8, 0.05, 0.95]
    return label_HW, predicted_HW, confidence_HW


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 7, 15, 20, 1000]))
def test_equals_a_loop_over_pixels(seed: int, num_bins: int) -> None:
    maps = random_maps(seed)
    counts_B3 = reliability_counts(*maps, ignore_index=IGNORED, num_bins=num_bins)
    assert counts_B3.dtype == np.int64
    np.testing.assert_array_equal(counts_B3 / (1, 1, UNITS), looped_counts(*maps, num_bins=num_bins))


def test_images_add_up_in_any_order() -> None:
    maps = [random_maps(seed) for seed in range(4)]
    joined = [np.concatenate(parts) for parts in zip(*maps)]
    whole_B3 = reliability_counts(*joined, ignore_index=IGNORED)
    parts = [reliability_counts(*one, ignore_index=IGNORED) for one in maps]
    np.testing.assert_array_equal(sum(parts), whole_B3)
    np.testing.assert_array_equal(sum(reversed(parts)), whole_B3)


def test_other_precisions_are_rounded_to_half() -> None:
    label_HW, predicted_HW, confidence_HW = random_maps(3)
    single_HW = confidence_HW.astype(np.float32)
    single_HW[5, 5] += 1e-6  # Far less than half precision can tell.
    np.testing.assert_array_equal(
        reliability_counts(label_HW, predicted_HW, single_HW, ignore_index=IGNORED),
        reliability_counts(label_HW, predicted_HW, confidence_HW, ignore_index=IGNORED),
    )


def test_a_rounding_above_one_and_a_negative_zero_are_one_and_zero() -> None:
    confidence_HW = np.array([[1.0009765625, -0.0]], dtype=np.float16)
    counts_B3 = reliability_counts(np.zeros((1, 2), int), np.zeros((1, 2), int), confidence_HW, ignore_index=None)
    assert counts_B3[-1].tolist() == [1, 1, UNITS] and counts_B3[0].tolist() == [1, 1, 0]


def test_a_strided_map_and_one_without_pixels() -> None:
    label_HW, predicted_HW, confidence_HW = random_maps(5)
    turned = reliability_counts(label_HW.T, predicted_HW.T, confidence_HW.T, ignore_index=IGNORED)
    np.testing.assert_array_equal(
        turned, reliability_counts(label_HW, predicted_HW, confidence_HW, ignore_index=IGNORED)
    )
    empty = np.zeros((0, 3), int)
    assert not reliability_counts(empty, empty, empty.astype(np.float16), ignore_index=None).any()


def test_calibration_error_is_the_weighted_gap() -> None:
    label_HW, predicted_HW, confidence_HW = random_maps(11, size=(40, 50))
    counts_B3 = reliability_counts(label_HW, predicted_HW, confidence_HW, ignore_index=IGNORED)
    total = sum(one[0] for one in looped_counts(label_HW, predicted_HW, confidence_HW, num_bins=20))
    expected = sum(
        pixels / total * abs(confidence / pixels - right / pixels)
        for pixels, right, confidence in looped_counts(label_HW, predicted_HW, confidence_HW, num_bins=20)
        if pixels
    )
    assert expected_calibration_error(counts_B3) == pytest.approx(expected, rel=1e-12)


def test_answers_that_are_as_right_as_they_are_sure_have_no_error() -> None:
    generator = np.random.default_rng(0)
    confidence_HW = generator.random((600, 700)).astype(np.float16)
    is_right_HW = generator.random((600, 700)) < confidence_HW
    counts_B3 = reliability_counts(
        np.zeros_like(is_right_HW, dtype=int), (~is_right_HW).astype(int), confidence_HW, ignore_index=None
    )
    assert expected_calibration_error(counts_B3) < 0.004
    share, right = below_threshold(counts_B3, 0.5)
    assert share == pytest.approx(0.5, abs=0.01) and right == pytest.approx(0.25, abs=0.01)


def test_nothing_counted_is_nan() -> None:
    nothing_B3 = np.zeros((20, 3), dtype=np.int64)
    assert math.isnan(expected_calibration_error(nothing_B3))
    assert all(math.isnan(one) for one in below_threshold(nothing_B3, 0.5))
    assert below_threshold(np.array([[0, 0, 0], [5, 4, 4 * UNITS]]), 0.5)[0] == 0


@pytest.mark.parametrize("confidence", [-0.01, 1.01, float("nan")])
def test_refuses_what_is_no_confidence(confidence: float) -> None:
    one = np.zeros((1, 1), int)
    with pytest.raises(BadInput, match="confidence must be numbers from 0 to 1, but got"):
        reliability_counts(one, one, np.array([[confidence]]), ignore_index=None)


def test_refuses_wrong_shapes_bins_and_thresholds() -> None:
    one = np.zeros((1, 1), int)
    with pytest.raises(BadInput, match="axis W must have one size everywhere"):
        reliability_counts(one, one, np.zeros((1, 2)), ignore_index=None)
    with pytest.raises(BadInput, match="num_bins must be at least 1, but got 0"):
        reliability_counts(one, one, np.zeros((1, 1)), ignore_index=None, num_bins=0)
    for threshold in (0.51, -0.5, 1.05):
        with pytest.raises(BadInput, match="threshold must be an edge of the 20 bins, but got"):
            below_threshold(np.zeros((20, 3), int), threshold)
