"""Evaluate a parser on labelled samples: parse each image, count against its labels, add the counts up."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from mereo.assembly.parse import Parse
from mereo.data.sample import Sample, Samples
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.evaluation.evaluation import Evaluation
from mereo.evaluation.per_image_counts import PerImageCounts
from mereo.metrics.boundary_iou import boundary_counts
from mereo.metrics.confusion import confusion_matrix, region_counts

MAX_NAMES_IN_ERROR = 5


class AnyParser(Protocol):
    """What evaluation asks of a parser; `SceneParser` is one."""

    @property
    def taxonomy(self) -> Taxonomy: ...

    def parse(self, image_HWC: np.ndarray, *, name: str, scales: Sequence[float], flip: bool) -> Parse: ...


def evaluate(
    parser: AnyParser,
    samples: Samples,
    *,
    scales: Sequence[float] = (1.0,),
    flip: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Parse every sample and compare with its semantic labels. `progress(done, total)` is called after each image.

    Memory holds one image, K x K counts and K x 3 numbers an image, however many images there are.
    """
    _require_same_classes(parser.taxonomy, samples.taxonomy)
    if len(samples) == 0:
        raise BadInput("samples must hold at least one image, but got none; check folder and split.")
    started = time.perf_counter()
    num_classes, ignore_index = samples.taxonomy.num_objects, samples.taxonomy.ignore_index
    confusion_KK = np.zeros((num_classes, num_classes), dtype=np.int64)
    boundary_K3 = np.zeros((num_classes, 3), dtype=np.int64)
    per_image = PerImageCounts(num_classes)
    names = []
    for index in range(len(samples)):
        sample = samples[index]
        label_HW = _semantic_labels(sample)
        predicted_HW = _semantic_answer(parser, sample, scales=scales, flip=flip)
        try:
            of_image_KK = confusion_matrix(label_HW, predicted_HW, num_classes=num_classes, ignore_index=ignore_index)
            boundary_K3 += boundary_counts(label_HW, predicted_HW, num_classes=num_classes, ignore_index=ignore_index)
        except BadInput as error:
            raise BadInput(f"image {sample.name}: {error}") from error
        confusion_KK += of_image_KK
        per_image.append(region_counts(of_image_KK))
        names.append(sample.name)
        if progress is not None:
            progress(index + 1, len(samples))
    return Evaluation(
        class_names=tuple(samples.taxonomy.object_names),
        image_names=tuple(names),
        confusion_KK=confusion_KK,
        boundary_K3=boundary_K3,
        per_image_NK3=per_image.counts_NK3(),
        seconds=time.perf_counter() - started,
        scales=tuple(float(scale) for scale in scales),
        flip=flip,
    )


def _semantic_labels(sample: Sample) -> np.ndarray:
    if sample.semantic_HW is None:
        raise BadInput(
            f"every sample must have semantic labels, but got none in {sample.name}; "
            "add the label file or choose a data set that has them."
        )
    return np.asarray(sample.semantic_HW)


def _semantic_answer(parser: AnyParser, sample: Sample, *, scales: Sequence[float], flip: bool) -> np.ndarray:
    image_HWC = np.ascontiguousarray(np.moveaxis(np.asarray(sample.image_CHW), 0, -1))
    semantic_HW = parser.parse(image_HWC, name=sample.name, scales=scales, flip=flip).semantic
    if semantic_HW is None:
        raise BadInput(f"a parser must answer semantic classes, but got none for {sample.name}; add e.g. PixelClasses.")
    return np.asarray(semantic_HW)


def _require_same_classes(parser_taxonomy: Taxonomy, samples_taxonomy: Taxonomy) -> None:
    of_parser, of_samples = parser_taxonomy.object_names, samples_taxonomy.object_names
    if of_parser == of_samples:
        return
    differences = [
        f"{who} {_some_names(names)}"
        for who, names in (
            ("only the parser knows", [name for name in of_parser if name not in of_samples]),
            ("only the data has", [name for name in of_samples if name not in of_parser]),
        )
        if names
    ]
    raise BadInput(
        f"parser and data must have the same classes in the same order, but got {len(of_parser)} classes in the parser "
        f"and {len(of_samples)} in the data ({'; '.join(differences) or 'the same names in another order'}); "
        "evaluate on data with the parser's taxonomy, or train a parser for this one."
    )


def _some_names(names: list[str]) -> str:
    shown = ", ".join(names[:MAX_NAMES_IN_ERROR])
    return shown if len(names) <= MAX_NAMES_IN_ERROR else f"{shown} and {len(names) - MAX_NAMES_IN_ERROR} more"
