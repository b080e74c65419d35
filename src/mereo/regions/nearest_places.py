"""Where a cell of one grid lies on another."""

import numpy as np


def nearest_places(length: int, num_places: int) -> np.ndarray:
    """For each of `num_places` cells along an axis: the pixel, of `length`, at its middle. Coarser or finer.

    >>> nearest_places(6, 2).tolist(), nearest_places(2, 4).tolist()
    ([1, 4], [0, 0, 1, 1])
    """
    return ((2 * np.arange(num_places) + 1) * length) // (2 * num_places)
