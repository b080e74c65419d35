"""The images that a parser did worst on: kept, as small pictures, while an evaluation goes through all."""

import heapq
from dataclasses import dataclass

import numpy as np

from mereo.assembly.parse import Parse
from mereo.data.sample import Sample
from mereo.data.taxonomy import Taxonomy
from mereo.drawing.error_pictures import ErrorPictures, error_pictures
from mereo.metrics.confusion import iou_of_counts, mean_over_classes

NUM_WORST = 12
MAX_COSTS = 4


@dataclass(frozen=True)
class ClassCost:
    """What one class takes from an image's mean IoU: `cost` is (1 - IoU) / number of classes, a fraction."""

    class_index: int
    iou: float
    cost: float
    is_in_truth: bool


@dataclass(frozen=True)
class WorstImage:
    name: str
    mean_iou: float
    costs: tuple[ClassCost, ...]
    present: tuple[int, ...]
    pictures: ErrorPictures


class WorstImages:
    """Show it every image (`evaluate(..., watch=worst.see)`); it keeps the `num_images` with the lowest mean IoU.

    Memory holds these alone, however many images come by. Of equal images the first is kept.
    """

    def __init__(self, taxonomy: Taxonomy, num_images: int = NUM_WORST) -> None:
        self._taxonomy, self._num_images = taxonomy, num_images
        # A heap with the best of the worst on top: the next one to go.
        self._kept: list[tuple[float, int, WorstImage]] = []
        self._num_seen = 0

    def see(self, sample: Sample, parse: Parse, counts_K3: np.ndarray) -> None:
        self._num_seen += 1
        mean_iou = float(mean_over_classes(iou_of_counts(counts_K3)))
        is_full = len(self._kept) >= self._num_images
        if np.isnan(mean_iou) or (is_full and (not self._kept or -mean_iou <= self._kept[0][0])):
            return
        present = tuple(np.flatnonzero(counts_K3[:, 1:].any(axis=1)).tolist())
        image = WorstImage(sample.name, mean_iou, class_costs(counts_K3), present, self._pictures(sample, parse))
        entry = (-mean_iou, -self._num_seen, image)
        if is_full:
            heapq.heapreplace(self._kept, entry)
        else:
            heapq.heappush(self._kept, entry)

    def worst_first(self) -> tuple[WorstImage, ...]:
        return tuple(image for _, _, image in sorted(self._kept, key=lambda entry: (-entry[0], -entry[1])))

    def _pictures(self, sample: Sample, parse: Parse) -> ErrorPictures:
        return error_pictures(
            parse.image_HWC,
            np.asarray(sample.semantic_HW),
            np.asarray(parse.semantic),
            colours_K3=self._taxonomy.objects.colours_K3,
            ignore_index=self._taxonomy.ignore_index,
        )


def class_costs(counts_K3: np.ndarray, *, most: int = MAX_COSTS) -> tuple[ClassCost, ...]:
    """The classes with the lowest IoU of one image, the costliest first; of equal ones that with more wrong pixels.

    >>> class_costs(np.array([[8, 10, 10], [0, 0, 2], [0, 0, 0]]))[0]
    ClassCost(class_index=1, iou=0.0, cost=0.5, is_in_truth=False)
    """
    iou_K = iou_of_counts(counts_K3)
    present = np.flatnonzero(~np.isnan(iou_K))
    wrong_K = counts_K3[:, 1] + counts_K3[:, 2] - 2 * counts_K3[:, 0]
    order = sorted(present.tolist(), key=lambda index: (iou_K[index], -wrong_K[index], index))
    return tuple(
        ClassCost(
            class_index=index,
            iou=float(iou_K[index]),
            cost=float(1 - iou_K[index]) / len(present),
            is_in_truth=bool(counts_K3[index, 1]),
        )
        for index in order[:most]
        if iou_K[index] < 1
    )
