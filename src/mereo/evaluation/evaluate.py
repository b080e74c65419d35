"""Evaluate a parser on labelled samples: parse each image, count against its labels, add the counts up."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from mereo.assembly.parse import Parse
from mereo.data.sample import Sample, Samples
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.evaluation.each_sample import each_sample
from mereo.evaluation.evaluation import Evaluation
from mereo.evaluation.per_image_counts import PerImageCounts
from mereo.metrics.boundary_iou import boundary_counts
from mereo.metrics.calibration import NUM_BINS, reliability_counts
from mereo.metrics.confusion import confusion_matrix, region_counts

MAX_NAMES_IN_ERROR = 5


class AnyParser(Protocol):
    """What evaluation asks of a parser; `SceneParser` is one. Asked for confidences: also `with_confidence=True`."""

    @property
    def taxonomy(self) -> Taxonomy: ...

    def parse(self, image_HWC: np.ndarray, *, name: str, scales: Sequence[float], flip: bool) -> Parse: ...


def evaluate(
    parser: AnyParser,
    samples: Samples,
    *,
    scales: Sequence[float] = (1.0,),
    flip: bool = False,
    with_confidence: bool = False,
    watch: Callable[[Sample, Parse, np.ndarray], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Parse every sample and compare with its semantic labels. `progress(done, total)` is called after each image.

    With confidence, how far confidences can be trusted is counted too. `watch` is shown each sample, its parse and
    its counts (`region_counts`), e.g. to keep the worst ones.

    Memory holds one image, K x K counts and K x 3 numbers an image, however many images there are.
    """
    require_same_classes(parser.taxonomy, samples.taxonomy)
    started = time.perf_counter()
    num_classes, ignore_index = samples.taxonomy.num_objects, samples.taxonomy.ignore_index
    confusion_KK = np.zeros((num_classes, num_classes), dtype=np.int64)
    boundary_K3 = np.zeros((num_classes, 3), dtype=np.int64)
    reliability_B3 = np.zeros((NUM_BINS, 3), dtype=np.int64) if with_confidence else None
    options: dict[str, Any] = {"scales": scales, "flip": flip}
    if with_confidence:
        options["with_confidence"] = True
    per_image = PerImageCounts(num_classes)
    names = []
    for sample in each_sample(samples, progress):
        label_HW = semantic_labels(sample)
        parse = parser.parse(pixels_of(sample), name=sample.name, **options)
        predicted_HW = _semantic_answer(parse, sample)
        try:
            of_image_KK = confusion_matrix(label_HW, predicted_HW, num_classes=num_classes, ignore_index=ignore_index)
            boundary_K3 += boundary_counts(label_HW, predicted_HW, num_classes=num_classes, ignore_index=ignore_index)
            if reliability_B3 is not None:
                confidence_HW = _confidence(parse, sample)
                reliability_B3 += reliability_counts(label_HW, predicted_HW, confidence_HW, ignore_index=ignore_index)
        except BadInput as error:
            raise BadInput(f"image {sample.name}: {error}") from error
        confusion_KK += of_image_KK
        counts_K3 = region_counts(of_image_KK)
        per_image.append(counts_K3)
        if watch is not None:
            watch(sample, parse, counts_K3)
        names.append(sample.name)
    return Evaluation(
        class_names=tuple(samples.taxonomy.object_names),
        image_names=tuple(names),
        confusion_KK=confusion_KK,
        boundary_K3=boundary_K3,
        per_image_NK3=per_image.counts_NK3(),
        seconds=time.perf_counter() - started,
        scales=tuple(float(scale) for scale in scales),
        flip=flip,
        reliability_B3=reliability_B3,
    )


def pixels_of(sample: Sample) -> np.ndarray:
    """H W C, as a parser takes them."""
    return np.ascontiguousarray(np.moveaxis(np.asarray(sample.image_CHW), 0, -1))


def semantic_labels(sample: Sample) -> np.ndarray:
    """H W, or an error that names the sample."""
    if sample.semantic_HW is None:
        raise BadInput(
            f"every sample must have semantic labels, but got none in {sample.name}; "
            "add the label file or choose a data set that has them."
        )
    return np.asarray(sample.semantic_HW)


def _semantic_answer(parse: Parse, sample: Sample) -> np.ndarray:
    if parse.semantic is None:
        raise BadInput(f"a parser must answer semantic classes, but got none for {sample.name}; add e.g. PixelClasses.")
    return np.asarray(parse.semantic)


def _confidence(parse: Parse, sample: Sample) -> np.ndarray:
    if parse.confidence is None:
        raise BadInput(f"a parser must answer confidences, but got none for {sample.name}; evaluate without them.")
    return np.asarray(parse.confidence)


def require_same_classes(parser_taxonomy: Taxonomy, samples_taxonomy: Taxonomy) -> None:
    """Equal names at equal indices; or the error says which names differ."""
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
