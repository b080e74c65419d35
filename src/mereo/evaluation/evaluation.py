"""Evaluation: the integer counts of one parser on one set of images, and every measure that follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mereo.evaluation.measures_file import or_none
from mereo.metrics.calibration import expected_calibration_error
from mereo.metrics.confusion import (
    frequency_weighted_iou,
    iou_of_counts,
    iou_per_class,
    mean_iou,
    mean_over_classes,
    pixel_accuracy,
    region_counts,
)


@dataclass(frozen=True)
class ClassRow:
    """One class. `share` is its part of all labelled pixels; None is "n/a": nothing to measure."""

    name: str
    share: float | None
    iou: float | None
    boundary_iou: float | None


@dataclass(frozen=True)
class Evaluation:
    """Counts of a whole evaluation, and the measures as properties. Fractions, not percent; None is "n/a".

    `per_image_NK3` and `boundary_K3` hold intersection, truth and predicted pixels; `reliability_B3` what
    `reliability_counts` says, if confidences were looked at.
    """

    class_names: tuple[str, ...]
    image_names: tuple[str, ...]
    confusion_KK: np.ndarray
    boundary_K3: np.ndarray
    per_image_NK3: np.ndarray
    seconds: float
    scales: tuple[float, ...] = (1.0,)
    flip: bool = False
    conditions: Mapping[str, Any] = field(default_factory=dict)
    reliability_B3: np.ndarray | None = None

    @property
    def num_images(self) -> int:
        return len(self.image_names)

    @property
    def region_counts_K3(self) -> np.ndarray:
        """Intersection, truth and predicted pixels of each class: what `per_image_NK3` adds up to."""
        return region_counts(self.confusion_KK)

    @property
    def mean_iou(self) -> float | None:
        return or_none(mean_iou(self.confusion_KK))

    @property
    def frequency_weighted_iou(self) -> float | None:
        return or_none(frequency_weighted_iou(self.confusion_KK))

    @property
    def pixel_accuracy(self) -> float | None:
        return or_none(pixel_accuracy(self.confusion_KK))

    @property
    def boundary_iou(self) -> float | None:
        """Mean boundary IoU over the classes that have one."""
        return or_none(float(mean_over_classes(iou_of_counts(self.boundary_K3))))

    @property
    def expected_calibration_error(self) -> float | None:
        return None if self.reliability_B3 is None else or_none(expected_calibration_error(self.reliability_B3))

    @property
    def classes_by_frequency(self) -> tuple[int, ...]:
        """Class indices, the most frequent in the truth first; the order of every table and picture for people."""
        return tuple(np.argsort(-self.confusion_KK.sum(axis=1), kind="stable").tolist())

    @property
    def per_class(self) -> tuple[ClassRow, ...]:
        """In index order."""
        true_K = self.confusion_KK.sum(axis=1)
        share_K = true_K / true_K.sum() if true_K.sum() else np.full(len(true_K), np.nan)
        columns = (share_K, iou_per_class(self.confusion_KK), iou_of_counts(self.boundary_K3))
        return tuple(
            ClassRow(name, *(or_none(float(value)) for value in values))
            for name, *values in zip(self.class_names, *columns, strict=True)
        )

    def with_conditions(self, **conditions: Any) -> "Evaluation":
        """The same numbers, with what a reader must know of them: data set, split, parser. Plain JSON values."""
        return replace(self, conditions={**self.conditions, **conditions})
