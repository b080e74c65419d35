"""Measures of each task of a perceptual parser, from integer counts. Known without torch, for tables.

Objects, parts and materials are measured pixel by pixel; scenes and textures image by image. Each task rests on the
images that carry its labels, and on no others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mereo.evaluation.measures_file import or_none
from mereo.metrics.confusion import iou_of_counts, mean_over_classes

PIXEL_TASKS = ("objects", "parts", "materials")
IMAGE_TASKS = ("scenes", "textures")


@dataclass(frozen=True, eq=False)
class PixelTask:
    """`counts_K3` holds intersection, truth and predicted pixels of each class, of labelled pixels alone."""

    class_names: tuple[str, ...]
    num_images: int
    counts_K3: np.ndarray

    @property
    def mean_iou(self) -> float | None:
        """Over the classes that are true or predicted somewhere."""
        return or_none(float(mean_over_classes(iou_of_counts(self.counts_K3))))

    @property
    def pixel_accuracy(self) -> float | None:
        right, labelled, _ = self.counts_K3.sum(axis=0).tolist()
        return right / labelled if labelled else None

    @property
    def measures(self) -> dict[str, float | None]:
        return {"mean_iou": self.mean_iou, "pixel_accuracy": self.pixel_accuracy}

    @property
    def headline(self) -> float | None:
        return self.mean_iou

    def rows(self) -> Iterator[tuple[str, float, float | None]]:
        """Name, share of the labelled pixels and IoU of each class that is there, the most frequent first."""
        yield from _rows(self.class_names, self.counts_K3[:, 1], iou_of_counts(self.counts_K3))


@dataclass(frozen=True, eq=False)
class ImageTask:
    """`counts_K2` holds the images of each true class, and how many of these were answered right."""

    class_names: tuple[str, ...]
    counts_K2: np.ndarray

    @property
    def num_images(self) -> int:
        return int(self.counts_K2[:, 0].sum())

    @property
    def accuracy(self) -> float | None:
        """Top-1: the share of images answered right."""
        return int(self.counts_K2[:, 1].sum()) / self.num_images if self.num_images else None

    @property
    def balanced_accuracy(self) -> float | None:
        """The mean of the classes' own accuracies: what frequent classes cannot lift."""
        return or_none(float(mean_over_classes(self._accuracy_K)))

    @property
    def majority_accuracy(self) -> float | None:
        """The accuracy of one who always answers the most frequent true class, and has not looked."""
        return int(self.counts_K2[:, 0].max()) / self.num_images if self.num_images else None

    @property
    def measures(self) -> dict[str, float | None]:
        return {
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced_accuracy,
            "majority_accuracy": self.majority_accuracy,
        }

    @property
    def headline(self) -> float | None:
        return self.accuracy

    def rows(self) -> Iterator[tuple[str, float, float | None]]:
        """Name, share of the images and accuracy of each class that is there, the most frequent first."""
        yield from _rows(self.class_names, self.counts_K2[:, 0], self._accuracy_K)

    @property
    def _accuracy_K(self) -> np.ndarray:
        images_K, right_K = self.counts_K2[:, 0], self.counts_K2[:, 1].astype(np.float64)
        return np.divide(right_K, images_K, out=np.full(len(images_K), np.nan), where=images_K > 0)


@dataclass(frozen=True, eq=False)
class PerceptualMeasures:
    """None for a task that the parser or the data does not have. `derived`: tasks whose labels nobody drew."""

    num_images: int
    objects: PixelTask | None = None
    parts: PixelTask | None = None
    materials: PixelTask | None = None
    scenes: ImageTask | None = None
    textures: ImageTask | None = None
    derived: tuple[str, ...] = ()

    @property
    def tasks(self) -> dict[str, PixelTask | ImageTask]:
        """Those that were measured, by name."""
        named = {name: getattr(self, name) for name in (*PIXEL_TASKS, *IMAGE_TASKS)}
        return {name: task for name, task in named.items() if task is not None}

    @property
    def score(self) -> float:
        """One number to choose weights by: the mean over the tasks of mean IoU, or accuracy. 0 without a task.

        A task that is not trained (any more) stays as it is, so the others decide.
        """
        found = [value for task in self.tasks.values() if (value := task.headline) is not None]
        return sum(found) / len(found) if found else 0.0

    def value_of(self, task: str, measure: str) -> float | None:
        """
        >>> PerceptualMeasures(0).value_of("parts", "mean_iou") is None
        True
        """
        found = self.tasks.get(task)
        return None if found is None else found.measures[measure]

    def summary(self) -> dict[str, Any]:
        """Measures of each task as plain values, None where there is nothing to measure."""
        return {name: task.measures for name, task in self.tasks.items()}


def _rows(names: tuple[str, ...], true_K: np.ndarray, value_K: np.ndarray) -> Iterator[tuple[str, float, float | None]]:
    total = int(true_K.sum())
    for index in np.argsort(-true_K, kind="stable").tolist():
        value = or_none(float(value_K[index]))
        if value is not None:
            yield names[index], int(true_K[index]) / total if total else 0.0, value
