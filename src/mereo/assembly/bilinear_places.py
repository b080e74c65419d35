"""Bilinear places: between which cells of a coarse axis each pixel of a finer one lies, by the rule of F.interpolate.

In float64: float32 would misplace rows of a very tall image by parts of a coarse row. In numpy, because some
accelerators have no doubles.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class BilinearPlaces:
    """Of each pixel the two cells around it along an axis, and the weight of the second."""

    first: np.ndarray
    second: np.ndarray
    weight: np.ndarray

    def at(self, place: Any) -> "BilinearPlaces":
        return BilinearPlaces(self.first[place], self.second[place], self.weight[place])

    def on(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """First, second and weight as tensors; the weight in float32, as scores are."""
        weight = torch.from_numpy(self.weight).float()
        return torch.from_numpy(self.first).to(device), torch.from_numpy(self.second).to(device), weight.to(device)


def bilinear_places(num_cells: int, num_pixels: int, pixel_N: np.ndarray | None = None) -> BilinearPlaces:
    """Of all pixels of an axis, or of those that are named (align_corners is False).

    >>> places = bilinear_places(2, 4)
    >>> places.first.tolist(), places.second.tolist(), places.weight.tolist()
    ([0, 0, 0, 1], [1, 1, 1, 1], [0.0, 0.25, 0.75, 0.25])
    """
    pixel_N = np.arange(num_pixels) if pixel_N is None else pixel_N
    source_N = ((pixel_N + 0.5) * (num_cells / num_pixels) - 0.5).clip(min=0)
    first_N = np.minimum(source_N.astype(np.int64), num_cells - 1)
    return BilinearPlaces(first_N, np.minimum(first_N + 1, num_cells - 1), (source_N - first_N).clip(0, 1))
