"""The fitted temperature against a search over a fine grid in float64 loops, and by planted temperatures."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.errors import BadInput
from mereo.metrics.temperature import HIGHEST, LOWEST, confidence_at, fitted_temperature


def looped_likelihood(logits_NK: np.ndarray, label_N: np.ndarray, temperature: float) -> float:
    """Mean negative log likelihood, pixel by pixel."""
    total = 0.0
    for logits, label in zip(logits_NK.tolist(), label_N.tolist()):
        highest = max(logits)
        total += math.log(sum(math.exp((one - highest) / temperature) for one in logits))
        total -= (logits[label] - highest) / temperature
    return total / len(label_N)


def drawn_answers(num: int, num_classes: int, seed: int, *, sharpness: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels that are drawn as often as their softmax says: calibrated at temperature 1."""
    generator = np.random.default_rng(seed)
    logits_NK = generator.normal(size=(num, num_classes)) * sharpness
    probability_NK = np.exp(logits_NK) / np.exp(logits_NK).sum(axis=1, keepdims=True)
    label_N = (probability_NK.cumsum(axis=1) < generator.random((num, 1))).sum(axis=1)
    return logits_NK, np.minimum(label_N, num_classes - 1)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 6), st.integers(0, 10_000), st.floats(0.3, 4.0))
def test_no_temperature_of_a_fine_grid_is_better(num_classes: int, seed: int, sharpness: float) -> None:
    logits_NK, label_N = drawn_answers(60, num_classes, seed, sharpness=sharpness)
    fitted = fitted_temperature(logits_NK, label_N)
    grid = np.exp(np.linspace(math.log(LOWEST), math.log(HIGHEST), 400)).tolist()
    best = min(looped_likelihood(logits_NK, label_N, temperature) for temperature in grid)
    assert looped_likelihood(logits_NK, label_N, fitted) <= best + 1e-12
    assert LOWEST <= fitted <= HIGHEST


@pytest.mark.parametrize("planted", [0.25, 1.0, 3.0])
def test_a_planted_temperature_is_found(planted: float) -> None:
    logits_NK, label_N = drawn_answers(40_000, 5, seed=7)
    assert fitted_temperature(logits_NK * planted, label_N) == pytest.approx(planted, rel=0.03)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.3, 3.0), st.integers(0, 1000))
def test_logits_times_a_number_give_that_number_times_the_temperature(factor: float, seed: int) -> None:
    logits_NK, label_N = drawn_answers(400, 4, seed)
    once, scaled = fitted_temperature(logits_NK, label_N), fitted_temperature(logits_NK * factor, label_N)
    assert scaled == pytest.approx(once * factor, rel=1e-6)


def test_what_all_classes_share_and_their_order_do_not_matter() -> None:
    logits_NK, label_N = drawn_answers(500, 6, seed=1)
    once = fitted_temperature(logits_NK, label_N)
    assert fitted_temperature(logits_NK + 1e4 * np.arange(500)[:, None], label_N) == pytest.approx(once, rel=1e-6)
    order = np.array([3, 1, 5, 0, 2, 4])
    assert fitted_temperature(logits_NK[:, order], np.argsort(order)[label_N]) == pytest.approx(once, rel=1e-6)


def test_half_precision_and_huge_logits() -> None:
    logits_NK, label_N = drawn_answers(500, 3, seed=2)
    once = fitted_temperature(logits_NK, label_N)
    assert fitted_temperature(logits_NK.astype(np.float16), label_N) == pytest.approx(once, rel=0.01)
    assert fitted_temperature(logits_NK * 5e4, label_N) == HIGHEST


def test_the_bounds_where_no_temperature_is_best() -> None:
    right = np.array([[2.0, 0.0], [0.0, 2.0]])
    assert fitted_temperature(right, np.array([0, 1])) == LOWEST, "always right: as sure as can be"
    assert fitted_temperature(right, np.array([1, 0])) == HIGHEST, "always wrong: as unsure as can be"
    assert fitted_temperature(np.zeros((3, 4)), np.array([0, 1, 2])) == 1.0
    assert fitted_temperature(np.array([[5.0]]), np.array([0])) == 1.0


def test_confidence_is_the_largest_softmax_probability() -> None:
    logits_NK, _ = drawn_answers(50, 5, seed=3)
    for temperature in (0.2, 1.0, 7.0):
        exponentials = np.exp(logits_NK / temperature)
        expected_N = (exponentials / exponentials.sum(axis=1, keepdims=True)).max(axis=1)
        np.testing.assert_allclose(confidence_at(logits_NK, temperature), expected_N, rtol=1e-12)
    assert confidence_at(np.array([[1e5, 0.0]]), 1.0).tolist() == [1.0]


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (np.zeros((0, 3)), [], "logits and labels must be N x K and N with a pixel in them"),
        (np.zeros((2, 3)), [0], "logits and labels must be N x K and N with a pixel in them"),
        (np.zeros(3), [0, 0, 0], "logits and labels must be N x K and N with a pixel in them"),
        (np.array([[np.nan, 0.0]]), [0], "logits must be finite, but got NaN or infinity"),
        (np.array([[1.0, 0.0]]), [2], "labels must be 0 to 1, but got 2 to 2"),
        (np.array([[1.0, 0.0]]), [255], "labels must be 0 to 1, but got 255"),
    ],
)
def test_refuses(logits: np.ndarray, labels: list[int], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        fitted_temperature(logits, np.array(labels, dtype=int))
