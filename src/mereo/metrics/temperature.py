"""Temperature scaling (Guo et al. 2017): the one number that logits are divided by so that confidences come true.

The negative log likelihood of the right classes is convex in 1 / T, so its slope has one zero, which is looked for
between two bounds. Dividing all logits by one number moves no argmax: labels stay what they are.
"""

import math

import numpy as np
from scipy.optimize import brentq

from mereo.errors import BadInput

LOWEST, HIGHEST = 0.05, 20.0


def fitted_temperature(logits_NK: np.ndarray, label_N: np.ndarray) -> float:
    """The T with the smallest mean negative log likelihood of `label_N` under softmax(logits / T).

    `LOWEST` or `HIGHEST` where it would lie beyond: answers that are all right, or no better than chance.

    >>> logits_NK = np.log([[0.8, 0.2]] * 5) * 3  # Right 4 times of 5, but three times too sure.
    >>> round(fitted_temperature(logits_NK, np.array([0, 0, 0, 0, 1])), 6)
    3.0
    """
    logits_NK = np.asarray(logits_NK, dtype=np.float64)
    label_N = np.asarray(label_N)
    if logits_NK.ndim != 2 or 0 in logits_NK.shape or label_N.shape != logits_NK.shape[:1]:
        raise BadInput(
            f"logits and labels must be N x K and N with a pixel in them, but got {logits_NK.shape} and "
            f"{label_N.shape}; pass labelled pixels."
        )
    if not np.isfinite(logits_NK).all():
        raise BadInput("logits must be finite, but got NaN or infinity; check the parser's weights.")
    if label_N.min() < 0 or label_N.max() >= logits_NK.shape[1]:
        raise BadInput(
            f"labels must be 0 to {logits_NK.shape[1] - 1}, but got {label_N.min()} to {label_N.max()}; "
            "leave ignored pixels out."
        )
    # What all classes have in common does not matter, and exp() of the rest cannot overflow.
    logits_NK = logits_NK - logits_NK.max(axis=1, keepdims=True)
    if not logits_NK.any():
        return 1.0  # All classes alike (or one class only): no temperature changes anything.
    mean_true = float(logits_NK[np.arange(len(label_N)), label_N].mean())

    def slope(log_temperature: float) -> float:
        """Of the mean negative log likelihood, in 1 / T: what the softmax expects of the logits, less the true ones."""
        weight_NK = np.exp(logits_NK * math.exp(-log_temperature))
        expected_N = (weight_NK * logits_NK).sum(axis=1) / weight_NK.sum(axis=1)
        return float(expected_N.mean()) - mean_true

    # 1 / T falls as T grows, and the slope with it.
    if slope(math.log(LOWEST)) <= 0:
        return LOWEST
    if slope(math.log(HIGHEST)) >= 0:
        return HIGHEST
    return math.exp(brentq(slope, math.log(LOWEST), math.log(HIGHEST), xtol=1e-9))


def confidence_at(logits_NK: np.ndarray, temperature: float) -> np.ndarray:
    """The largest softmax probability of logits / T (N).

    >>> confidence_at(np.log([[0.8, 0.2], [0.5, 0.5]]) * 3, 3.0).round(3).tolist()
    [0.8, 0.5]
    """
    scaled_NK = (logits_NK - logits_NK.max(axis=1, keepdims=True)) / temperature
    return 1 / np.exp(scaled_NK).sum(axis=1)
