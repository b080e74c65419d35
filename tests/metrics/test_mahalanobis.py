"""Mahalanobis distances against slow float64 loops and scikit-learn, and what must not change them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.covariance import ledoit_wolf_shrinkage as theirs

from mereo.errors import BadInput
from mereo.metrics.mahalanobis import (
    FeatureGaussian,
    fitted_gaussian,
    ledoit_wolf_shrinkage,
    mahalanobis_distance,
)


def drawn(num: int, width: int, seed: int = 0) -> np.ndarray:
    """Correlated channels of very different sizes, far from 0."""
    generator = np.random.default_rng(seed)
    mixed_NC = generator.normal(size=(num, width)) @ generator.normal(size=(width, width))
    return mixed_NC * np.logspace(-3, 2, width) + generator.normal(size=width) * 10


def distance_by_loops(train_NC: np.ndarray, x_C: np.ndarray, share: float) -> float:
    """Mean, deviation, correlations and their shrinkage element by element, then an inverse of the whole matrix."""
    num, width = train_NC.shape
    mean = [sum(train_NC[n, c] for n in range(num)) / num for c in range(width)]
    scale = [(sum((train_NC[n, c] - mean[c]) ** 2 for n in range(num)) / num) ** 0.5 for c in range(width)]
    z = [[(train_NC[n, c] - mean[c]) / scale[c] for c in range(width)] for n in range(num)]
    shrunk = np.zeros((width, width))
    for a in range(width):
        for b in range(width):
            correlation = sum(z[n][a] * z[n][b] for n in range(num)) / num
            shrunk[a, b] = (1 - share) * correlation + share * (a == b)
    inverse = np.linalg.inv(shrunk)
    offset = [(x_C[c] - mean[c]) / scale[c] for c in range(width)]
    total = sum(offset[a] * inverse[a, b] * offset[b] for a in range(width) for b in range(width))
    return float(total) ** 0.5


@pytest.mark.parametrize(("num", "width", "share"), [(40, 5, 0.0), (40, 5, 0.3), (6, 9, 0.2), (12, 12, 1.0)])
def test_the_distance_is_that_of_the_loops(num: int, width: int, share: float) -> None:
    train_NC, other_NC = drawn(num, width), drawn(4, width, seed=1) * 3
    found_N = mahalanobis_distance(other_NC, fitted_gaussian(train_NC, shrinkage=share))
    for x_C, found in zip(other_NC, found_N):
        assert found == pytest.approx(distance_by_loops(train_NC, x_C, share), rel=1e-8)


@pytest.mark.parametrize(("num", "width"), [(200, 20), (30, 30), (10, 50), (2, 3)])
def test_the_shrinkage_is_that_of_scikit_learn(num: int, width: int) -> None:
    features_NC = drawn(num, width)
    standard_NC = (features_NC - features_NC.mean(axis=0)) / features_NC.std(axis=0)
    assert ledoit_wolf_shrinkage(standard_NC) == pytest.approx(theirs(standard_NC, assume_centered=True), rel=1e-9)


def test_fewer_directions_keep_the_largest_and_the_mean_of_the_rest() -> None:
    train_NC, other_NC = drawn(50, 8), drawn(5, 8, seed=1)
    whole = fitted_gaussian(train_NC)
    few = fitted_gaussian(train_NC, max_directions=3)
    assert few.directions_CR.shape == (8, 3)
    np.testing.assert_allclose(few.variance_R, whole.variance_R[:3])
    assert few.rest_variance == pytest.approx(whole.variance_R[3:].mean())
    standard_NC = (other_NC - few.mean_C) * few.inverse_scale_C
    basis = np.linalg.qr(np.hstack([few.directions_CR, np.random.default_rng(0).normal(size=(8, 5))]))[0]
    variance = np.concatenate([few.variance_R, np.full(5, few.rest_variance)])
    expected_N = np.sqrt(((standard_NC @ basis) ** 2 / variance).sum(axis=1))
    np.testing.assert_allclose(mahalanobis_distance(other_NC, few), expected_N, rtol=1e-9)


def test_without_shrinkage_no_invertible_affine_map_changes_a_distance() -> None:
    train_NC, other_NC = drawn(60, 6), drawn(5, 6, seed=1)
    generator = np.random.default_rng(2)
    matrix, offset = generator.normal(size=(6, 6)) + 3 * np.eye(6), generator.normal(size=6) * 5
    before_N = mahalanobis_distance(other_NC, fitted_gaussian(train_NC, shrinkage=0.0))
    mapped = fitted_gaussian(train_NC @ matrix + offset, shrinkage=0.0)
    np.testing.assert_allclose(mahalanobis_distance(other_NC @ matrix + offset, mapped), before_N, rtol=1e-6)


@given(seed=st.integers(0, 1000), num=st.integers(2, 30), width=st.integers(1, 12), directions=st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_scales_offsets_and_orders_change_nothing(seed: int, num: int, width: int, directions: int) -> None:
    """Of each channel alone, of the channels' order, of the order of the pictures; with shrinkage, too."""
    generator = np.random.default_rng(seed)
    train_NC, other_NC = generator.normal(size=(num, width)), generator.normal(size=(3, width)) * 4
    # Two equal eigenvalues at the cut have no order, so all directions or none are cut where there are few pictures.
    directions = width if num <= width else directions
    before_N = mahalanobis_distance(other_NC, fitted_gaussian(train_NC, max_directions=directions))
    scale_C, offset_C = (
        generator.uniform(0.1, 9, width) * generator.choice([-1, 1], width),
        generator.normal(size=width),
    )
    channels, pictures = generator.permutation(width), generator.permutation(num)
    mapped = fitted_gaussian((train_NC * scale_C + offset_C)[pictures][:, channels], max_directions=directions)
    np.testing.assert_allclose(
        mahalanobis_distance((other_NC * scale_C + offset_C)[:, channels], mapped), before_N, rtol=1e-6
    )


