"""Confusion matrices of label maps, and what follows from them: IoU a class, its means, pixel accuracy.

Counts are integers, so that images can be counted in any order, on any number of machines, with one answer.

One convention for all measures: a class without a pixel in truth and in prediction has no IoU (NaN here, `n/a` in
tables) and is left out of the mean. A class that is predicted but never true has IoU 0, which counts: those pixels are
wrong. torchmetrics' MeanIoU does the same. The sums run over all images before the division, unlike there.
"""

import numpy as np

from mereo.errors import BadInput
from mereo.shapes import require_shapes


def confusion_matrix(
    label_HW: np.ndarray, predicted_HW: np.ndarray, *, num_classes: int, ignore_index: int | None
) -> np.ndarray:
    """How many pixels of each true class (row) were predicted as each class (column), K x K int64.

    >>> confusion_matrix(np.array([[0, 1, 255]]), np.array([[1, 1, 0]]), num_classes=2, ignore_index=255)
    array([[0, 1],
           [0, 1]])
    """
    require_label_maps(label_HW, predicted_HW, num_classes=num_classes, ignore_index=ignore_index)
    # Ignored pixels go into one more row, which is cheaper than picking the others out.
    row_HW = label_HW.astype(np.intp)
    if ignore_index is not None:
        row_HW[row_HW == ignore_index] = num_classes
    row_HW *= num_classes
    row_HW += predicted_HW.astype(np.intp, copy=False)
    counts = np.bincount(row_HW.ravel(), minlength=(num_classes + 1) * num_classes)
    return counts.reshape(num_classes + 1, num_classes)[:num_classes].astype(np.int64, copy=False)


def require_label_maps(
    label_HW: np.ndarray, predicted_HW: np.ndarray, *, num_classes: int, ignore_index: int | None
) -> None:
    """Two integer maps of one size; ids below `num_classes`, and the ignore index only in the truth."""
    require_shapes(label_HW=label_HW, predicted_HW=predicted_HW)
    if num_classes < 1:
        raise BadInput(f"num_classes must be at least 1, but got {num_classes}; pass the length of the class list.")
    if ignore_index is not None and 0 <= ignore_index < num_classes:
        raise BadInput(
            f"ignore_index must lie outside of the {num_classes} classes, but got {ignore_index}; "
            "pass the taxonomy's ignore_index."
        )
    for name, map_HW in (("label_HW", label_HW), ("predicted_HW", predicted_HW)):
        if not np.issubdtype(map_HW.dtype, np.integer):
            raise BadInput(f"{name} must hold integers, but got {map_HW.dtype}; pass class indices.")
        if map_HW.size == 0:
            raise BadInput(f"{name} must hold at least one pixel, but got shape {map_HW.shape}; leave this image out.")
        if map_HW.min() >= 0 and map_HW.max() < num_classes:
            continue  # The common case, without a temporary array.
        is_wrong_HW = (map_HW < 0) | (map_HW >= num_classes)
        if name == "label_HW" and ignore_index is not None:
            is_wrong_HW &= map_HW != ignore_index
        if is_wrong_HW.any():
            row, column = np.argwhere(is_wrong_HW)[0]
            ignored = f" or {ignore_index} (ignored)" if name == "label_HW" and ignore_index is not None else ""
            raise BadInput(
                f"{name} must hold ids 0 to {num_classes - 1}{ignored}, but got {map_HW[row, column]} "
                f"at pixel (row {row}, column {column}); check the label table."
            )


def region_counts(confusion_KK: np.ndarray) -> np.ndarray:
    """Intersection, truth and predicted pixels of each class (K x 3): all that IoU needs of a confusion matrix."""
    return np.stack([np.diagonal(confusion_KK), confusion_KK.sum(axis=1), confusion_KK.sum(axis=0)], axis=1)


def iou_of_counts(counts_K3: np.ndarray) -> np.ndarray:
    """Intersection over union of counts whose last axis holds intersection, truth, predicted; NaN for an empty union.

    Any axes may stand in front: images, resamples.

    >>> iou_of_counts(np.array([[2, 3, 3], [0, 0, 5], [0, 0, 0]]))
    array([0.5, 0. , nan])
    """
    intersection = np.asarray(counts_K3[..., 0], dtype=np.float64)
    union = counts_K3[..., 1] + counts_K3[..., 2] - intersection
    return np.divide(intersection, union, out=np.full(intersection.shape, np.nan), where=union > 0)


def mean_over_classes(iou_K: np.ndarray) -> np.ndarray:
    """The mean over the last axis of what is not NaN; NaN (and no warning) where all is NaN.

    >>> mean_over_classes(np.array([[0.5, np.nan, 1.0], [np.nan, np.nan, np.nan]]))
    array([0.75,  nan])
    """
    is_present = ~np.isnan(iou_K)
    total = np.where(is_present, iou_K, 0).sum(axis=-1)
    present = is_present.sum(axis=-1)
    return np.divide(total, present, out=np.full(np.shape(total), np.nan), where=present > 0)


def iou_per_class(confusion_KK: np.ndarray) -> np.ndarray:
    """IoU of each class, NaN for a class that is neither true nor predicted anywhere."""
    return iou_of_counts(region_counts(confusion_KK))


def mean_iou(confusion_KK: np.ndarray) -> float:
    """Mean of `iou_per_class` over the classes that have one; NaN if none has.

    >>> round(mean_iou(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])), 4)
    0.775
    """
    return float(mean_over_classes(iou_per_class(confusion_KK)))


def frequency_weighted_iou(confusion_KK: np.ndarray) -> float:
    """IoU of each class times its share of the labelled pixels, summed; NaN without a labelled pixel.

    A class that is predicted but never true has share 0, so here (unlike in `mean_iou`) it only costs what it takes
    from the others.

    >>> round(frequency_weighted_iou(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])), 4)
    0.775
    """
    counts_K3 = region_counts(confusion_KK)
    total = int(counts_K3[:, 1].sum())
    if not total:
        return float("nan")
    return float((counts_K3[:, 1] / total * np.nan_to_num(iou_of_counts(counts_K3))).sum())


def pixel_accuracy(confusion_KK: np.ndarray) -> float:
    """Share of labelled pixels whose class is right; NaN without a labelled pixel."""
    total = int(confusion_KK.sum())
    return int(np.trace(confusion_KK)) / total if total else float("nan")
