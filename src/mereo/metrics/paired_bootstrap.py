"""Is one parser better than another, or would other photographs have said the opposite? A paired bootstrap over images.

Images are drawn with replacement; each resample has the same images for both parsers, so that what is hard in an image
cancels. What is measured each time is the whole measure: counts summed over the resample, IoU of each class, mean.

The interval speaks about the choice of images. How far another training seed would have moved a parser is not in it:
several seeds of a parser enter as the mean of their mIoU within each resample. Frames of one video
resemble each other, so that there the interval is rather too narrow.
"""

from dataclasses import dataclass

import numpy as np

from mereo.errors import BadInput
from mereo.metrics.confusion import iou_of_counts, mean_over_classes

MAX_BLOCK_NUMBERS = 2_000_000  # 16 MB of float64 at a time, whatever the number of images, classes and resamples.


@dataclass(frozen=True)
class PairedDifference:
    """mIoU of a minus mIoU of b, as fractions, with the interval that `confidence` of the resamples fall into."""

    difference: float
    low: float
    high: float
    confidence: float
    num_resamples: int

    @property
    def verdict(self) -> str:
        if self.low > 0:
            return "measurable gain"
        return "measurable loss" if self.high < 0 else "no measurable gain"


def paired_bootstrap(
    counts_a_SNK3: np.ndarray,
    counts_b_SNK3: np.ndarray,
    *,
    num_resamples: int = 10_000,
    seed: int = 0,
    confidence: float = 0.95,
) -> PairedDifference:
    """Difference of mean IoU (a - b) with its percentile interval.

    Counts are pixels of each image and class: intersection, truth, predicted (`region_counts`). S is training seeds;
    one run may be passed as N K 3. Both sides must hold the same N images in the same order.

    >>> better = np.array([[[9, 10, 10]], [[8, 10, 9]]])
    >>> worse = np.array([[[5, 10, 10]], [[5, 10, 9]]])
    >>> paired_bootstrap(better, worse).verdict
    'measurable gain'
    """
    counts_a_SNK3, counts_b_SNK3 = (_with_seeds(counts) for counts in (counts_a_SNK3, counts_b_SNK3))
    _require_pairs(counts_a_SNK3, counts_b_SNK3)
    if num_resamples < 1:
        raise BadInput(f"num_resamples must be at least 1, but got {num_resamples}; 10000 gives steady intervals.")
    if not 0 < confidence < 1:
        raise BadInput(f"confidence must be between 0 and 1, but got {confidence}; e.g. 0.95.")
    num_images = counts_a_SNK3.shape[1]
    if num_images < 2:
        raise BadInput(f"a bootstrap must have at least 2 images, but got {num_images}; evaluate on more images.")
    generator = np.random.default_rng(seed)
    block = max(1, MAX_BLOCK_NUMBERS // max(num_images, counts_a_SNK3[0, 0].size))
    differences = []
    for start in range(0, num_resamples, block):
        weights_RN = _resample_weights(generator, min(block, num_resamples - start), num_images)
        differences.append(_seed_mean_iou(weights_RN, counts_a_SNK3) - _seed_mean_iou(weights_RN, counts_b_SNK3))
    difference_R = np.concatenate(differences)
    # A resample of images without any labelled pixel has no mIoU.
    difference_R = difference_R[~np.isnan(difference_R)]
    every_image_once_1N = np.ones((1, num_images))
    whole = _seed_mean_iou(every_image_once_1N, counts_a_SNK3) - _seed_mean_iou(every_image_once_1N, counts_b_SNK3)
    if not difference_R.size or np.isnan(whole[0]):
        raise BadInput("counts must hold labelled pixels, but got none in any image; check the label table.")
    low, high = np.quantile(difference_R, [(1 - confidence) / 2, (1 + confidence) / 2])
    return PairedDifference(float(whole[0]), float(low), float(high), confidence, num_resamples)


def _with_seeds(counts: np.ndarray) -> np.ndarray:
    return counts[None] if counts.ndim == 3 else counts


def _require_pairs(counts_a_SNK3: np.ndarray, counts_b_SNK3: np.ndarray) -> None:
    for counts in (counts_a_SNK3, counts_b_SNK3):
        if counts.ndim != 4 or counts.shape[-1] != 3 or 0 in counts.shape:
            raise BadInput(
                f"counts must be seeds x images x classes x 3, but got shape {counts.shape}; "
                "pass intersection, truth and predicted pixels of at least one image."
            )
    if counts_a_SNK3.shape[1:] != counts_b_SNK3.shape[1:]:
        raise BadInput(
            f"both runs must have the same images and classes, but got {counts_a_SNK3.shape[1:3]} and "
            f"{counts_b_SNK3.shape[1:3]}; evaluate them on the same data."
        )
    for counts_NK3 in (*counts_a_SNK3, *counts_b_SNK3):
        if not np.array_equal(counts_NK3[..., 1], counts_a_SNK3[0, ..., 1]):
            raise BadInput(
                "both runs must have the same true pixels in each image, but got others; "
                "evaluate them on the same labels, in the same order."
            )


def _resample_weights(generator: np.random.Generator, num_resamples: int, num_images: int) -> np.ndarray:
    """How often each image stands in each resample (R N, rows add up to N)."""
    drawn_RN = generator.integers(num_images, size=(num_resamples, num_images))
    drawn_RN += np.arange(num_resamples)[:, None] * num_images
    return np.bincount(drawn_RN.ravel(), minlength=drawn_RN.size).reshape(drawn_RN.shape).astype(np.float64)


def _seed_mean_iou(weights_RN: np.ndarray, counts_SNK3: np.ndarray) -> np.ndarray:
    """mIoU of each resample, averaged over seeds (R). Sums of pixels are exact in float64 up to 2^53."""
    num_seeds, num_images, num_classes, _ = counts_SNK3.shape
    total_R = np.zeros(len(weights_RN))
    for counts_NK3 in counts_SNK3:
        sums_RK3 = weights_RN @ counts_NK3.reshape(num_images, -1).astype(np.float64)
        total_R += mean_over_classes(iou_of_counts(sums_RK3.reshape(-1, num_classes, 3)))
    return total_R / num_seeds
