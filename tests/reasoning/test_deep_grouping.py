"""Deep grouping: the contract, the paper's equations by loops, names of superpixels, and pictures of all kinds."""

import logging
import math
from typing import Any

import numpy as np
import pytest
import torch
from contract import ReasonerContract
from stage_contract import random_features, with_random_statistics
from torch import Tensor

from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.parser.scene_parser import SceneParser
from mereo.reasoning.deep_grouping import STRIDES, DeepGrouping, DeepGroupingConfig
from mereo.regions.grouping_hierarchy import GroupingHierarchy
from mereo.regions.superpixels import superpixels

WIDTH = 6
LEVELS = FeatureLayout((WIDTH,) * 4, STRIDES)


def drawn_superpixels(image_size: tuple[int, int], images: tuple[int, ...] = (0, 1)) -> Tensor:
    """Another number of regions in every picture."""
    found = []
    for image in images:
        noise_HWC = np.random.default_rng(image).integers(0, 256, (*image_size, 3), dtype=np.uint8)
        found.append(torch.from_numpy(superpixels(noise_HWC, max_regions=9 - 4 * image)))
    return torch.stack(found)


def framed(image_size: tuple[int, int], images: tuple[int, ...] = (0, 1)) -> Frame:
    return Frame(image_size=image_size, superpixels_BHW=drawn_superpixels(image_size, images))


class DeepGroupingContract(ReasonerContract):
    before, after = "feature_levels", "level_fusion"

    def frame(self, image_size: tuple[int, int], images: tuple[int, ...] = (0, 1)) -> Frame:
        return framed(image_size, images)

    def asked_of(self, answer: FeatureMaps) -> list[Tensor]:
        hierarchy = answer.evidence[-1]
        return [*answer.maps, hierarchy.global_BC]


class TestDeepGrouping(DeepGroupingContract):
    config = {"stage": "deep_grouping", "width": 6, "max_regions": 12}
    head_changes = {"perceptual": {"global_width": 6}}

    def build(self, layout: FeatureLayout) -> DeepGrouping:
        return DeepGrouping(layout, width=6)


class TestWithoutTopDown(DeepGroupingContract):
    config = {"stage": "deep_grouping", "width": 8, "max_regions": 12, "top_down": False}

    def build(self, layout: FeatureLayout) -> DeepGrouping:
        return DeepGrouping(layout, width=6, has_top_down=False)


class TestMatchedLengths(DeepGroupingContract):
    config = {"stage": "deep_grouping", "width": 6, "lengths": "matched", "messages_by": "pooled"}
    head_changes = {"perceptual": {"global_width": 6}}

    def build(self, layout: FeatureLayout) -> DeepGrouping:
        return DeepGrouping(layout, width=6, lengths="matched", messages_by="pooled")


class TestOnLevelsOfItsWidth(DeepGroupingContract):
    in_layout = LEVELS
    config = {"stage": "deep_grouping", "width": 8, "max_regions": 12}

    def build(self, layout: FeatureLayout) -> DeepGrouping:
        return DeepGrouping(layout, width=6)


class TestOnOneMap(DeepGroupingContract):
    in_layout = FeatureLayout((WIDTH,), (16,))
    config = {"stage": "deep_grouping", "width": 6, "max_regions": 12}
    head_changes = {"perceptual": {"global_width": 6}}

    def build(self, layout: FeatureLayout) -> DeepGrouping:
        return DeepGrouping(layout, width=6)


def built(**settings: Any) -> DeepGrouping:
    torch.manual_seed(0)
    stage = with_random_statistics(DeepGrouping(LEVELS, width=WIDTH, **settings)).eval().double()
    assert isinstance(stage, DeepGrouping)
    return stage


def in_double(features: FeatureMaps) -> FeatureMaps:
    return FeatureMaps(tuple(one.double() for one in features.maps), features.strides, features.evidence)


def hierarchy_of(answer: FeatureMaps) -> GroupingHierarchy:
    found = answer.evidence[-1]
    assert isinstance(found, GroupingHierarchy)
    return found


# The paper, one node at a time.


def unit(vector: Tensor) -> Tensor:
    return vector / vector.norm()


def affinity(a: Tensor, b: Tensor, bandwidth: float) -> float:
    return math.exp(-float((unit(a) - unit(b)).square().sum()) / bandwidth**2)


def bandwidth_of(stage: DeepGrouping, vertices: list[Tensor]) -> float:
    if stage.bandwidth_of == "distance":
        return stage.bandwidth
    units = [unit(vertex) for vertex in vertices]
    mean = sum(units) / len(units)
    return stage.bandwidth * max(0.01, math.sqrt(sum(float((one - mean).square().sum()) for one in units) / len(units)))


def convolved(layer: torch.nn.Module, heard: Tensor) -> Tensor:
    state = layer.state
    return unit(state.weight @ heard + state.bias).clamp(min=0)


