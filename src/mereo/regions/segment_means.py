"""The mean of a coarse feature map over segments of a finer grid: each pixel has the features of its cell."""

import numpy as np
from scipy import ndimage


def mean_over_segments(features_Chw: np.ndarray, segment_HW: np.ndarray, num_segments: int) -> np.ndarray:
    """The mean of the features over the pixels of each segment (N C): each pixel has the features of its cell."""
    channels, height, width = features_Chw.shape
    row_H, column_W = (np.arange(long) * short // long for long, short in zip(segment_HW.shape, (height, width)))
    features_pC = features_Chw.reshape(channels, -1).T
    mean_NC = np.empty((num_segments, channels))
    for segment, (ys, xs) in enumerate(ndimage.find_objects(segment_HW + 1, max_label=num_segments)):
        cell_hw = row_H[ys, None] * width + column_W[xs]
        count_p = np.bincount(cell_hw[segment_HW[ys, xs] == segment], minlength=len(features_pC))
        cells = np.flatnonzero(count_p)
        mean_NC[segment] = count_p[cells] @ features_pC[cells].astype(np.float64) / count_p.sum()
    return mean_NC
