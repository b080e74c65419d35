"""Time of counting label maps, beside torchmetrics and an erosion a class, in one run.

    python benchmarks/evaluation.py [--maps 500] [--size 1024x512] [--classes 19]

Both sides get the same maps and one thread. What they answer is compared first: a fast wrong number is worth nothing.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from scipy.ndimage import binary_erosion, zoom
from torchmetrics.classification import MulticlassConfusionMatrix
from torchmetrics.segmentation import MeanIoU

from mereo.metrics.boundary_iou import boundary_counts, boundary_distance
from mereo.metrics.confusion import confusion_matrix

IGNORED = 255


def drawn_map(generator: np.random.Generator, size: tuple[int, int], num_classes: int) -> np.ndarray:
    """Smooth regions, about as many as in a street photograph."""
    factors = (1, size[0] / 9, size[1] / 12)
    return zoom(generator.normal(size=(num_classes, 9, 12)), factors, order=1).argmax(axis=0).astype(np.int32)


def milliseconds(function: Callable[..., object], pairs: list[tuple]) -> float:
    """Median over the maps."""
    times = []
    for pair in pairs:
        started = time.perf_counter()
        function(*pair)
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


def boundary_class_by_class(label_HW: np.ndarray, predicted_HW: np.ndarray, num_classes: int) -> np.ndarray:
    """The authors' definition for one class after another."""
    distance, known_HW = boundary_distance(*label_HW.shape), label_HW != IGNORED
    rows = []
    for index in range(num_classes):
        bands = []
        for mask_HW in (label_HW == index, (predicted_HW == index) & known_HW):
            eroded = binary_erosion(np.pad(mask_HW, 1), np.ones((3, 3)), iterations=distance)
            bands.append(mask_HW & ~eroded[1:-1, 1:-1])
        rows.append([(bands[0] & bands[1]).sum(), bands[0].sum(), bands[1].sum()])
    return np.array(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--maps", type=int, default=500)
    parser.add_argument("--size", default="1024x512")
    parser.add_argument("--classes", type=int, default=19)
    chosen = parser.parse_args()
    width, height = (int(side) for side in chosen.size.split("x"))
    num_classes = chosen.classes
    torch.set_num_threads(1)
    generator = np.random.default_rng(0)
    pairs = []
    for number in range(chosen.maps):
        # Drawing is slow and counting is not: maps are shifted copies of a few, each an array of its own.
        drawn = (
            drawn_map(generator, (height, width), num_classes)
            if number < 20
            else np.roll(pairs[number % 20][1], number)
        )
        label_HW = drawn.copy()
        predicted_HW = np.roll(label_HW, generator.integers(-9, 10, 2), axis=(0, 1))
        label_HW[:20] = IGNORED
        pairs.append((label_HW, predicted_HW))
    tensors = [(torch.from_numpy(predicted).long(), torch.from_numpy(label).long()) for label, predicted in pairs]

    their_matrix = MulticlassConfusionMatrix(num_classes, ignore_index=IGNORED, validate_args=False)
    # MeanIoU knows no ignored pixels: it gets class 0 there. Its time is what is compared, not its answer.
    their_mean_iou = MeanIoU(num_classes, input_format="index")
    without_ignored = [(predicted[None], torch.where(label == IGNORED, 0, label)[None]) for predicted, label in tensors]
    arguments = {"num_classes": num_classes, "ignore_index": IGNORED}

    ours_KK = sum(confusion_matrix(*pair, **arguments) for pair in pairs)
    for pair in tensors:
        their_matrix.update(*pair)
    if not np.array_equal(ours_KK, their_matrix.compute().numpy()):
        raise SystemExit("the confusion matrices differ")
    if not np.array_equal(boundary_counts(*pairs[0], **arguments), boundary_class_by_class(*pairs[0], num_classes)):
        raise SystemExit("the boundary counts differ")

    ours = milliseconds(lambda *pair: confusion_matrix(*pair, **arguments), pairs)
    ours_boundary = milliseconds(lambda *pair: boundary_counts(*pair, **arguments), pairs)
    rows = [
        (
            "confusion matrix",
            ours,
            "torchmetrics MulticlassConfusionMatrix",
            milliseconds(their_matrix.update, tensors),
        ),
        ("confusion matrix", ours, "torchmetrics MeanIoU", milliseconds(their_mean_iou.update, without_ignored)),
        (
            "boundary counts",
            ours_boundary,
            "erosion a class",
            milliseconds(lambda *pair: boundary_class_by_class(*pair, num_classes), pairs[:5]),
        ),
    ]
    print(
        f"{len(pairs)} maps of {width}x{height}, {num_classes} classes; median ms a map; "
        f"{platform.machine()}, one thread"
    )
    for name, our_time, other, their_time in rows:
        print(f"{name:17} {our_time:6.2f}   {other:39} {their_time:7.2f}   ratio {their_time / our_time:5.1f}")


if __name__ == "__main__":
    main()
