"""Colours that stay apart for readers with red-green or blue-yellow colour blindness."""

import re
from functools import lru_cache

import numpy as np

from mereo.errors import BadInput

# Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB.
SIMULATIONS_33 = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def hex_to_rgb(colour: str) -> tuple[int, int, int]:
    """
    >>> hex_to_rgb("#0072b2")
    (0, 114, 178)
    """
    if re.fullmatch("#[0-9a-fA-F]{6}", colour) is None:
        raise BadInput(f"a colour must be written #rrggbb, but got {colour!r:.80}; e.g. #0072b2.")
    value = int(colour[1:], 16)
    return value >> 16, value >> 8 & 255, value & 255


def perceived_N43(rgb_N3: np.ndarray) -> np.ndarray:
    """Oklab coordinates of 8-bit colours as seen by four readers: normal vision and the three dichromacies."""
    unit = rgb_N3.astype(np.float64) / 255
    linear = np.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4)
    views = [linear] + [np.clip(linear @ np.array(matrix).T, 0, 1) for matrix in SIMULATIONS_33.values()]
    return np.stack([_oklab(view) for view in views], axis=1)


def _oklab(linear_N3: np.ndarray) -> np.ndarray:
    to_cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    from_cones = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return np.cbrt(linear_N3 @ to_cones.T) @ from_cones.T


@lru_cache(maxsize=64)
def distinct_colours(count: int) -> tuple[str, ...]:
    """`count` colours, each the farthest (for the reader who sees it worst) from those before it. Deterministic."""
    levels = np.arange(8, 249, 20)
    candidates = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    perceived = perceived_N43(candidates)
    lightness = perceived[:, 0, 0]
    usable = (lightness > 0.32) & (lightness < 0.93)  # Neither black nor white: both belong to outlines and text.
    candidates, perceived = candidates[usable], perceived[usable]
    chosen = [int(np.abs(candidates - np.array([16, 112, 208])).sum(axis=1).argmin())]
    nearest = np.full(len(candidates), np.inf)
    while len(chosen) < count:
        to_last = np.linalg.norm(perceived - perceived[chosen[-1]], axis=-1).min(axis=-1)
        nearest = np.minimum(nearest, to_last)
        following = int(nearest.argmax())
        if nearest[following] <= 0:  # More classes than colours: start again.
            nearest = np.full(len(candidates), np.inf)
            following = chosen[len(chosen) % len(candidates)]
        chosen.append(following)
    return tuple("#{:02x}{:02x}{:02x}".format(*candidates[index]) for index in chosen[:count])
