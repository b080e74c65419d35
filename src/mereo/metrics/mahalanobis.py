"""How far a picture's features lie from those of training: the Mahalanobis distance to one Gaussian (Lee et al. 2018).

Each channel is first brought to mean 0 and variance 1. Of fewer pictures than channels a covariance S has no inverse:
it is shrunk towards the identity by as much as Ledoit and Wolf (2004) found best, A = (1 - s) S + s I. Kept are its
largest directions; along all others the variance is their mean, so that what is stored grows with C and not with C^2.
"""

from dataclasses import dataclass

import numpy as np

from mereo.errors import BadInput

MAX_DIRECTIONS = 64
# A channel that varies by less than this part of its size is a constant, up to rounding: it says nothing.
LEAST_VARIATION = 1e-9
# Two pictures look like a certain covariance of rank 1; with a little of the identity every direction has a variance.
LEAST_SHRINKAGE = 1e-3


@dataclass(frozen=True, eq=False)
class FeatureGaussian:
    """`inverse_scale_C` is 0 for a channel that never changed; `variance_R` are those along `directions_CR`, which are
    orthonormal, and `rest_variance` is the one along whatever is orthogonal to them."""

    mean_C: np.ndarray
    inverse_scale_C: np.ndarray
    directions_CR: np.ndarray
    variance_R: np.ndarray
    rest_variance: float


def fitted_gaussian(
    features_NC: np.ndarray, *, max_directions: int = MAX_DIRECTIONS, shrinkage: float | None = None
) -> FeatureGaussian:
    """The Gaussian of N feature vectors. `shrinkage` None: Ledoit's and Wolf's; 0: the covariance as it is."""
    features_NC = _checked(features_NC)
    if len(features_NC) < 2:
        raise BadInput(f"features must be of at least 2 pictures, but got {len(features_NC)}; pass more pictures.")
    mean_C, deviation_C = features_NC.mean(axis=0), features_NC.std(axis=0)
    is_constant_C = deviation_C <= LEAST_VARIATION * np.abs(features_NC).max(axis=0)
    inverse_scale_C = np.where(is_constant_C, 0.0, 1 / np.where(is_constant_C, 1.0, deviation_C))
    varying = np.flatnonzero(~is_constant_C)
    standard_NV = ((features_NC - mean_C) * inverse_scale_C)[:, varying]
    share = max(ledoit_wolf_shrinkage(standard_NV), LEAST_SHRINKAGE) if shrinkage is None else shrinkage
    eigenvalue_V, vector_VV = np.linalg.eigh(standard_NV.T @ standard_NV / len(standard_NV))
    variance_V = (1 - share) * np.maximum(eigenvalue_V[::-1], 0.0) + share
    num_kept = min(max_directions, len(varying))
    rest_V = variance_V[num_kept:]
    if min(variance_V, default=1.0) <= 1e-12 and (not rest_V.size or rest_V.mean() <= 1e-12):
        raise BadInput(
            f"features must vary in every direction without shrinkage, but got {len(features_NC)} pictures of "
            f"{len(varying)} channels; pass more pictures, or let it be shrunk."
        )
    directions_CR = np.zeros((features_NC.shape[1], num_kept))
    directions_CR[varying] = vector_VV[:, ::-1][:, :num_kept]
    rest_variance = float(rest_V.mean()) if rest_V.size else 1.0
    return FeatureGaussian(mean_C, inverse_scale_C, directions_CR, variance_V[:num_kept], rest_variance)


def mahalanobis_distance(features_NC: np.ndarray, gaussian: FeatureGaussian) -> np.ndarray:
    """d(x)^2 = (x - m)' A^-1 (x - m), equation 2 of Lee et al. without its sign, for each of N feature vectors (N).

    Differs from the paper: one Gaussian for all pictures instead of one a class, since a scene is not of one class.

    >>> gaussian = FeatureGaussian(np.zeros(2), np.ones(2), np.array([[1.0], [0.0]]), np.array([4.0]), 1.0)
    >>> mahalanobis_distance(np.array([[2.0, 0.0], [0.0, 2.0], [2.0, 2.0]]), gaussian).round(3).tolist()
    [1.0, 2.0, 2.236]
    """
    features_NC = _checked(features_NC)
    if features_NC.shape[1] != len(gaussian.mean_C):
        raise BadInput(
            f"features must have the {len(gaussian.mean_C)} channels of the fit, but got {features_NC.shape[1]}; "
            "fit them anew for this parser."
        )
    standard_NC = (features_NC - gaussian.mean_C) * gaussian.inverse_scale_C
    along_NR = standard_NC @ gaussian.directions_CR
    # What lies beside the directions, itself, and not a difference of two large squares.
    beside_NC = standard_NC - along_NR @ gaussian.directions_CR.T
    square_N = (along_NR**2 / gaussian.variance_R).sum(axis=1) + (beside_NC**2).sum(axis=1) / gaussian.rest_variance
    return np.sqrt(square_N)


def ledoit_wolf_shrinkage(standard_NC: np.ndarray) -> float:
    """The share s of the identity that brings (1 - s) S + s mu I nearest to the true covariance (0 to 1).

    s = min(b^2, d^2) / d^2, where d^2 = ||S - mu I||^2 and b^2 is the mean of ||x x' - S||^2, divided by N.
    """
    num, width = standard_NC.shape
    if width == 0:
        return 1.0
    covariance_CC = standard_NC.T @ standard_NC / num
    mu = np.trace(covariance_CC) / width
    distance = float(((covariance_CC - mu * np.eye(width)) ** 2).sum())
    if distance <= 0:
        return 1.0  # Already a multiple of the identity: whatever the share, it stays what it is.
    spread = float(((standard_NC**2).sum(axis=1) ** 2).mean() - (covariance_CC**2).sum()) / num
    return min(max(spread, 0.0), distance) / distance


def _checked(features_NC: np.ndarray) -> np.ndarray:
    features_NC = np.asarray(features_NC, dtype=np.float64)
    if features_NC.ndim != 2 or 0 in features_NC.shape:
        raise BadInput(f"features must be N x C with one in it, but got {features_NC.shape}; pool each picture's map.")
    if not np.isfinite(features_NC).all():
        raise BadInput("features must be finite, but got NaN or infinity; check the parser's weights.")
    return features_NC