def test_the_mean_is_at_distance_0_and_farther_is_farther() -> None:
    train_NC = drawn(30, 40)
    gaussian = fitted_gaussian(train_NC, max_directions=10)
    mean_C, direction_C = train_NC.mean(axis=0), train_NC.std(axis=0)
    ray_NC = mean_C + np.array([[0.0], [1.0], [10.0], [1e6]]) * direction_C
    found_N = mahalanobis_distance(ray_NC, gaussian)
    assert found_N[0] == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(found_N[1:] / found_N[1], [1, 10, 1e6], rtol=1e-6)


def test_the_pictures_of_the_fit_have_mean_square_C_without_shrinkage() -> None:
    train_NC = drawn(50, 7)
    found_N = mahalanobis_distance(train_NC, fitted_gaussian(train_NC, shrinkage=0.0))
    assert (found_N**2).mean() == pytest.approx(7)


def test_a_channel_that_never_changes_says_nothing() -> None:
    train_NC = drawn(20, 5)
    train_NC[:, 2] = 0.1 + 0.2  # Its mean is rounded: the deviation is not exactly 0.
    gaussian = fitted_gaussian(train_NC)
    assert gaussian.inverse_scale_C[2] == 0 and (gaussian.inverse_scale_C[[0, 1, 3, 4]] > 0).all()
    other_NC = drawn(1, 5, seed=1)
    changed_NC = other_NC.copy()
    changed_NC[0, 2] += 100
    assert mahalanobis_distance(other_NC, gaussian) == mahalanobis_distance(changed_NC, gaussian)
    without = fitted_gaussian(np.delete(train_NC, 2, axis=1))
    assert mahalanobis_distance(other_NC, gaussian) == pytest.approx(
        mahalanobis_distance(np.delete(other_NC, 2, axis=1), without)
    )


def test_equal_pictures_are_all_at_distance_0() -> None:
    gaussian = fitted_gaussian(np.ones((4, 3)))
    assert mahalanobis_distance(np.array([[1.0, 1.0, 1.0], [5.0, 0.0, 2.0]]), gaussian).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: fitted_gaussian(np.ones((1, 3))), "features must be of at least 2 pictures, but got 1; pass more"),
        (lambda: fitted_gaussian(np.ones(3)), r"features must be N x C with one in it, but got \(3,\)"),
        (lambda: fitted_gaussian(np.ones((3, 0))), r"features must be N x C with one in it, but got \(3, 0\)"),
        (lambda: fitted_gaussian(np.array([[1.0], [np.nan]])), "features must be finite, but got NaN or infinity"),
        (
            lambda: fitted_gaussian(drawn(4, 9), shrinkage=0.0),
            "must vary in every direction without shrinkage, but got 4",
        ),
        (
            lambda: mahalanobis_distance(
                np.ones((1, 3)), FeatureGaussian(np.zeros(2), np.ones(2), np.eye(2), np.ones(2), 1.0)
            ),
            "features must have the 2 channels of the fit, but got 3; fit them anew",
        ),
    ],
)
def test_what_is_refused(call, match: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadInput, match=match):
        call()