def by_loops(stage: DeepGrouping, seen: list[list[Tensor]]) -> tuple[list[list[Tensor]], Tensor, list[list[Tensor]]]:
    """Vertices a level, R, and what every superpixel is told by each level. `seen`: U of the paper."""
    if stage.lengths == "matched":
        seen = [[unit(u) for u in of_level] for of_level in seen]
    vertices, products, bandwidths, pooled = [list(seen[0])], [np.eye(len(seen[0]))], [], []
    for level in range(1, 4):
        below = vertices[-1]
        count = -(-len(below) // 2)
        bandwidths.append(bandwidth_of(stage, below))
        groups = [below[j * len(below) // count] for j in range(count)]
        for _ in range(stage.iterations):
            share = np.array([[affinity(v, g, bandwidths[-1]) for g in groups] for v in below])
            share /= share.sum(axis=0)  # equations 1 and 3: every column sums to 1
            groups = [sum(share[i, j] * below[i] for i in range(len(below))) for j in range(count)]  # equation 2
        pooled.append(groups)
        product = products[-1] @ share
        products.append(product)
        heard = [groups[j] + sum(product[i, j] * u for i, u in enumerate(seen[level])) for j in range(count)]
        vertices.append([convolved(stage.lift[level - 1], one) for one in heard])  # equation 5
    scene = sum(vertices[-1]) / len(vertices[-1])  # equation 7
    if len(stage.descend):
        vertices[-1] = [convolved(stage.descend[3], v + scene) for v in vertices[-1]]
    messages: list[np.ndarray] = []
    for level in (2, 1, 0):
        above = vertices[level + 1]
        near = pooled[level] if stage.messages_by == "pooled" else above
        weight = np.array([[affinity(v, g, bandwidths[level]) for g in near] for v in vertices[level]])
        weight /= weight.sum(axis=1, keepdims=True)  # equations 8 and 9: every row sums to 1
        messages.insert(0, weight)
        if len(stage.descend):  # equation 10
            heard = [v + sum(weight[i, j] * g for j, g in enumerate(above)) for i, v in enumerate(vertices[level])]
            vertices[level] = [convolved(stage.descend[level], one) for one in heard]
    told, product = [], np.eye(len(seen[0]))
    for level in range(4):
        if level:
            product = product @ messages[level - 1]
        told.append(  # equation 11, its product up to the level below
            [
                convolved(stage.reproject[level], u + sum(product[i, j] * v for j, v in enumerate(vertices[level])))
                for i, u in enumerate(seen[level])
            ]
        )
    if stage.lengths == "matched":
        told = [[one * length for one in of_level] for of_level, length in zip(told, stage.told_length)]
        scene = scene * math.sqrt(WIDTH) / 2
    return vertices, scene, told


@pytest.mark.parametrize(
    ("lengths", "messages_by"), [("printed", "vertices"), ("matched", "vertices"), ("printed", "pooled")]
)
@pytest.mark.parametrize("has_top_down", [True, False])
@pytest.mark.parametrize("kind", ["spread", "distance"])
@torch.no_grad()
def test_the_equations_by_loops(kind: str, has_top_down: bool, lengths: str, messages_by: str) -> None:
    size = (16, 24)
    others = {"has_top_down": has_top_down, "lengths": lengths, "messages_by": messages_by}
    stage = built(bandwidth=0.5, bandwidth_of=kind, iterations=3, **others)
    features, frame = in_double(random_features(LEVELS, size, batch_size=1)), framed(size, (0,))
    answer = stage(features, frame)
    hierarchy = hierarchy_of(answer)
    label_hw = hierarchy.label_BHW[0, 2::4, 2::4]  # The pixel at the middle of each cell of stride 4.
    num_regions = int(label_hw.max()) + 1
    seen = []
    for map_BChw in features.maps:
        at_four = torch.nn.functional.interpolate(map_BChw, size=(4, 6), mode="bilinear", align_corners=False)[0]
        seen.append([at_four[:, label_hw == region].mean(dim=1) for region in range(num_regions)])
    vertices, scene, told = by_loops(stage, seen)
    for found_BRC, wanted in zip(hierarchy.vertices_per_level, vertices, strict=True):
        torch.testing.assert_close(found_BRC[0], torch.stack(wanted))
    torch.testing.assert_close(hierarchy.global_BC[0], scene)
    for stride, before, after, of_level in zip(STRIDES, features.maps, answer.maps, told):
        for y in range(after.shape[2]):
            for x in range(after.shape[3]):
                place = [min(side - 1, (2 * n + 1) * side // (2 * -(-side // stride))) for n, side in zip((y, x), size)]
                region = int(hierarchy.label_BHW[0, place[0], place[1]])
                torch.testing.assert_close(after[0, :, y, x], before[0, :, y, x] + of_level[region])


def test_parameters_at_the_papers_width() -> None:
    """One 512 x 512 layer for each of three lifts, four messages down and four ways back. Printed: 4.468M, 3.417M."""
    layer = 512 * 512 + 512
    for has_top_down, layers in ((True, 11), (False, 7)):
        stage = DeepGroupingConfig(top_down=has_top_down).build(FeatureLayout((512,) * 4, STRIDES))
        assert sum(parameter.numel() for parameter in stage.parameters()) == layers * layer < 3.417e6


@torch.no_grad()
def test_names_of_superpixels_do_not_matter() -> None:
    stage, features, frame = built(), in_double(random_features(LEVELS, (32, 48))), framed((32, 48))
    label_BHW = frame.superpixels_BHW
    assert label_BHW is not None
    renamed = Frame((32, 48), superpixels_BHW=(label_BHW * 7 + 3) % 31 + 40)
    for one, other in zip(stage(features, frame).maps, stage(features, renamed).maps):
        torch.testing.assert_close(one, other)


@torch.no_grad()
def test_one_superpixel_and_pixels_of_none() -> None:
    stage, features = built(), in_double(random_features(LEVELS, (32, 48), batch_size=1))
    one = stage(features, Frame((32, 48), superpixels_BHW=torch.zeros(1, 32, 48, dtype=torch.int32)))
    assert [v.shape[1] for v in hierarchy_of(one).vertices_per_level] == [1, 1, 1, 1]
    label_BHW = torch.zeros(1, 32, 48, dtype=torch.int32)
    label_BHW[:, :, 24:] = -1
    half = stage(features, Frame((32, 48), superpixels_BHW=label_BHW))
    torch.testing.assert_close(half.maps[0][..., 6:], features.maps[0][..., 6:])
    assert not torch.allclose(half.maps[0][..., :6], features.maps[0][..., :6])


@torch.no_grad()
def test_a_picture_of_one_colour_stays_constant() -> None:
    stage, frame = built(), framed((32, 48))
    vector_C = torch.randn(WIDTH, dtype=torch.float64)
    maps = tuple(vector_C.view(1, -1, 1, 1).expand(2, -1, -(-32 // s), -(-48 // s)) for s in STRIDES)
    for map_BChw in stage(FeatureMaps(maps, STRIDES), frame).maps:
        torch.testing.assert_close(map_BChw, map_BChw[:1, :, :1, :1].expand_as(map_BChw))


@torch.no_grad()
def test_nothing_changes_where_it_says_nothing() -> None:
    stage, features = built(), in_double(random_features(LEVELS, (32, 48)))
    for layer in stage.reproject:
        torch.nn.init.zeros_(layer.state.weight)
        torch.nn.init.zeros_(layer.state.bias)
    assert all(torch.equal(a, b) for a, b in zip(stage(features, framed((32, 48))).maps, features.maps))


def test_start_nodes_follow_the_global_seed_in_training() -> None:
    stage, features, frame = built().train(), in_double(random_features(LEVELS, (32, 48))), framed((32, 48))
    answers = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        answers.append(stage(features, frame).maps[0])
    assert torch.equal(answers[0], answers[1]) and not torch.equal(answers[0], answers[2])


def test_groups_that_have_become_the_same_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    features, frame = in_double(random_features(LEVELS, (32, 48))), framed((32, 48))
    with caplog.at_level(logging.WARNING, "mereo"), torch.no_grad():
        built()(features, frame)
        built(bandwidth=50.0).train()(features, frame)  # As every fresh network: training must first change that.
        assert not caplog.records
        stage = built(bandwidth=50.0)
        stage(features, frame)
        stage(features, frame)
    assert len(caplog.records) == 1
    assert "all groups of a picture have become the same" in caplog.text and "lower its bandwidth" in caplog.text


@pytest.mark.parametrize("label_BHW", [None, torch.zeros(2, 16, 16, dtype=torch.int32)], ids=["none", "another size"])
def test_a_frame_without_its_superpixels(label_BHW: Tensor | None) -> None:
    with pytest.raises(BadInput, match="a frame must have superpixels of the picture's size for this stage, but got"):
        built()(in_double(random_features(LEVELS, (32, 48))), Frame((32, 48), superpixels_BHW=label_BHW))


def test_a_parser_finds_the_superpixels_itself_or_takes_those_of_the_frame() -> None:
    parser: SceneParser = TestDeepGrouping().parser().eval()
    image_BCHW = torch.randint(0, 256, (2, 3, 40, 56), dtype=torch.uint8)
    alone = hierarchy_of(parser(image_BCHW).features)
    wanted = torch.stack(
        [torch.from_numpy(superpixels(one.permute(1, 2, 0).numpy(), max_regions=12)) for one in image_BCHW]
    )
    brought = hierarchy_of(parser(image_BCHW, Frame((40, 56), superpixels_BHW=wanted)).features)
    assert torch.equal(alone.label_BHW, brought.label_BHW)
    assert 1 < alone.vertices_per_level[0].shape[1] <= 12
