"""Instances of whole data sets: counts a class, AP, and the file that holds them."""

import json
from pathlib import Path

import numpy as np
import pytest

from mereo.data.drawn_scenes import DrawnScenes
from mereo.data.instances import Instances, labelled_instances, thing_indices
from mereo.data.sample import Sample
from mereo.errors import BadInput
from mereo.evaluation.instance_evaluation import evaluate_instances, write_instance_evaluation

SCENES = DrawnScenes(3, size=(48, 64))
THINGS = thing_indices(SCENES.taxonomy)
NAMES = tuple(SCENES.taxonomy.object_names[index] for index in THINGS)


class Oracle:
    """Finds what is labelled; every second thing only, if it is asked for half."""

    def __init__(self, *, every: int = 1, thing_names: tuple[str, ...] = NAMES) -> None:
        self.every, self.thing_names = every, thing_names
        self.truth = {SCENES[index].name: labelled_instances(SCENES[index], THINGS) for index in range(len(SCENES))}

    def detect(self, image_HWC: np.ndarray, *, name: str) -> Instances:
        assert image_HWC.shape == (48, 64, 3) and image_HWC.dtype == np.uint8
        all_of_it, kept = self.truth[name], slice(None, None, self.every)
        return Instances(
            all_of_it.size,
            all_of_it.label_N[kept],
            all_of_it.score_N[kept],
            all_of_it.boxes_N4[kept],
            all_of_it.masks[kept],
        )


def test_an_oracle_is_perfect_and_half_of_it_is_not() -> None:
    seen: list[tuple[str, int]] = []
    done: list[tuple[int, int]] = []

    def see(sample: Sample, found: Instances) -> None:
        seen.append((sample.name, len(found)))

    whole = evaluate_instances(Oracle(), SCENES, watch=see, progress=lambda *count: done.append(count))
    assert whole.scores.boxes.ap == whole.scores.masks.ap == pytest.approx(1)
    assert whole.num_labelled == whole.num_found and sum(whole.num_found) == sum(count for _, count in seen)
    assert [name for name, _ in seen] == SCENES.names and done == [(1, 3), (2, 3), (3, 3)]
    absent = [index for index, count in enumerate(whole.num_labelled) if count == 0]
    assert absent and all(whole.scores.masks.of_class[index] is None for index in absent)
    half = evaluate_instances(Oracle(every=2), SCENES)
    assert 0.1 < (half.scores.masks.ap or 0) < 0.9 and sum(half.num_found) < sum(whole.num_found)


def test_the_file_holds_all_numbers(tmp_path: Path) -> None:
    evaluation = evaluate_instances(Oracle(every=2), SCENES, conditions={"parser": "größe"})
    content = json.loads(write_instance_evaluation(evaluation, tmp_path).read_text(encoding="utf-8"))
    assert content["format"] == "instances-1" and content["conditions"] == {"parser": "größe"}
    assert content["boxes"]["ap"] == evaluation.scores.boxes.ap and content["masks"]["ap_large"] is None
    assert tuple(row["name"] for row in content["classes"]) == NAMES
    assert tuple(row["ap_mask"] for row in content["classes"]) == evaluation.scores.masks.of_class
    assert tuple(row["labelled"] for row in content["classes"]) == evaluation.num_labelled


def test_other_things_and_no_images_are_refused() -> None:
    with pytest.raises(BadInput, match="must have the same things in the same order, but got car, sign and sign, car"):
        evaluate_instances(Oracle(thing_names=("car", "sign")), SCENES)
    with pytest.raises(BadInput, match="samples must hold at least one image, but got none"):
        evaluate_instances(Oracle(), DrawnScenes(0, size=(48, 64)))
