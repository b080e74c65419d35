"""The worst images: the same as by sorting all of them, in constant memory; and what their classes cost."""

import gc
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.assembly.parse import Parse
from mereo.data.sample import Sample, as_image, as_mask
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.evaluation.worst_images import WorstImages, class_costs
from mereo.metrics.confusion import confusion_matrix, iou_of_counts, mean_over_classes, region_counts

TAXONOMY = Taxonomy("street", LabelTable(("sky", "road", "car")))


def shown(worst: WorstImages, name: str, right_share: float, *, size: tuple[int, int] = (10, 12)) -> float:
    """Show an image of one class, of whose pixels some are answered as another; its mean IoU."""
    label_HW, predicted_HW = np.zeros(size, dtype=np.int32), np.zeros(size, dtype=np.int32)
    predicted_HW.ravel()[round(right_share * label_HW.size) :] = 1
    image_HWC = np.full((*size, 3), 90, dtype=np.uint8)
    counts_K3 = region_counts(confusion_matrix(label_HW, predicted_HW, num_classes=3, ignore_index=255))
    worst.see(
        Sample(name=name, image_CHW=as_image(image_HWC), semantic_HW=as_mask(label_HW)),
        Parse(image_HWC, predicted_HW, TAXONOMY, name=name),
        counts_K3,
    )
    return float(mean_over_classes(iou_of_counts(counts_K3)))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=30), st.integers(0, 8))
def test_the_same_as_sorting_all(right_twentieths: list[int], num_images: int) -> None:
    worst = WorstImages(TAXONOMY, num_images)
    all_images = [
        (shown(worst, f"image {index}", right / 20), index, f"image {index}")
        for index, right in enumerate(right_twentieths)
    ]
    expected = sorted(all_images)[:num_images]  # Of equal ones the first.
    assert [image.name for image in worst.worst_first()] == [name for _, _, name in expected]
    assert [image.mean_iou for image in worst.worst_first()] == [mean_iou for mean_iou, _, _ in expected]


def test_an_image_without_labels_is_not_the_worst() -> None:
    worst = WorstImages(TAXONOMY, 2)
    nothing = np.zeros((3, 3), dtype=np.int64)
    image_HWC = np.zeros((4, 4, 3), dtype=np.uint8)
    label_HW = np.full((4, 4), 255)
    sample = Sample(name="nothing", image_CHW=as_image(image_HWC), semantic_HW=as_mask(label_HW))
    worst.see(sample, Parse(image_HWC, np.zeros((4, 4), int), TAXONOMY), nothing)
    assert worst.worst_first() == ()


def test_memory_does_not_grow_with_the_number_of_images() -> None:
    """Each image is worse than all before, so that each one is kept for a while."""
    worst, held = WorstImages(TAXONOMY, 3), []
    tracemalloc.start()
    try:
        for index in range(60):
            shown(worst, f"image {index}", 1 - index / 70, size=(200, 300))
            if index in (9, 59):
                gc.collect()
                held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert held[1] - held[0] < 100_000


def test_costs_are_what_the_classes_take_from_the_mean() -> None:
    counts_K3 = np.array([[50, 60, 50], [0, 20, 0], [0, 0, 5], [10, 10, 10], [0, 0, 0]])
    costs = class_costs(counts_K3, most=9)
    assert [cost.class_index for cost in costs] == [1, 2, 0], "lowest IoU first, then the most wrong pixels"
    assert [cost.is_in_truth for cost in costs] == [True, False, True]
    mean_iou = float(mean_over_classes(iou_of_counts(counts_K3)))
    assert sum(cost.cost for cost in costs) == pytest.approx(1 - mean_iou)
    assert [cost.class_index for cost in class_costs(counts_K3, most=1)] == [1]
    assert class_costs(np.zeros((3, 3), int)) == ()


def test_what_is_kept_of_an_image() -> None:
    worst = WorstImages(TAXONOMY, 1)
    shown(worst, "half", 0.5)
    (image,) = worst.worst_first()
    assert image.present == (0, 1) and image.pictures.size == (12, 10)
    assert all(content.startswith(b"\xff\xd8") for content in (image.pictures.truth, image.pictures.mistakes))
