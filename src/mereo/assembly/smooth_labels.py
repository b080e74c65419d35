"""Labels of a coarse map on the pixels of a picture, with smooth borders: bilinear shares, not a map for each label.

The same rule as `labels_of_scores` with a map of ones and zeros a label, which for hundreds of segments would be large:
of the four cells around a pixel those of one label add up, and the label with the largest share has the pixel.
"""

import numpy as np

from mereo.assembly.bilinear_places import BilinearPlaces, bilinear_places
from mereo.shapes import require_shapes

BAND_PIXELS = 1 << 18


def smooth_labels(label_hw: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """H W: of equal shares the lowest label wins.

    >>> smooth_labels(np.array([[7, 9]]), (1, 4)).tolist()
    [[7, 7, 9, 9]]
    """
    require_shapes(label_hw=label_hw)
    height, width = size
    rows, columns = (bilinear_places(cells, pixels) for cells, pixels in zip(label_hw.shape, size))
    is_border_hw = _differs_from_next(label_hw)
    label_HW = np.empty(size, dtype=label_hw.dtype)
    band_rows = max(1, BAND_PIXELS // width)
    for top in range(0, height, band_rows):
        band = rows.at(slice(top, top + band_rows))
        cells = np.ix_(band.first, columns.first)
        label_HW[top : top + band_rows] = label_hw[cells]
        # Few pixels have cells of two labels around them.
        y_N, x_N = np.nonzero(is_border_hw[cells])
        label_4N, share_4N = _shares(label_hw, band.at(y_N), columns.at(x_N))
        best_1N = share_4N.argmax(axis=0)[None]
        label_HW[top + y_N, x_N] = np.take_along_axis(label_4N, best_1N, axis=0)[0]
    return label_HW


def neighbour_shares(
    label_hw: np.ndarray, size: tuple[int, int], row_H: np.ndarray, column_W: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The labels of the four cells around each pixel, lowest first, and how much of the pixel the label has: a label
    that stands there twice has its whole share both times."""
    rows, columns = (
        bilinear_places(cells, pixels, place) for cells, pixels, place in zip(label_hw.shape, size, (row_H, column_W))
    )
    return _shares(label_hw, rows.at((slice(None), None)), columns.at((None, slice(None))))


def _shares(label_hw: np.ndarray, rows: BilinearPlaces, columns: BilinearPlaces) -> tuple[np.ndarray, np.ndarray]:
    """Of the pixels to which the axes' neighbours broadcast (4 ...), as `neighbour_shares` has them."""
    label_4N = np.stack([label_hw[row, column] for row in _both(rows) for column in _both(columns)])
    downs, acrosses = (1 - rows.weight, rows.weight), (1 - columns.weight, columns.weight)
    weight_4N = np.stack([down * across for down in downs for across in acrosses])
    order_4N = np.argsort(label_4N, axis=0, kind="stable")
    label_4N, weight_4N = (np.take_along_axis(one, order_4N, axis=0) for one in (label_4N, weight_4N))
    share_4N = np.stack([(weight_4N * (label_4N == label_N)).sum(axis=0) for label_N in label_4N])
    return label_4N, share_4N


def _both(places: BilinearPlaces) -> tuple[np.ndarray, np.ndarray]:
    return places.first, places.second


def _differs_from_next(label_hw: np.ndarray) -> np.ndarray:
    """Whether the cell below, the one on the right or the one between them has another label."""
    padded_hw = np.pad(label_hw, ((0, 1), (0, 1)), mode="edge")
    differs_hw: np.ndarray = (label_hw != padded_hw[1:, :-1]) | (label_hw != padded_hw[:-1, 1:])
    return differs_hw | (label_hw != padded_hw[1:, 1:])
