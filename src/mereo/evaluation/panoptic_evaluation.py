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
    tally = PanopticTally(samples.taxonomy, instances=instances)
    tally.see_all(parser, samples, progress=progress)
    return tally.found()


class PanopticTally:
    """Panoptic quality from parses that are made anyway: `see` each plain one beside its sample, then ask what was
    `found`."""

    def __init__(self, taxonomy: Taxonomy, *, instances: InstanceSource = "labelled") -> None:
        self.taxonomy, self.instances = taxonomy, instances
        self._counts, self.num_images = PanopticCounts.none(taxonomy.num_objects), 0
        self._started = time.perf_counter()

    def see_all(
        self, parser: AnyParser, samples: Samples, *, progress: Callable[[int, int], None] | None = None
    ) -> None:
        require_same_classes(parser.taxonomy, samples.taxonomy)
        for sample in each_sample(samples, progress):
            self.see(sample, parser.parse(pixels_of(sample), name=sample.name))

    def see(self, sample: Sample, parse: Parse) -> None:
        predicted = panoptic_labels_of(
            parse.semantic,
            parse.instances,
            is_thing=self.taxonomy.is_thing,
            ignore_index=None,
            name=f"answer {parse.name}",
        )
        true = labelled_panoptic(sample, self.taxonomy, instances=self.instances)
        self._counts += panoptic_counts(true, predicted, num_classes=self.taxonomy.num_objects)
        self.num_images += 1

    def found(self) -> PanopticEvaluation:
        """Its seconds are those since the tally began, with whatever else was asked of the parses."""
        return PanopticEvaluation(
            class_names=tuple(self.taxonomy.object_names),
            is_thing=self.taxonomy.is_thing,
            counts=self._counts,
            num_images=self.num_images,
            seconds=time.perf_counter() - self._started,
            instances=self.instances,
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
