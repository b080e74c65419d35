"""Calibration: of the pixels that a parser is 80 % sure of, are 80 % right?

Confidences are counted in bins of equal width. All counts are integers, so that images can be counted in any order, on
any number of machines, with one answer; and they take as much memory for one image as for a million.

A float16 has 15,361 values from 0 to 1, so the confidences of an image are counted value by value (one pass over the
pixels, nothing is rounded), and then moved into bins.
"""

from functools import lru_cache

import numpy as np

from mereo.errors import BadInput
from mereo.shapes import require_shapes

NUM_BINS = 20  # A twentieth wide: round thresholds (0.5, 0.9) fall on their edges.
UNITS = 2**24  # Every float16 from 0 to 1 is a whole multiple of 1 / UNITS.
_NUM_VALUES = int(np.float16(1.0).view(np.uint16)) + 1


def reliability_counts(
    label_HW: np.ndarray,
    predicted_HW: np.ndarray,
    confidence_HW: np.ndarray,
    *,
    ignore_index: int | None,
    num_bins: int = NUM_BINS,
) -> np.ndarray:
    """Labelled pixels, right pixels and the sum of confidences (in 1 / UNITS) of each bin, B x 3 int64; add them up.

    Bin b holds confidences from b / B up to, not including, (b + 1) / B; the last one also 1.

    >>> maps = np.array([[0, 1, 1]]), np.array([[0, 1, 0]]), np.array([[0.25, 1.0, 0.75]], dtype=np.float16)
    >>> (reliability_counts(*maps, ignore_index=None, num_bins=2) / (1, 1, UNITS)).tolist()
    [[1.0, 1.0, 0.25], [2.0, 1.0, 1.75]]
    """
    require_shapes(label_HW=label_HW, predicted_HW=predicted_HW, confidence_HW=confidence_HW)
    if num_bins < 1:
        raise BadInput(f"num_bins must be at least 1, but got {num_bins}; e.g. {NUM_BINS}.")
    # Confidences of half precision may lie a rounding above 1. (NaN fails here, too.)
    if confidence_HW.size and not (confidence_HW.min() >= 0 and confidence_HW.max() <= 1 + 1e-3):
        raise BadInput(
            f"confidence must be numbers from 0 to 1, but got {confidence_HW.min()} to {confidence_HW.max()}; "
            "apply a softmax."
        )
    pattern_HW = np.ascontiguousarray(confidence_HW, dtype=np.float16).view(np.uint16) & np.uint16(0x7FFF)
    code_HW = np.minimum(pattern_HW, np.uint16(_NUM_VALUES - 1)).astype(np.intp)
    code_HW += (label_HW == predicted_HW) * np.intp(_NUM_VALUES)
    if ignore_index is not None:
        np.putmask(code_HW, label_HW == ignore_index, 2 * _NUM_VALUES)
    count_2V = np.bincount(code_HW.ravel(), minlength=2 * _NUM_VALUES + 1)[:-1].reshape(2, _NUM_VALUES)
    bin_V, units_V = _values(num_bins)
    counts_B3 = np.zeros((num_bins, 3), dtype=np.int64)
    pixels_V = count_2V.sum(axis=0)
    for column, amount_V in enumerate((pixels_V, count_2V[1], pixels_V * units_V)):
        np.add.at(counts_B3[:, column], bin_V, amount_V)
    return counts_B3


def expected_calibration_error(counts_B3: np.ndarray) -> float:
    """Mean distance between a bin's confidence and its share of right pixels, weighted by pixels; NaN without any.

    >>> expected_calibration_error(np.array([[10, 4, 4 * UNITS], [10, 6, 9 * UNITS]]))
    0.15
    """
    total = int(counts_B3[:, 0].sum())
    return float(np.abs(counts_B3[:, 2] / UNITS - counts_B3[:, 1]).sum() / total) if total else float("nan")


def below_threshold(counts_B3: np.ndarray, threshold: float) -> tuple[float, float]:
    """Share of the pixels whose confidence lies below an edge of the bins, and how many of these are right; NaN: none.

    >>> below_threshold(np.array([[10, 4, 4 * UNITS], [30, 21, 24 * UNITS]]), 0.5)
    (0.25, 0.4)
    """
    num_bins = len(counts_B3)
    edge = round(threshold * num_bins)
    if abs(edge - threshold * num_bins) > 1e-9 or not 0 <= edge <= num_bins:
        raise BadInput(f"threshold must be an edge of the {num_bins} bins, but got {threshold}; e.g. 0.5.")
    pixels, right = counts_B3[:edge, 0].sum(), counts_B3[:edge, 1].sum()
    total = counts_B3[:, 0].sum()
    return (
        float(pixels / total) if total else float("nan"),
        float(right / pixels) if pixels else float("nan"),
    )


@lru_cache(maxsize=8)
def _values(num_bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Bin of every float16 from 0 to 1, in the order of their bit patterns, and its value in 1 / UNITS."""
    value_V = np.arange(_NUM_VALUES, dtype=np.uint16).view(np.float16).astype(np.float64)
    bin_V = np.minimum(np.floor(value_V * num_bins).astype(np.intp), num_bins - 1)
    return bin_V, (value_V * UNITS).astype(np.int64)
