"""Labels of a coarse map on the pixels of a picture, with smooth borders: bilinear shares, not a map for each label.

The same rule as `labels_of_scores` with a map of ones and zeros a label, which for hundreds of segments would be large:
of the four cells around a pixel those of one label add up, and the label with the largest share has the pixel.
"""

import numpy as np

from mereo.shapes import require_shapes

BAND_PIXELS = 1 << 18


def smooth_labels(label_hw: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """H W: of equal shares the lowest label wins.

    >>> smooth_labels(np.array([[7, 9]]), (1, 4)).tolist()
    [[7, 7, 9, 9]]
    """
    require_shapes(label_hw=label_hw)
    height, width = size
    label_HW = np.empty(size, dtype=label_hw.dtype)
    rows = max(1, BAND_PIXELS // width)
    for top in range(0, height, rows):
        row_H = np.arange(top, min(height, top + rows))
        label_4HW, share_4HW = neighbour_shares(label_hw, size, row_H, np.arange(width))
        best_1HW = share_4HW.argmax(axis=0)[None]
        label_HW[row_H] = np.take_along_axis(label_4HW, best_1HW, axis=0)[0]
    return label_HW


def neighbour_shares(
    label_hw: np.ndarray, size: tuple[int, int], row_H: np.ndarray, column_W: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The labels of the four cells around each pixel, lowest first, and how much of the pixel the label has: a label
    that stands there twice has its whole share both times."""
    (first_H, second_H, weight_H), (first_W, second_W, weight_W) = (
        _neighbours(cells, pixels, place) for cells, pixels, place in zip(label_hw.shape, size, (row_H, column_W))
    )
    corners = [(rows, columns) for rows in (first_H, second_H) for columns in (first_W, second_W)]
    label_4HW = np.stack([label_hw[np.ix_(rows, columns)] for rows, columns in corners])
    weights = [(down, across) for down in (1 - weight_H, weight_H) for across in (1 - weight_W, weight_W)]
    weight_4HW = np.stack([down[:, None] * across for down, across in weights])
    order_4HW = np.argsort(label_4HW, axis=0, kind="stable")
    label_4HW, weight_4HW = (np.take_along_axis(one, order_4HW, axis=0) for one in (label_4HW, weight_4HW))
    share_4HW = np.stack([(weight_4HW * (label_4HW == label_HW)).sum(axis=0) for label_HW in label_4HW])
    return label_4HW, share_4HW


def _neighbours(num_cells: int, num_pixels: int, place_N: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each pixel the two cells around it along an axis, and the weight of the second (F.interpolate's rule)."""
    source_N = ((place_N + 0.5) * (num_cells / num_pixels) - 0.5).clip(min=0)
    first_N = np.minimum(source_N.astype(np.intp), num_cells - 1)
    return first_N, np.minimum(first_N + 1, num_cells - 1), (source_N - first_N).clip(0, 1)
