"""PQ of a parser: the truth as an answer has 1, things without instances are void, components stand in for labels."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torchvision import tv_tensors

from mereo.assembly.parse import Parse
from mereo.data.drawn_scenes import DrawnScenes, drawn_taxonomy
from mereo.data.panoptic_labels import panoptic_labels_of
from mereo.data.sample import Sample
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.evaluation.panoptic_evaluation import evaluate_panoptic, labelled_panoptic
from mereo.metrics.panoptic_quality import panoptic_counts


class Told:
    """Answers with the labels themselves, in turn; ignored pixels are the first class."""

    def __init__(self, samples: DrawnScenes, *, knows_instances: bool = True) -> None:
        self.samples, self.knows_instances, self.asked = samples, knows_instances, 0

    @property
    def taxonomy(self) -> Taxonomy:
        return self.samples.taxonomy

    def parse(self, image_HWC: np.ndarray, *, name: str) -> Parse:
        sample = self.samples[self.asked]
        self.asked += 1
        semantic_HW = sample.semantic_HW.numpy().copy()
        semantic_HW[semantic_HW == self.taxonomy.ignore_index] = 0
        instances = sample.instances_HW.numpy() if self.knows_instances else None
        return Parse(image_HWC, semantic_HW, self.taxonomy, name=name, instances=instances)


def test_the_truth_has_quality_1() -> None:
    samples = DrawnScenes(3, size=(48, 64), kinds=("street",))
    found = evaluate_panoptic(Told(samples), samples)
    assert found.things.pq == found.all.sq == 1 and found.num_images == 3
    assert found.stuff.pq == pytest.approx(1, abs=0.05)


def test_without_instances_things_are_missed_and_stuff_is_not() -> None:
    samples = DrawnScenes(2, size=(48, 64), kinds=("street",))
    found = evaluate_panoptic(Told(samples, knows_instances=False), samples)
    assert found.things.pq == 0 and found.stuff.pq > 0.9
    assert not found.counts.false_positives_K[np.array(samples.taxonomy.is_thing)].any()


def test_segments_by_a_loop() -> None:
    random = np.random.default_rng(0)
    semantic_HW, instances_HW = random.choice([0, 1, 2, 255], (6, 7)), random.integers(0, 3, (6, 7))
    found = panoptic_labels_of(semantic_HW, instances_HW, is_thing=(False, True, True))
    name_of_id: dict[int, tuple[int, int]] = {}
    for index, instance, number in zip(semantic_HW.ravel(), instances_HW.ravel(), found.ids_HW.ravel()):
        if index == 255 or (index > 0 and instance == 0):
            assert number == 0
        else:
            assert name_of_id.setdefault(int(number), (index, instance if index else 0)) == (
                index,
                instance * (index > 0),
            )
    assert len(set(name_of_id.values())) == len(name_of_id) == len(found.segments)
    assert {one.id: one.class_index for one in found.segments} == {one: name[0] for one, name in name_of_id.items()}


def test_components_are_a_truth_without_instance_labels() -> None:
    sample, taxonomy = DrawnScenes(1, size=(48, 64), kinds=("street",))[0], drawn_taxonomy()
    without = replace(sample, instances_HW=None)
    weak = labelled_panoptic(without, taxonomy, instances="components")
    counts = panoptic_counts(weak, weak, num_classes=taxonomy.num_objects)
    assert counts.true_positives_K[np.array(taxonomy.is_thing)].sum() > 0
    with pytest.raises(BadInput, match="every sample must have a label map of classes and one of instances"):
        labelled_panoptic(without, taxonomy)
    picture = Sample("bare", tv_tensors.Image(torch.zeros(3, 4, 4, dtype=torch.uint8)))
    with pytest.raises(BadInput, match="every sample must have a label map of classes, but got none in bare"):
        labelled_panoptic(picture, taxonomy, instances="components")


def test_no_samples() -> None:
    with pytest.raises(BadInput, match="samples must hold at least one image"):
        evaluate_panoptic(Told(DrawnScenes(1)), DrawnScenes(0))
