"""A head that says classes and one that sorts segments in one parser: both answers in one parse, and they agree."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from tiny_parser import random_image
from tiny_sorting_parser import CENTERS, HEAD, STREET

from mereo.assembly.sorted_segments import grouped_segments
from mereo.data.drawn_scenes import drawn_taxonomy
from mereo.data.taxonomy import Taxonomy
from mereo.heads.segment_sorting import SegmentSortingPrediction
from mereo.parser.asking.divided_things import _on_pixels as on_pixels
from mereo.parser.asking.divided_things import divided_image
from mereo.parser.asking.image_scores import prepared_image
from mereo.parser.asking.parsing import parse_image
from mereo.parser.config import ParserConfig
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import load, save_parser
from mereo.regions.nearest_places import nearest_places
from mereo.strict_yaml import validated


def joint_parser(
    first: str = "perceptual", *, taxonomy: Taxonomy | None = None, seed: int = 0, **sorting: object
) -> SceneParser:
    """Over one grouped backbone, as `everyday` is to be."""
    content = {
        "backbone": {"name": "test_efficientnet"},
        "path": [
            {"stage": "feature_levels", "width": 8, "grid_sizes": []},
            {"stage": "deep_grouping", "width": 8, "max_regions": 30},
        ],
        "heads": [{"head": first} | ({"width": 8} if first == "perceptual" else {}), HEAD | sorting],
    }
    torch.manual_seed(seed)
    parser = validated(ParserConfig, content, source="a test").build(taxonomy or drawn_taxonomy()).eval()
    classify = parser.heads[0].object if first == "perceptual" else parser.heads[0].classify
    torch.nn.init.normal_(classify.weight, std=2.0)
    sorted_head = parser.heads[1]
    with torch.no_grad():  # Behind a ReLU all embeddings of fresh weights would point almost the same way.
        sorted_head.branch.fuse.weight -= sorted_head.branch.fuse.weight.mean(dim=1, keepdim=True)
    torch.nn.init.zeros_(sorted_head.branch.fuse.bias)
    return parser


def test_one_parse_has_all_six_answers() -> None:
    parse = joint_parser().parse(random_image(61, 83))
    answers = (parse.parts, parse.materials, parse.texture, parse.scene, parse.instances, parse.groups)
    assert all(answer is not None for answer in answers)
    assert parse.vectors is not None and len(parse.vectors) == len(parse.segments)
    np.testing.assert_allclose(np.linalg.norm(parse.vectors.vector_ND, axis=1), 1, rtol=1e-5)


def test_the_classes_are_those_of_the_head_alone_and_instances_agree_with_them() -> None:
    parser, image_HWC = joint_parser(), random_image(61, 83)
    parse = parser.parse(image_HWC)
    del parser.heads[1]
    np.testing.assert_array_equal(parse.semantic, parser.parse(image_HWC).semantic)
    is_thing_HW = np.array(parser.taxonomy.is_thing)[parse.semantic]
    assert is_thing_HW.any() and not is_thing_HW.all()
    np.testing.assert_array_equal(parse.instances > 0, is_thing_HW)
    for instance in np.unique(parse.instances[is_thing_HW]):
        assert len(np.unique(parse.semantic[parse.instances == instance])) == 1


def test_instances_and_vectors_by_loops() -> None:
    """At the size of the embedding's grid, where every pixel is a cell."""
    parser, image_HWC = joint_parser("pixel_classes", taxonomy=STREET, merge_from=0.6), random_image(64, 96)
    with torch.no_grad():
        answers = parser(prepared_image(parser, image_HWC, (64, 96)))
    prediction = answers.prediction(SegmentSortingPrediction)
    embedding_Dhw, segment_hw = prediction.embedding_BDhw[0], prediction.segment_Bhw[0].numpy()
    random = np.random.default_rng(0)
    class_hw = (
        random.integers(0, 3, (4, 6)).repeat(-(-segment_hw.shape[0] // 4), 0).repeat(-(-segment_hw.shape[1] // 6), 1)
    )
    class_hw = class_hw[: segment_hw.shape[0], : segment_hw.shape[1]]
    found = divided_image(parser, answers, class_hw)
    pieces = sorted({(int(s), int(c)) for s, c in zip(segment_hw.ravel(), class_hw.ravel())})
    sums, areas = torch.zeros(len(pieces), len(embedding_Dhw)), torch.zeros(len(pieces))
    piece_hw = np.zeros_like(segment_hw)
    for row, column in np.ndindex(*segment_hw.shape):
        piece = pieces.index((int(segment_hw[row, column]), int(class_hw[row, column])))
        sums[piece] += embedding_Dhw[:, row, column]
        areas[piece] += 1
        piece_hw[row, column] = piece
    classes_S = torch.tensor([c for _, c in pieces])
    groups = grouped_segments(sums, F.one_hot(classes_S, 3).float(), areas, is_thing=STREET.is_thing, threshold=0.6)
    wanted_hw = groups.instance_G[groups.group_S].numpy()[piece_hw]
    assert len(np.unique(wanted_hw)) > 2
    np.testing.assert_array_equal(found.instances_HW, wanted_hw)
    for (index, instance), vector_D in found.vector_of.items():
        mean_D = embedding_Dhw[:, torch.from_numpy((class_hw == index) & (wanted_hw == instance))].mean(dim=1)
        np.testing.assert_allclose(vector_D, F.normalize(mean_D, dim=0), atol=1e-5)


def test_a_thing_smaller_than_any_cell_is_an_instance() -> None:
    parser, image_HWC = joint_parser("pixel_classes", taxonomy=STREET), random_image(256, 384)
    with torch.no_grad():
        answers = parser(prepared_image(parser, image_HWC, (64, 96)))
    semantic_HW = np.zeros((256, 384), dtype=np.int32)
    semantic_HW[0, 0] = 2
    found = divided_image(parser, answers, semantic_HW)
    assert found.instances_HW is not None and found.instances_HW[0, 0] > 0
    assert np.count_nonzero(found.instances_HW) == 1 and set(found.vector_of) == {
        (0, 0),
        (2, int(found.instances_HW[0, 0])),
    }


def on_pixels_class_by_class(
    instance_hw: np.ndarray, class_hw: np.ndarray, semantic_HW: np.ndarray, is_thing: tuple[bool, ...]
) -> np.ndarray:
    """The same without boxes: the whole picture is looked at for every class."""
    rows_H, columns_W = (nearest_places(seen, side) for seen, side in zip(class_hw.shape, semantic_HW.shape))
    instances_HW = np.zeros(semantic_HW.shape, dtype=np.int32)
    next_id = int(instance_hw.max()) + 1
    for index in np.flatnonzero(is_thing):
        if not (semantic_HW == index).any():
            continue
        if (class_hw == index).any():
            nearest_2hw = ndimage.distance_transform_edt(class_hw != index, return_distances=False, return_indices=True)
            found_HW = instance_hw[tuple(nearest_2hw)][rows_H[:, None], columns_W]
        else:
            found_HW, next_id = np.full(semantic_HW.shape, next_id), next_id + 1
        instances_HW += np.where(semantic_HW == index, found_HW, 0).astype(np.int32)
    return instances_HW


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([np.uint8, np.uint16, np.int32, np.int64]))
def test_boxes_of_classes_change_nothing(seed: int, dtype: type[np.generic]) -> None:
    random = np.random.default_rng(seed)
    height, width = random.integers(1, 40, size=2)
    num_classes = int(random.choice([1, 5, 256]))  # 255 and one more need more than eight bits.
    present = np.append(random.integers(num_classes, size=3), num_classes - 1)
    semantic_HW = present[random.integers(4, size=(height, width))].astype(dtype)
    class_hw = semantic_HW[:: random.integers(1, 9), :: random.integers(1, 9)]
    instance_hw = random.integers(1, 9, size=class_hw.shape).astype(np.int32)
    is_thing = tuple((random.random(num_classes) < 0.7).tolist())
    np.testing.assert_array_equal(
        on_pixels(instance_hw, class_hw, semantic_HW, is_thing),
        on_pixels_class_by_class(instance_hw, class_hw, semantic_HW, is_thing),
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (33, 129)], ids=str)
def test_pictures_of_any_size(size: tuple[int, int]) -> None:
    parse = joint_parser().parse(random_image(*size))
    assert parse.instances.shape == size and len(parse.vectors) == len(parse.segments)


def test_seeds_decide_where_there_are_some() -> None:
    """No centre is found by fresh weights that are told to find none: then no thing is an instance."""
    parser = joint_parser("pixel_classes", taxonomy=STREET)
    content = parser.config.model_dump(mode="json") | {
        "heads": [{"head": "pixel_classes"}, HEAD, CENTERS | {"lowest_score": 0.999}]
    }
    seeded = validated(ParserConfig, content, source="a test").build(STREET).eval()
    seeded.load_state_dict(parser.state_dict(), strict=False)
    image_HWC = random_image(61, 83)
    assert (parse_image(parser, image_HWC).instances > 0).any()
    assert not (parse_image(seeded, image_HWC).instances > 0).any()


def test_saved_and_loaded(tmp_path) -> None:  # type: ignore[no-untyped-def]
    parser, image_HWC = joint_parser(), random_image(61, 83)
    again = load(save_parser(parser, tmp_path / "joint.safetensors"))
    np.testing.assert_array_equal(parser.parse(image_HWC).instances, again.parse(image_HWC).instances)
