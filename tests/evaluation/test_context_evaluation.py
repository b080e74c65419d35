"""Context error of parsers of three kinds, against loops over pixels in float64; the truth, whatever they answer."""

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_instance_parser import tiny_instance_parser
from tiny_parser import taxonomy_of, tiny_parser
from tiny_sorting_parser import STREET, tiny_sorting_parser

from mereo.data.drawn_scenes import DrawnScenes, drawn_taxonomy
from mereo.data.sample import Sample, as_image, as_mask
from mereo.errors import BadInput
from mereo.evaluation.context_evaluation import NO_THING, evaluate_context, true_things
from mereo.evaluation.context_measures import read_context_measures, write_context_measures
from mereo.parser.dense_features import dense_features
from mereo.parser.scene_parser import SceneParser
from mereo.parser.two_branches import TwoBranches

SAMPLES = DrawnScenes(4, size=(40, 56), kinds=("street",))
OFFSETS = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]
Thing = tuple[int, np.ndarray, list[list[float] | None]]


def things_by_a_loop(parser: SceneParser | TwoBranches, *, are_components: bool) -> list[Thing]:
    """Class, vector and surroundings of every true thing, pixel by pixel."""
    things, taxonomy = [], drawn_taxonomy()
    for index in range(len(SAMPLES)):
        sample = SAMPLES[index]
        image_HWC = np.moveaxis(sample.image_CHW.numpy(), 0, -1)
        map_Chw = dense_features(parser, image_HWC).map_Chw
        label_HW, id_HW = sample.semantic_HW.numpy(), sample.instances_HW.numpy()
        height, width = label_HW.shape
        for thing in np.flatnonzero(taxonomy.is_thing):
            if are_components:
                piece_HW, count = ndimage.label(label_HW == thing, structure=np.ones((3, 3)))
                masks = [piece_HW == piece for piece in range(1, count + 1)]
            else:
                masks = [(id_HW == one) & (label_HW == thing) for one in np.unique(id_HW[label_HW == thing]) if one]
            for mask_HW in masks:
                total_C = np.zeros(len(map_Chw))
                rows, columns = np.nonzero(mask_HW)
                for y, x in zip(rows, columns):
                    total_C += map_Chw[:, y * map_Chw.shape[1] // height, x * map_Chw.shape[2] // width]
                box = (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
                around = surroundings_by_a_loop(label_HW, box, taxonomy.num_objects)
                length = math.sqrt(sum(float(one) ** 2 for one in total_C))
                things.append((int(thing), total_C / length if length else total_C, around))
    return things


def surroundings_by_a_loop(label_HW: np.ndarray, box: tuple[int, ...], num_classes: int) -> list[list[float] | None]:
    top, left, bottom, right = box
    regions: list[list[float] | None] = []
    for down, across in OFFSETS:
        counts = [0] * num_classes
        for y in range(top, bottom):
            for x in range(left, right):
                row, column = y + down * (bottom - top), x + across * (right - left)
                if 0 <= row < label_HW.shape[0] and 0 <= column < label_HW.shape[1] and label_HW[row, column] != 255:
                    counts[label_HW[row, column]] += 1
        regions.append([count / sum(counts) for count in counts] if sum(counts) else None)
    return regions


def divergence(p_K: list[float], q_K: list[float]) -> float:
    return sum(p * math.log(p / (q if q > 0 else 0.1)) for p, q in zip(p_K, q_K) if p > 0)


def error_of_classes(things: list[Thing], neighbours: int) -> dict[int, float]:
    of_class: dict[int, list[float]] = {}
    for query, (index, vector, around) in enumerate(things):
        others = [one for one in range(len(things)) if one != query and things[one][0] == index]
        others.sort(key=lambda one: -float(vector @ things[one][1]))
        summands = [
            divergence(mine, theirs) + divergence(theirs, mine)
            for one in others[:neighbours]
            for mine, theirs in zip(around, things[one][2])
            if mine is not None and theirs is not None
        ]
        if summands:
            of_class.setdefault(index, []).append(sum(summands) / len(summands))
    return {index: sum(errors) / len(errors) for index, errors in of_class.items()}


def parser_of(kind: str) -> SceneParser | TwoBranches:
    semantic = tiny_parser("upernet", taxonomy=drawn_taxonomy(), backbone="test_efficientnet")
    if kind == "pixel classes":
        return semantic
    if kind == "sorted segments":
        return tiny_sorting_parser(taxonomy=drawn_taxonomy())
    return TwoBranches(semantic, tiny_instance_parser(taxonomy=drawn_taxonomy()))


@pytest.mark.parametrize(
    ("kind", "instances", "features"),
    [
        ("pixel classes", "labelled", "the last map of the path, which its heads read"),
        ("sorted segments", "components", "the embedding of segment_sorting"),
        ("two branches", "labelled", "the finest map of the detector's pyramid"),
    ],
)
def test_by_loops_over_pixels(kind: str, instances: str, features: str) -> None:
    parser = parser_of(kind)
    seen: list[tuple[int, int]] = []
    found = evaluate_context(
        parser, SAMPLES, instances=instances, neighbours=3, progress=lambda done, total: seen.append((done, total))
    )
    things = things_by_a_loop(parser, are_components=instances == "components")
    wanted = error_of_classes(things, 3)
    names = drawn_taxonomy().object_names
    told = {one.name: one.error for one in found.classes if one.error is not None}
    assert told == pytest.approx({names[index]: error for index, error in wanted.items()}, abs=1e-9)
    assert len(wanted) > 1 and found.error == pytest.approx(sum(wanted.values()) / len(wanted), abs=1e-9)
    assert found.num_instances == len(things) and found.features == features and found.instances == instances
    assert [one.tells_little for one in found.classes] == [one.instances < 7 for one in found.classes]
    assert seen == [(done, 4) for done in range(1, 5)]
    assert [one.name for one in found.classes] == [names[i] for i in np.flatnonzero(drawn_taxonomy().is_thing)]


class CarsOnOneGround(DrawnScenes):
    """Six pictures of one car each, on sky and on road in turn."""

    def __init__(self) -> None:
        super().__init__(6, size=(20, 24))
        self.taxonomy = STREET

    def __getitem__(self, index: int) -> Sample:
        label_HW = np.full(self.size, index % 2)
        label_HW[8:12, 8:14] = 2
        return Sample(str(index), as_image(np.zeros((*self.size, 3), np.uint8)), as_mask(label_HW), as_mask(label_HW))


@pytest.mark.parametrize(("direction_of_6", "wanted"), [([0, 1] * 3, 0.0), ([0, 0, 1, 1, 2, 2], 2 * math.log(10))])
def test_who_remembers_the_ground_has_no_error(direction_of_6: list[int], wanted: float) -> None:
    """Planted embeddings: cars on one ground point the same way, or pairs of cars on different grounds do."""
    parser, asked = tiny_sorting_parser(), iter(direction_of_6)

    def planted(features: object) -> torch.Tensor:
        map_1Dhw = torch.zeros(1, 6, 5, 6)
        map_1Dhw[:, next(asked)] = 1
        return map_1Dhw

    parser.heads[0].branch.forward = planted  # type: ignore[method-assign, assignment]
    assert evaluate_context(parser, CarsOnOneGround(), neighbours=1).error == pytest.approx(wanted)


def test_pictures_without_a_thing_and_data_without_any(tmp_path: Path) -> None:
    class Empty(DrawnScenes):
        def __getitem__(self, index: int):  # type: ignore[no-untyped-def]
            sample = super().__getitem__(index)
            return replace(sample, semantic_HW=sample.semantic_HW * 0, instances_HW=sample.instances_HW * 0)

    stuff = drawn_taxonomy().is_thing.index(False)
    assert stuff == 0, "the class of the emptied samples"
    thing_HW, class_N = true_things(Empty(1, size=(20, 24))[0], drawn_taxonomy())
    assert (thing_HW == NO_THING).all() and len(class_N) == 0
    found = evaluate_context(tiny_sorting_parser(taxonomy=drawn_taxonomy()), Empty(2, size=(20, 24)))
    assert found.error is None and found.num_instances == 0
    write_context_measures(found, tmp_path)
    assert read_context_measures(tmp_path) == found


def test_what_is_refused() -> None:
    parser = tiny_sorting_parser(taxonomy=drawn_taxonomy())
    with pytest.raises(BadInput, match="samples must hold at least one image"):
        evaluate_context(parser, DrawnScenes(0))
    with pytest.raises(BadInput, match="parser and data must have the same classes"):
        evaluate_context(tiny_sorting_parser(), SAMPLES)
    without_things = DrawnScenes(1, size=(20, 24))
    without_things.taxonomy = taxonomy_of("sky", "road", "car")
    with pytest.raises(BadInput, match="a taxonomy must name things to have instances"):
        evaluate_context(tiny_parser(), without_things)
