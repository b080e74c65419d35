"""A hierarchy of segmentations against several annotators, at its best level: one for the whole set (ODS: optimal
dataset scale), or one for each image (OIS: optimal image scale).

Arbelaez et al. 2011, "Contour detection and hierarchical image segmentation", section 2.4.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from mereo.errors import BadInput
from mereo.metrics.grouping_quality import covering, rand_index, shared_pixels, variation_of_information
from mereo.metrics.region_borders import BorderCounts, border_counts
from mereo.shapes import require_shapes

NARROW_PIXELS = 2.0  # What superpixels are usually measured with.


@dataclass(frozen=True, eq=False)
class ImageScores:
    """One image's levels: measures averaged over annotators, borders counted, and how many regions a level has.

    `borders_L` has BSDS's tolerance, `narrow_borders_L` two pixels.
    """

    covering_L: np.ndarray
    rand_index_L: np.ndarray
    information_L: np.ndarray
    num_regions_L: np.ndarray
    borders_L: tuple[BorderCounts, ...]
    narrow_borders_L: tuple[BorderCounts, ...]


@dataclass(frozen=True)
class BestScale:
    """`ods` is that of level `level`, `ois` of each image's own best one."""

    ods: float
    ois: float
    level: int


@dataclass(frozen=True, eq=False)
class GroupingQuality:
    """Covering, probabilistic Rand index and F of borders are best at 1, variation of information (in bits) at 0.

    `narrow_recall_L`: share of drawn border pixels with one of the answer's within two pixels, for each level, since
    at its best level it would always be the finest.
    """

    covering: BestScale
    rand_index: BestScale
    information: BestScale
    border_f: BestScale
    narrow_recall_L: tuple[float, ...]
    num_regions_L: tuple[float, ...]


def image_scores(label_LHW: np.ndarray, annotators_AHW: np.ndarray) -> ImageScores:
    """Every level of one image against every annotator."""
    require_shapes(label_LHW=label_LHW, annotators_AHW=annotators_AHW)
    if len(label_LHW) == 0:
        raise BadInput("an image must have at least one level, but got none; pass its segmentations.")
    borders = border_counts(label_LHW, annotators_AHW)  # Also refuses an image without annotators.
    measures = (covering, rand_index, variation_of_information)
    value_LA3 = np.array(
        [
            [
                [measure(table) for measure in measures]
                for table in (shared_pixels(level, one) for one in annotators_AHW)
            ]
            for level in label_LHW
        ]
    )
    covering_L, rand_index_L, information_L = value_LA3.mean(axis=1).T
    return ImageScores(
        covering_L=covering_L,
        rand_index_L=rand_index_L,
        information_L=information_L,
        num_regions_L=np.array([len(np.unique(level_HW)) for level_HW in label_LHW]),
        borders_L=tuple(borders),
        narrow_borders_L=tuple(border_counts(label_LHW, annotators_AHW, distance_pixels=NARROW_PIXELS)),
    )


def grouping_quality(scores: Sequence[ImageScores]) -> GroupingQuality:
    """Over images, each of which has the same number of levels. Every image weighs the same, but for borders, whose
    pixels do: counts of all images are added before F is taken."""
    numbers = {len(one.covering_L) for one in scores}
    if len(numbers) != 1:
        raise BadInput(f"images must have one number of levels, but got {sorted(numbers)}; use the same for all.")
    num_levels = numbers.pop()
    narrow = [_added([one.narrow_borders_L[level] for one in scores]) for level in range(num_levels)]
    return GroupingQuality(
        covering=_best([one.covering_L for one in scores]),
        rand_index=_best([one.rand_index_L for one in scores]),
        information=_best([one.information_L for one in scores], is_less_better=True),
        border_f=_best_borders([one.borders_L for one in scores]),
        narrow_recall_L=tuple(counts.recall for counts in narrow),
        num_regions_L=tuple(np.mean([one.num_regions_L for one in scores], axis=0).tolist()),
    )


def _best(value_IL: Sequence[np.ndarray], *, is_less_better: bool = False) -> BestScale:
    best = np.min if is_less_better else np.max
    mean_L = np.mean(value_IL, axis=0)
    of_each_I = [best(value_L) for value_L in value_IL]
    return BestScale(float(best(mean_L)), float(np.mean(of_each_I)), int((mean_L == best(mean_L)).argmax()))


def _best_borders(borders_IL: Sequence[tuple[BorderCounts, ...]]) -> BestScale:
    of_levels = [_added(of_images).f_measure for of_images in zip(*borders_IL, strict=True)]
    level = int(np.argmax(of_levels))
    best = _added([max(of_image, key=lambda counts: counts.f_measure) for of_image in borders_IL])
    return BestScale(of_levels[level], best.f_measure, level)


def _added(counts: Sequence[BorderCounts]) -> BorderCounts:
    return reduce(add, counts)
