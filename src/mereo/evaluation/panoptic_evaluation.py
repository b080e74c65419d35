"""Panoptic quality of a parser on labelled samples: parse each picture, compare its segments, add the counts up."""

import time
from collections.abc import Callable
from typing import Protocol

import numpy as np

from mereo.assembly.parse import Parse
from mereo.data.component_instances import InstanceSource, component_instances
from mereo.data.instances import require_instances
from mereo.data.panoptic_labels import panoptic_labels_of
from mereo.data.panoptic_map import PanopticMap
from mereo.data.sample import Sample, Samples
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.evaluation.each_sample import each_sample
from mereo.evaluation.evaluate import pixels_of, require_same_classes
from mereo.evaluation.panoptic_files import PanopticEvaluation
from mereo.metrics.panoptic_quality import PanopticCounts, panoptic_counts


class AnyParser(Protocol):
    """What is asked of a parser; `SceneParser` is one, and so is a pair of branches (parser/two_branches.py)."""

    @property
    def taxonomy(self) -> Taxonomy: ...

    def parse(self, image_HWC: np.ndarray, *, name: str) -> Parse: ...


def evaluate_panoptic(
    parser: AnyParser,
    samples: Samples,
    *,
    instances: InstanceSource = "labelled",
    progress: Callable[[int, int], None] | None = None,
) -> PanopticEvaluation:
    """PQ of all classes, of things and of stuff, at the samples' own size.

    A thing's pixels without an instance are void on both sides. `instances` "components": the truth of the things is
    every connected piece of their class, for data that tells no instances.
    """
    taxonomy = samples.taxonomy
    require_same_classes(parser.taxonomy, taxonomy)
    started, counts = time.perf_counter(), PanopticCounts.none(taxonomy.num_objects)
    for sample in each_sample(samples, progress):
        parse = parser.parse(pixels_of(sample), name=sample.name)
        predicted = panoptic_labels_of(
            parse.semantic, parse.instances, is_thing=taxonomy.is_thing, ignore_index=None, name=f"answer {parse.name}"
        )
        counts += panoptic_counts(
            labelled_panoptic(sample, taxonomy, instances=instances), predicted, num_classes=taxonomy.num_objects
        )
    return PanopticEvaluation(
        class_names=tuple(taxonomy.object_names),
        is_thing=taxonomy.is_thing,
        counts=counts,
        num_images=len(samples),
        seconds=time.perf_counter() - started,
        instances=instances,
    )


def labelled_panoptic(sample: Sample, taxonomy: Taxonomy, *, instances: InstanceSource = "labelled") -> PanopticMap:
    """The truth of one sample. Without things in the taxonomy no map of instances is asked for."""
    if taxonomy.things and instances == "labelled":
        semantic_HW, instances_HW = (one.numpy() for one in require_instances(sample))
    elif sample.semantic_HW is not None:
        semantic_HW = sample.semantic_HW.numpy()
        instances_HW = component_instances(semantic_HW, taxonomy.things)
    else:
        raise BadInput(
            f"every sample must have a label map of classes, but got none in {sample.name}; choose labelled data."
        )
    return panoptic_labels_of(
        semantic_HW, instances_HW, is_thing=taxonomy.is_thing, ignore_index=taxonomy.ignore_index, name=sample.name
    )
