"""Where a cell of one grid lies on another."""

import numpy as np


def nearest_places(length: int, num_places: int) -> np.ndarray:
    """For each of `num_places` cells along an axis: the pixel, of `length`, at its middle. Coarser or finer.

    >>> nearest_places(6, 2).tolist(), nearest_places(2, 4).tolist()
    ([1, 4], [0, 0, 1, 1])
    """
    return ((2 * np.arange(num_places) + 1) * length) // (2 * num_places)


def at_size(value_hw: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """H W: the value of the cell in which the middle of each pixel of another grid lies. Coarser or finer.

    >>> at_size(np.array([[1, 2]]), (1, 4)).tolist()
    [[1, 1, 2, 2]]
    """
    rows_H, columns_W = (nearest_places(cells, side) for cells, side in zip(value_hw.shape, size))
    return value_hw[np.ix_(rows_H, columns_W)]
