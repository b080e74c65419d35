"""How much a parser's tokens mean: semantics and diversity over a data set, for classes and for instances."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from mereo.data.sample import Sample, Samples
from mereo.evaluation.each_sample import each_sample
from mereo.evaluation.evaluate import pixels_of, require_same_classes, semantic_labels
from mereo.evaluation.token_measures import TokenMeasures
from mereo.metrics.token_semantics import token_semantics
from mereo.parser.asking.answering import answering
from mereo.parser.scene_parser import SceneParser
from mereo.parser.token_weights import require_tokens, token_weights_of

NO_INSTANCE = 0


@torch.inference_mode()
def evaluate_tokens(
    parser: SceneParser, samples: Samples, *, progress: Callable[[int, int], None] | None = None
) -> TokenMeasures:
    """One plain pass over every sample; memory holds one image and two numbers of each."""
    require_tokens(parser)
    require_same_classes(parser.taxonomy, samples.taxonomy)
    taxonomy = parser.taxonomy
    of_classes, of_instances = [], []
    with answering(parser):
        for sample in each_sample(samples, progress):
            weight_Khw, label_HW = token_weights_of(parser, pixels_of(sample)), semantic_labels(sample)
            of_classes.append(
                token_semantics(weight_Khw, label_HW, taxonomy.num_objects, ignore_label=taxonomy.ignore_index)
            )
            if sample.instances_HW is not None:
                id_HW = thing_ids(sample, taxonomy.is_thing)
                of_instances.append(token_semantics(weight_Khw, id_HW, int(id_HW.max()) + 1, ignore_label=NO_INSTANCE))
    class_semantics, class_diversity = _means(of_classes)
    instance_semantics, instance_diversity = _means(of_instances)
    return TokenMeasures(
        num_tokens=len(weight_Khw),
        num_images=len(samples),
        class_semantics=class_semantics,
        class_diversity=class_diversity,
        instance_semantics=instance_semantics,
        instance_diversity=instance_diversity,
    )


def thing_ids(sample: Sample, is_thing: Sequence[bool]) -> np.ndarray:
    """H W: 1, 2, ... on the instances of things, 0 elsewhere. An instance is a pair of class and id."""
    label_HW, id_HW = semantic_labels(sample).astype(np.int64), np.asarray(sample.instances_HW).astype(np.int64)
    of_thing_HW = np.isin(label_HW, np.flatnonzero(is_thing)) & (id_HW > NO_INSTANCE)
    key_HW = label_HW * (int(id_HW.max(initial=0)) + 1) + id_HW
    _, renumbered_P = np.unique(key_HW[of_thing_HW], return_inverse=True)
    numbers_HW = np.full(id_HW.shape, NO_INSTANCE)
    numbers_HW[of_thing_HW] = renumbered_P + 1
    return numbers_HW


def _means(of_images: Sequence[tuple[float, float]]) -> tuple[float | None, float | None]:
    told = [values for values in of_images if not np.isnan(values[0])]
    if not told:
        return None, None
    semantics, diversity = np.mean(told, axis=0)
    return float(semantics), float(diversity)
