"""Two label maps -> things with class, box and mask."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torchvision import tv_tensors

from mereo.data.drawn_scenes import DrawnScenes
from mereo.data.instances import boxes_around, instance_targets, labelled_instances, thing_indices
from mereo.data.sample import Sample
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput

THINGS = (1, 3)
maps = arrays(np.int32, (5, 6), elements=st.integers(0, 4))


def sample_of(semantic_HW: np.ndarray, instances_HW: np.ndarray | None) -> Sample:
    return Sample(
        name="one",
        image_CHW=tv_tensors.Image(torch.zeros(3, *semantic_HW.shape, dtype=torch.uint8)),
        semantic_HW=tv_tensors.Mask(torch.from_numpy(semantic_HW)),
        instances_HW=None if instances_HW is None else tv_tensors.Mask(torch.from_numpy(instances_HW)),
    )


def by_loops(semantic_HW: np.ndarray, instances_HW: np.ndarray) -> list[tuple[int, list[int], np.ndarray]]:
    """Class, box and mask of each instance, pixel by pixel."""
    found = []
    for number, instance in product(range(len(THINGS)), range(1, 5)):
        pixels = [
            (row, column)
            for row in range(5)
            for column in range(6)
            if instances_HW[row, column] == instance and semantic_HW[row, column] == THINGS[number]
        ]
        if not pixels:
            continue
        rows, columns = zip(*pixels)
        mask_HW = np.zeros((5, 6), dtype=bool)
        mask_HW[rows, columns] = True
        found.append((number, [min(columns), min(rows), max(columns) + 1, max(rows) + 1], mask_HW))
    return found


@given(semantic_HW=maps, instances_HW=maps)
@settings(max_examples=60, deadline=None)
def test_targets_and_labels_agree_with_loops(semantic_HW: np.ndarray, instances_HW: np.ndarray) -> None:
    semantic_HW[0, 0] = 255  # Ignored.
    expected = by_loops(semantic_HW, instances_HW)
    targets = instance_targets(torch.from_numpy(semantic_HW), torch.from_numpy(instances_HW), THINGS)
    labels = labelled_instances(sample_of(semantic_HW, instances_HW), THINGS)
    assert targets.label_N.tolist() == labels.label_N.tolist() == [label for label, _, _ in expected]
    assert targets.boxes_N4.tolist() == labels.boxes_N4.tolist() == [box for _, box, _ in expected]
    assert len(labels) == len(targets.mask_NHW) == len(expected)
    for mask_HW, runs, (_, _, expected_HW) in zip(targets.mask_NHW, labels.masks, expected):
        assert np.array_equal(mask_HW.numpy(), expected_HW) and np.array_equal(runs.mask_HW(), expected_HW)
    assert (labels.score_N == 1).all()


def test_classes_that_are_numbered_anew_have_things_of_their_own() -> None:
    """Person 1 and car 1 are two things; a crowd (0) and ids on stuff are none."""
    semantic_HW = np.array([[1, 1, 3, 3, 3, 0]], dtype=np.int32)
    instances_HW = np.array([[1, 1, 1, 2, 0, 2]], dtype=np.int32)
    targets = instance_targets(torch.from_numpy(semantic_HW), torch.from_numpy(instances_HW), THINGS)
    labels = labelled_instances(sample_of(semantic_HW, instances_HW), THINGS)
    assert targets.label_N.tolist() == labels.label_N.tolist() == [0, 1, 1]
    wanted = [[0, 0, 2, 1], [2, 0, 3, 1], [3, 0, 4, 1]]
    assert targets.boxes_N4.tolist() == labels.boxes_N4.tolist() == wanted


def test_no_thing_is_no_instance() -> None:
    empty = np.zeros((4, 5), dtype=np.int32)
    assert len(labelled_instances(sample_of(empty, empty), THINGS)) == 0
    targets = instance_targets(torch.from_numpy(empty), torch.from_numpy(empty), THINGS)
    assert targets.boxes_N4.shape == (0, 4) and targets.mask_NHW.shape == (0, 4, 5)
    assert boxes_around(torch.zeros(0, 4, 5, dtype=torch.bool)).shape == (0, 4)


def test_drawn_scenes_have_things() -> None:
    scenes = DrawnScenes(3, size=(48, 64))
    things = thing_indices(scenes.taxonomy)
    assert [scenes.taxonomy.object_names[index] for index in things][:2] == ["sign", "car"]
    assert len(labelled_instances(scenes[0], things)) > 3


def test_a_taxonomy_without_things_is_refused() -> None:
    with pytest.raises(BadInput, match="must name things to have instances, but got none in stuff"):
        thing_indices(Taxonomy("stuff", LabelTable(("sky", "road"))))


def test_a_sample_without_instances_is_refused() -> None:
    with pytest.raises(BadInput, match="one of instances, but got no instances in one; choose data with instances"):
        labelled_instances(sample_of(np.zeros((2, 2), np.int32), None), THINGS)
