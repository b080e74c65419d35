"""Boundary IoU (Cheng et al. 2021) of label maps: IoU of only those pixels of a class that lie close to its border.

A pixel lies in the boundary region of its class if its window of (2 d + 1)^2 pixels is not all of its class; outside of
the image nothing is of its class, as in the authors' code. d is 2 % of the image's diagonal.

One pass serves all classes: where the window is not all of one class, some pixel of it differs from an 8-neighbour,
and the first such pixel on the way is at most d - 1 away. So: find pixels that differ from a
neighbour, then dilate by d - 1.
"""

import numpy as np

from mereo.errors import BadInput
from mereo.metrics.confusion import require_label_maps

DILATION_RATIO = 0.02


def boundary_distance(height: int, width: int, *, dilation_ratio: float = DILATION_RATIO) -> int:
    """d in pixels, at least 1.

    >>> boundary_distance(360, 480)
    12
    """
    if not 0 < dilation_ratio <= 1:
        raise BadInput(f"dilation_ratio must be in (0, 1], but got {dilation_ratio}; the paper takes 0.02.")
    return max(1, round(dilation_ratio * (height**2 + width**2) ** 0.5))


def boundary_region(label_HW: np.ndarray, *, distance_pixels: int) -> np.ndarray:
    """True where the window of `distance_pixels` to each side holds another label or leaves the image (H W bool).

    >>> boundary_region(np.zeros((3, 5), dtype=int), distance_pixels=1).astype(int)
    array([[1, 1, 1, 1, 1],
           [1, 0, 0, 0, 1],
           [1, 1, 1, 1, 1]])
    """
    if distance_pixels < 1:
        raise BadInput(f"distance_pixels must be at least 1, but got {distance_pixels}; see boundary_distance.")
    return _dilated(_differs_from_a_neighbour(label_HW), distance_pixels - 1)


def boundary_counts(
    label_HW: np.ndarray,
    predicted_HW: np.ndarray,
    *,
    num_classes: int,
    ignore_index: int | None,
    dilation_ratio: float = DILATION_RATIO,
) -> np.ndarray:
    """Intersection, truth and predicted pixels of each class's boundary region (K x 3 int64); sum them over images.

    Ignored pixels are cut out of both maps before borders are looked for. So what is predicted there changes nothing,
    and a prediction that is right wherever there is a label gets 1.
    """
    require_label_maps(label_HW, predicted_HW, num_classes=num_classes, ignore_index=ignore_index)
    # One byte a pixel where the classes and one id for "ignored" fit: comparing the maps is most of the work.
    narrow = np.uint8 if num_classes <= 255 else np.int32
    true_HW, answer_HW = label_HW.astype(narrow), predicted_HW.astype(narrow)
    if ignore_index is not None:
        is_ignored_HW = label_HW == ignore_index
        true_HW[is_ignored_HW] = num_classes
        answer_HW[is_ignored_HW] = num_classes
    distance_pixels = boundary_distance(*label_HW.shape, dilation_ratio=dilation_ratio)
    is_true_border_HW = boundary_region(true_HW, distance_pixels=distance_pixels)
    is_predicted_border_HW = boundary_region(answer_HW, distance_pixels=distance_pixels)
    is_shared_HW = is_true_border_HW & is_predicted_border_HW & (true_HW == answer_HW)
    columns = [
        _pixels_per_class(true_HW[is_shared_HW], num_classes),
        _pixels_per_class(true_HW[is_true_border_HW], num_classes),
        _pixels_per_class(answer_HW[is_predicted_border_HW], num_classes),
    ]
    return np.stack(columns, axis=1)


def _differs_from_a_neighbour(label_HW: np.ndarray) -> np.ndarray:
    """True for a pixel that is not equal to all of its eight neighbours, and on the image's border."""
    height, width = label_HW.shape
    differs_HW = np.zeros((height, width), dtype=bool)
    for rows, columns in ((0, 1), (1, 0), (1, 1), (1, -1)):
        # Two views of the same map, shifted against each other: pixel p and its neighbour q.
        p = (slice(0, height - rows), slice(max(0, -columns), width - max(0, columns)))
        q = (slice(rows, height), slice(max(0, columns), width + min(0, columns)))
        is_edge = label_HW[p] != label_HW[q]
        differs_HW[p] |= is_edge
        differs_HW[q] |= is_edge
    differs_HW[[0, -1], :] = True
    differs_HW[:, [0, -1]] = True
    return differs_HW


def _dilated(flag_HW: np.ndarray, radius: int) -> np.ndarray:
    """Each pixel becomes the OR of its (2 radius + 1)^2 window, one axis after the other."""
    for _ in range(2):
        window_HW, width = np.pad(flag_HW, ((radius, radius), (0, 0))), 1
        # The window's height doubles with each step, so its cost grows with the logarithm of the radius.
        while width < 2 * radius + 1:
            step = min(width, 2 * radius + 1 - width)
            window_HW = window_HW[:-step] | window_HW[step:]
            width += step
        flag_HW = np.ascontiguousarray(window_HW.T)  # The other axis next; the second turn puts the axes back.
    return flag_HW


def _pixels_per_class(label_P: np.ndarray, num_classes: int) -> np.ndarray:
    """Pixels of each class; the id of ignored pixels is the one after the last class and falls off the end."""
    return np.bincount(label_P, minlength=num_classes)[:num_classes].astype(np.int64, copy=False)
