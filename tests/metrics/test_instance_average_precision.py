"""COCO's AP: by hand on a tiny case, against torchmetrics, and against the definition in plain loops."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from mereo.data.instances import Instances
from mereo.data.run_lengths import run_lengths
from mereo.errors import BadInput
from mereo.metrics.instance_average_precision import AveragePrecision, instance_average_precision

SIZE = (120, 160)
THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)


def rectangles(*things: tuple[int, float, tuple[int, int, int, int]], size: tuple[int, int] = SIZE) -> Instances:
    """(class, score, (left, top, right, bottom)) each; masks are the whole boxes."""
    masks = []
    for _, _, (left, top, right, bottom) in things:
        mask_HW = np.zeros(size, dtype=bool)
        mask_HW[top:bottom, left:right] = True
        masks.append(run_lengths(mask_HW))
    return Instances(
        size=size,
        label_N=np.array([label for label, _, _ in things], dtype=np.int64),
        score_N=np.array([score for _, score, _ in things], dtype=np.float32),
        boxes_N4=np.array([box for _, _, box in things], dtype=np.float32).reshape(-1, 4),
        masks=tuple(masks),
    )


def test_by_hand() -> None:
    """Two labels, three answers by score: a wrong one, one that fits, one with an IoU of .8.

    At a threshold up to .8 both labels are found: recall 1/2 with precision 2/3 at best (2 of 3), recall 1 with 2/3;
    the envelope is 2/3 at every recall. Above .8 only the second answer counts: precision 1/2 up to recall 1/2 (51 of
    the 101 recalls), 0 beyond. The thresholds .5 to .8 are seven of ten.
    """
    truth = rectangles((0, 1, (0, 0, 10, 10)), (0, 1, (50, 50, 60, 60)))
    answers = rectangles((0, 0.9, (100, 100, 110, 110)), (0, 0.8, (0, 0, 10, 10)), (0, 0.7, (50, 50, 60, 58)))
    scores = instance_average_precision([answers], [truth], num_classes=2)
    low, high = 2 / 3, 51 / 101 / 2
    for measured in (scores.boxes, scores.masks):
        assert measured.ap == pytest.approx((7 * low + 3 * high) / 10, abs=1e-9)
        assert measured.ap_50 == pytest.approx(low) and measured.ap_75 == pytest.approx(low)
        assert measured.ap_small == measured.ap
        assert measured.ap_medium is None and measured.ap_large is None
        assert measured.of_class == (measured.ap, None)


def test_masks_and_boxes_are_measured_apart() -> None:
    mask_HW = np.zeros(SIZE, dtype=bool)
    mask_HW[:20, :20] = True
    truth = rectangles((0, 1, (0, 0, 20, 20)))
    half_HW = mask_HW.copy()
    half_HW[12:, :10] = False  # IoU 320 / 400 = .8
    answer = Instances(SIZE, np.array([0]), np.array([0.9]), np.array([[0, 0, 20, 20.0]]), (run_lengths(half_HW),))
    scores = instance_average_precision([answer], [truth], num_classes=1)
    assert scores.boxes.ap == pytest.approx(1) and scores.masks.ap == pytest.approx(0.7)


def random_scenes(seed: int, *, num_images: int = 5) -> tuple[list[Instances], list[Instances]]:
    """Labels of all three sizes; answers near them, doubled, missing and of the wrong class."""
    random = np.random.default_rng(seed)
    truth, answers = [], []
    for _ in range(num_images):
        labels, found = [], []
        for _ in range(random.integers(0, 6)):
            side = int(random.choice([12, 40, 100]))
            left, top = int(random.integers(0, 160 - side)), int(random.integers(0, 120 - side))
            label = int(random.integers(0, 3))
            labels.append((label, 1.0, (left, top, left + side, top + side)))
            for _ in range(random.integers(0, 3)):
                shift = random.integers(-3, 4, 4) * (1 + side // 30)
                box = np.clip(np.array([left, top, left + side, top + side]) + shift, 0, [158, 118, 160, 120])
                box[2:] = np.maximum(box[2:], box[:2] + 1)
                guess = label if random.random() < 0.8 else int(random.integers(0, 3))
                found.append((guess, float(random.random()), tuple(int(side) for side in box)))
        truth.append(rectangles(*labels))
        answers.append(rectangles(*found))
    return answers, truth


def numbers(measured: AveragePrecision) -> list[float]:
    values = [getattr(measured, name) for name in ("ap", "ap_50", "ap_75", "ap_small", "ap_medium", "ap_large")]
    return [-1.0 if value is None else value for value in values]


@pytest.mark.parametrize("seed", range(3))
def test_against_torchmetrics(seed: int) -> None:
    detection = pytest.importorskip("torchmetrics.detection")
    answers, truth = random_scenes(seed)
    scores = instance_average_precision(answers, truth, num_classes=3)
    # Its own thresholds are float32: a recall of exactly .6 then lies below the threshold .6.
    metric = detection.MeanAveragePrecision(
        iou_type=("bbox", "segm"),
        backend="faster_coco_eval",
        iou_thresholds=THRESHOLDS.tolist(),
        rec_thresholds=RECALLS.tolist(),
    )

    def as_theirs(instances: Instances, *, is_truth: bool) -> dict[str, torch.Tensor]:
        masks = [torch.from_numpy(runs.mask_HW().copy()) for runs in instances.masks]
        values = {
            "boxes": torch.from_numpy(instances.boxes_N4),
            "labels": torch.from_numpy(instances.label_N),
            "masks": torch.stack(masks) if masks else torch.zeros(0, *SIZE, dtype=torch.bool),
        }
        if is_truth:
            return values | {"area": torch.tensor([float(runs.area) for runs in instances.masks])}
        return values | {"scores": torch.from_numpy(instances.score_N)}

    metric.update([as_theirs(one, is_truth=False) for one in answers], [as_theirs(one, is_truth=True) for one in truth])
    theirs = metric.compute()
    for kind, measured in (("bbox", scores.boxes), ("segm", scores.masks)):
        names = ("map", "map_50", "map_75", "map_small", "map_medium", "map_large")
        expected = [float(theirs[f"{kind}_{name}"]) for name in names]
        assert numbers(measured) == pytest.approx(expected, abs=1e-6)


def area(box: np.ndarray) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))


def iou(one: np.ndarray, other: np.ndarray) -> float:
    overlap = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = float(overlap[0] * overlap[1]) if (overlap > 0).all() else 0.0
    return shared / (area(one) + area(other) - shared)


def class_precision(
    answers: Sequence[Instances], truth: Sequence[Instances], label: int, threshold: float, low: float, high: float
) -> float | None:
    """The definition: each answer, by score, takes the best label that is left; labels of other sizes do not count."""
    events, num_labels = [], 0
    for found, labels in zip(answers, truth):
        true_boxes = labels.boxes_N4[labels.label_N == label].astype(float)
        counts = [low <= area(box) <= high for box in true_boxes]
        num_labels += sum(counts)
        order = [i for i in np.argsort(-found.score_N, kind="stable") if found.label_N[i] == label]
        taken: set[int] = set()
        for i in order:
            box = found.boxes_N4[i].astype(float)
            options = [(counts[j], iou(box, true), j) for j, true in enumerate(true_boxes) if j not in taken]
            options = [option for option in options if option[1] >= threshold]
            if options:
                is_counted, _, j = max(options)
                taken.add(j)
                if is_counted:
                    events.append((float(found.score_N[i]), True))
            elif low <= area(box) <= high:
                events.append((float(found.score_N[i]), False))
    if not num_labels:
        return None
    events.sort(key=lambda event: -event[0])
    hits = np.cumsum([is_hit for _, is_hit in events])
    recall, precision = hits / num_labels, hits / np.arange(1, len(events) + 1)
    return float(np.mean([precision[recall >= r - 1e-12].max(initial=0) for r in RECALLS]))


@pytest.mark.parametrize("seed", range(3))
def test_against_the_definition_in_loops(seed: int) -> None:
    answers, truth = random_scenes(seed + 10)
    measured = instance_average_precision(answers, truth, num_classes=3).boxes
    areas = {"ap": (0, 1e10), "ap_small": (0, 32**2), "ap_medium": (32**2, 96**2), "ap_large": (96**2, 1e10)}
    for name, (low, high) in areas.items():
        values = [class_precision(answers, truth, label, t, low, high) for t in THRESHOLDS for label in range(3)]
        present = [value for value in values if value is not None]
        expected = float(np.mean(present)) if present else None
        assert getattr(measured, name) == pytest.approx(expected, abs=1e-6), name


def test_perfect_answers_are_one_and_no_answers_are_zero() -> None:
    truth = [rectangles((0, 1, (0, 0, 40, 40)), (1, 1, (60, 60, 70, 70))), rectangles()]
    perfect = instance_average_precision(truth, truth, num_classes=2)
    assert perfect.boxes.ap == perfect.masks.ap == pytest.approx(1)
    nothing = instance_average_precision([rectangles(), rectangles()], truth, num_classes=2)
    assert nothing.boxes.ap == nothing.masks.ap == 0 and nothing.masks.of_class == (0, 0)


def test_without_labels_nothing_is_measured() -> None:
    scores = instance_average_precision([rectangles((0, 0.5, (0, 0, 9, 9)))], [rectangles()], num_classes=1)
    assert numbers(scores.boxes) == numbers(scores.masks) == [-1] * 6
    assert scores.boxes.of_class == (None,)


def test_the_order_of_images_and_answers_does_not_matter() -> None:
    answers, truth = random_scenes(7)
    forward = instance_average_precision(answers, truth, num_classes=3)
    backward = instance_average_precision(answers[::-1], truth[::-1], num_classes=3)
    assert numbers(forward.masks) == pytest.approx(numbers(backward.masks), abs=1e-9)


def test_what_does_not_fit_is_refused() -> None:
    one = rectangles((0, 1, (0, 0, 5, 5)))
    with pytest.raises(BadInput, match="answers and labels for the same images, but got 0 and 1"):
        instance_average_precision([], [one], num_classes=1)
    with pytest.raises(BadInput, match=r"their label's size \(120, 160\), but got \(8, 8\) at image 0"):
        instance_average_precision([rectangles((0, 1, (0, 0, 5, 5)), size=(8, 8))], [one], num_classes=1)
    with pytest.raises(BadInput, match="labels must be 0 to 0, but got 3 to 3 at image 0; count among the things"):
        instance_average_precision([rectangles((3, 1, (0, 0, 5, 5)))], [one], num_classes=1)
