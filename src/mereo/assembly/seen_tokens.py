"""What the tokens of one picture look at: where, how much, and which classes of the parser's own answer."""

from dataclasses import dataclass

import numpy as np

from mereo.metrics.token_semantics import token_histograms
from mereo.shapes import require_shapes


@dataclass(frozen=True, eq=False)
class SeenToken:
    """`mass` is its share of the weights of all tokens, `centre_xy` lies in pixels of the picture, `classes` holds
    indices and shares, the largest first; `entropy` (nats) is 0 for a token of one class."""

    index: int
    mass: float
    centre_xy: tuple[float, float]
    weight_hw: np.ndarray
    classes: tuple[tuple[int, float], ...]
    entropy: float


def seen_tokens(weight_Khw: np.ndarray, semantic_HW: np.ndarray, num_classes: int) -> tuple[SeenToken, ...]:
    """The heaviest first. A token without any weight sees nothing and is left out.

    >>> weight_Khw = np.array([[[1.0, 0.0]], [[0.5, 0.5]], [[0.0, 0.0]]])
    >>> [(one.index, one.mass, one.classes) for one in seen_tokens(weight_Khw, np.array([[0, 1]]), 2)]
    [(0, 0.5, ((0, 1.0),)), (1, 0.5, ((0, 0.5), (1, 0.5)))]
    """
    require_shapes(weight_Khw=weight_Khw, semantic_HW=semantic_HW)
    histogram_KN = token_histograms(weight_Khw, semantic_HW, num_classes, ignore_label=-1)
    mass_K = weight_Khw.sum(axis=(1, 2), dtype=np.float64)
    order = [int(index) for index in np.argsort(-mass_K, kind="stable") if mass_K[index] > 0]
    return tuple(
        SeenToken(
            index=index,
            mass=float(mass_K[index] / mass_K.sum()),
            centre_xy=_centre_xy(weight_Khw[index], semantic_HW.shape),
            weight_hw=weight_Khw[index],
            classes=_shares(histogram_KN[index]),
            entropy=_entropy(histogram_KN[index]),
        )
        for index in order
    )


def _centre_xy(weight_hw: np.ndarray, size: tuple[int, ...]) -> tuple[float, float]:
    height, width = weight_hw.shape
    row = float((weight_hw.sum(axis=1) @ (np.arange(height) + 0.5)) / weight_hw.sum())
    column = float((weight_hw.sum(axis=0) @ (np.arange(width) + 0.5)) / weight_hw.sum())
    return column * size[1] / width, row * size[0] / height


def _shares(histogram_N: np.ndarray) -> tuple[tuple[int, float], ...]:
    share_N = histogram_N / histogram_N.sum()
    return tuple((int(k), float(share_N[k])) for k in np.argsort(-share_N, kind="stable") if share_N[k] > 0)


def _entropy(histogram_N: np.ndarray) -> float:
    share_N = histogram_N[histogram_N > 0] / histogram_N.sum()
    return max(0.0, float(-(share_N * np.log(share_N)).sum()))
