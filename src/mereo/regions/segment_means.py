"""The mean of a coarse feature map over segments of a finer grid."""

import numpy as np
from scipy import ndimage

from mereo.regions.nearest_places import nearest_places


def mean_over_segments(features_Chw: np.ndarray, segment_HW: np.ndarray, num_segments: int) -> np.ndarray:
    """The mean of the features over the pixels of each segment (N C): each pixel has the features of its cell."""
    channels, height, width = features_Chw.shape
    row_H, column_W = (nearest_places(*sides) for sides in zip((height, width), segment_HW.shape))
    features_pC = features_Chw.reshape(channels, -1).T
    mean_NC = np.empty((num_segments, channels))
    for segment, (ys, xs) in enumerate(ndimage.find_objects(segment_HW + 1, max_label=num_segments)):
        cell_hw = row_H[ys, None] * width + column_W[xs]
        count_p = np.bincount(cell_hw[segment_HW[ys, xs] == segment], minlength=len(features_pC))
        cells = np.flatnonzero(count_p)
        mean_NC[segment] = count_p[cells] @ features_pC[cells].astype(np.float64) / count_p.sum()
    return mean_NC
