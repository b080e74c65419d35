"""What a card says of an evaluation: each measure by its task, and how many images each task was measured on."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))

from test_evaluation_files import made_evaluation
from test_perceptual_files import perceptual_measures

from mereo.evaluation.perceptual_measures import ImageTask, PerceptualMeasures, PixelTask
from mereo.recipe.run_facts import measured_of

OBJECTS = PixelTask(("sky", "road"), 2, np.array([[6, 8, 8], [4, 6, 6]]))
PARTS = PixelTask(("wheel", "door"), 313, np.array([[1, 4, 1], [0, 0, 0]]))
TEXTURES = ImageTask(("banded", "fine"), np.array([[40, 10], [10, 10]]))


def test_of_objects_alone() -> None:
    evaluation = made_evaluation()
    found = measured_of(evaluation, None)
    assert found.measured == {
        "mean_iou": round(evaluation.mean_iou, 4),
        "pixel_accuracy": round(evaluation.pixel_accuracy, 4),
        "boundary_iou": round(evaluation.boundary_iou, 4),
    }
    assert found.measured_on == f"{evaluation.num_images} images of val"


def test_each_of_several_tasks_has_its_images() -> None:
    tasks = PerceptualMeasures(466, objects=OBJECTS, parts=PARTS, textures=TEXTURES)
    evaluation = made_evaluation()
    found = measured_of(evaluation, tasks)
    of_objects = ["mean_iou", "pixel_accuracy", "boundary_iou"]
    assert list(found.measured) == [*of_objects, "parts_mean_iou", "textures_accuracy"]
    assert found.measured["parts_mean_iou"] == 0.25 and found.measured["textures_accuracy"] == 0.4
    assert found.measured_on == f"val: objects {evaluation.num_images}, parts 313, textures 50 images"


def test_one_task_that_is_not_objects() -> None:
    found = measured_of(None, PerceptualMeasures(466, textures=TEXTURES))
    assert (found.measured, found.measured_on) == ({"textures_accuracy": 0.4}, "50 images of val")


def test_nothing_was_measured() -> None:
    assert measured_of(None, None) == measured_of(None, PerceptualMeasures(466))
    assert (measured_of(None, None).measured, measured_of(None, None).measured_on) == ({}, "")


def test_what_is_not_there_is_left_out() -> None:
    nothing = replace(PARTS, counts_K3=np.zeros((2, 3), dtype=np.int64))
    found = measured_of(None, PerceptualMeasures(9, parts=nothing, textures=TEXTURES))
    assert (found.measured, found.measured_on) == ({"textures_accuracy": 0.4}, "50 images of val")


def test_every_task_gives_its_first_measure() -> None:
    measures = perceptual_measures()
    kinds = {"materials": "mean_iou", "scenes": "accuracy"}
    expected = {f"{name}_{kind}": round(measures.value_of(name, kind) or 0, 4) for name, kind in kinds.items()}
    assert measured_of(None, measures).measured == expected
