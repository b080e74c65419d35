"""Evaluate an instance parser on labelled samples: COCO's AP of boxes and masks, and its file."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from mereo.atomic_files import write_text
from mereo.data.instances import Instances, labelled_instances, thing_indices
from mereo.data.sample import Sample, Samples
from mereo.errors import BadInput
from mereo.evaluation.each_sample import each_sample
from mereo.evaluation.evaluate import pixels_of
from mereo.evaluation.evaluation_files import EVALUATION_FILE
from mereo.evaluation.measures_file import one_line_an_entry
from mereo.metrics.instance_average_precision import AveragePrecision, InstanceScores, instance_average_precision

MEASURES = ("ap", "ap_50", "ap_75", "ap_small", "ap_medium", "ap_large")


class AnyDetector(Protocol):
    """What evaluation asks of a detector; `InstanceParser` is one. Its labels count the things of the data."""

    @property
    def thing_names(self) -> tuple[str, ...]: ...

    def detect(self, image_HWC: np.ndarray, *, name: str) -> Instances: ...


@dataclass(frozen=True)
class InstanceEvaluation:
    """`num_labelled` and `num_found` hold one count a class."""

    thing_names: tuple[str, ...]
    scores: InstanceScores
    num_images: int
    num_labelled: tuple[int, ...]
    num_found: tuple[int, ...]
    seconds: float
    conditions: Mapping[str, Any] = field(default_factory=dict)


def evaluate_instances(
    detector: AnyDetector,
    samples: Samples,
    *,
    watch: Callable[[Sample, Instances], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
    conditions: Mapping[str, Any] | None = None,
) -> InstanceEvaluation:
    """Detect in every sample, at its own size, and compare with its instances; masks are held as run lengths.

    `watch` is shown each sample and what was found in it; `progress(done, total)` is called after each image.
    """
    things = thing_indices(samples.taxonomy)
    names = tuple(samples.taxonomy.object_names[index] for index in things)
    if names != detector.thing_names:
        raise BadInput(
            f"parser and data must have the same things in the same order, but got {', '.join(detector.thing_names)} "
            f"and {', '.join(names)}; evaluate on data with the parser's taxonomy."
        )
    started = time.perf_counter()
    predicted, truth = [], []
    for sample in each_sample(samples, progress):
        truth.append(labelled_instances(sample, things))
        predicted.append(detector.detect(pixels_of(sample), name=sample.name))
        if watch is not None:
            watch(sample, predicted[-1])
    return InstanceEvaluation(
        thing_names=names,
        scores=instance_average_precision(predicted, truth, num_classes=len(names)),
        num_images=len(samples),
        num_labelled=_count_of_classes(truth, len(names)),
        num_found=_count_of_classes(predicted, len(names)),
        seconds=time.perf_counter() - started,
        conditions=dict(conditions or {}),
    )


def write_instance_evaluation(evaluation: InstanceEvaluation, folder: str | Path) -> Path:
    """`evaluation.json`: AP as shares of 1, null where no label is there to be found; one line a class."""

    def measures(precision: AveragePrecision) -> dict[str, float | None]:
        return {name: value for name, value in asdict(precision).items() if name != "of_class"}

    scores = evaluation.scores
    content: dict[str, Any] = {
        "format": "instances-1",
        "boxes": measures(scores.boxes),
        "masks": measures(scores.masks),
        "num_images": evaluation.num_images,
        "seconds": round(evaluation.seconds, 3),
        "conditions": dict(evaluation.conditions),
        "classes": [
            {"name": name, "labelled": labelled, "found": found, "ap_box": box, "ap_mask": mask}
            for name, labelled, found, box, mask in zip(
                evaluation.thing_names,
                evaluation.num_labelled,
                evaluation.num_found,
                scores.boxes.of_class,
                scores.masks.of_class,
                strict=True,
            )
        ],
    }
    path = Path(folder) / EVALUATION_FILE
    write_text(path, one_line_an_entry(content, has_line_a_row=True))
    return path


def _count_of_classes(images: list[Instances], num_classes: int) -> tuple[int, ...]:
    labels = np.concatenate([instances.label_N for instances in images]).astype(np.int64)
    return tuple(np.bincount(labels, minlength=num_classes).tolist())
