"""Tokens over a data set: means of what single images say, instances of things only, what is written and read."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "interaction"))
sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from test_token_explanation import token_parser
from tiny_parser import TAXONOMY, random_image, tiny_parser

from mereo.data.sample import Sample, as_image, as_mask
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.evaluation.token_evaluation import evaluate_tokens, thing_ids
from mereo.evaluation.token_measures import TokenMeasures, read_token_measures, write_token_measures
from mereo.metrics.token_semantics import token_semantics
from mereo.parser.token_weights import token_weights_of

WITH_CARS = replace(TAXONOMY, is_thing=(False, False, True))


def sample(seed: int, *, is_labelled: bool = True, has_instances: bool = True) -> Sample:
    label_HW = np.full((24, 40), 65535 if TAXONOMY.ignore_index > 255 else 255)
    ids_HW = np.zeros((24, 40), dtype=np.int64)
    if is_labelled:
        label_HW[:, :10], label_HW[:, 10:30], label_HW[4:, 30:] = seed % 2, 1, 2
        ids_HW[4:, 30:35], ids_HW[4:, 35:], ids_HW[0:3, 0:3] = 7, 900, 5  # The last lies on no thing.
    return Sample(
        name=f"s{seed}",
        image_CHW=as_image(random_image(24, 40, seed=seed)),
        semantic_HW=as_mask(label_HW),
        instances_HW=as_mask(ids_HW) if has_instances else None,
    )


class Samples:
    def __init__(self, *samples: Sample, taxonomy: Taxonomy = WITH_CARS) -> None:
        self.samples, self.taxonomy = samples, taxonomy

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]


def test_means_over_the_images_that_say_something() -> None:
    parser = token_parser()
    parser.taxonomy = WITH_CARS
    samples = Samples(sample(0), sample(1, is_labelled=False), sample(2, has_instances=False))
    seen: list[tuple[int, int]] = []
    found = evaluate_tokens(parser, samples, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)] and (found.num_tokens, found.num_images) == (6, 3)
    classes, instances = [], []
    for one in (samples[0], samples[2]):
        weight_Khw = token_weights_of(parser, np.moveaxis(np.asarray(one.image_CHW), 0, -1))
        classes.append(token_semantics(weight_Khw, np.asarray(one.semantic_HW), 3))
        if one.instances_HW is not None:
            ids_HW = np.asarray(one.instances_HW)
            label_HW = np.where(ids_HW == 7, 0, np.where(ids_HW == 900, 1, 255))
            instances.append(token_semantics(weight_Khw, label_HW, 2))
    assert (found.class_semantics, found.class_diversity) == pytest.approx(tuple(np.mean(classes, axis=0)))
    assert (found.instance_semantics, found.instance_diversity) == pytest.approx(instances[0])


def test_only_things_have_instances() -> None:
    ids_HW = thing_ids(sample(0), WITH_CARS.is_thing)
    assert sorted(set(ids_HW.ravel().tolist())) == [0, 1, 2] and not ids_HW[:4].any()


def test_classes_that_are_numbered_anew_have_things_of_their_own() -> None:
    """Road 1, car 1 and car 2, as data sets have them that count each class from 1; a crowd (0) is none of them."""
    label_HW, ids_HW = np.array([[1, 1, 2, 2, 2, 0]]), np.array([[1, 1, 1, 2, 0, 7]])
    image_CHW = as_image(np.zeros((1, 6, 3), dtype=np.uint8))
    numbered = Sample("one", image_CHW, semantic_HW=as_mask(label_HW), instances_HW=as_mask(ids_HW))
    assert thing_ids(numbered, (False, True, True)).tolist() == [[1, 1, 2, 3, 0, 0]]


def test_without_instances() -> None:
    found = evaluate_tokens(token_parser(), Samples(sample(0, has_instances=False), taxonomy=TAXONOMY))
    assert found.instance_semantics is None and found.class_semantics is not None


def test_written_and_read(tmp_path: Path) -> None:
    evaluation = TokenMeasures(num_tokens=3, num_images=2, class_semantics=0.25, class_diversity=None)
    assert read_token_measures(tmp_path) is None
    write_token_measures(evaluation, tmp_path / "run")
    assert read_token_measures(tmp_path / "run") == evaluation


def test_no_samples_and_no_tokens() -> None:
    with pytest.raises(BadInput, match="samples must hold at least one image, but got none"):
        evaluate_tokens(token_parser(), Samples(taxonomy=TAXONOMY))
    with pytest.raises(BadInput, match="a parser must have tokens to look at, but got none"):
        evaluate_tokens(tiny_parser(), Samples(sample(0), taxonomy=TAXONOMY))
