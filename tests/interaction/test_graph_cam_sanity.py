"""Grad-CAM on the graph is about the parser: without its weights the map is another, and planted evidence is found.

Adebayo et al. 2018, "Sanity checks for saliency maps": an explanation that survives when weights are shuffled explains
the picture and not the parser.
"""

from functools import cache

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from mereo.data.drawn_scenes import DrawnScenes
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.evaluation.evaluate import pixels_of
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.heads.pixel_classes import PixelClasses, PixelClassesPrediction
from mereo.interaction.graph_cam import GraphHeat, explain_heat
from mereo.parser.preprocessing import PreprocessingConfig
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import load
from mereo.reasoning.deep_grouping import DeepGrouping

QUESTIONS = ("object=road", "object=building", "object=sky", "object=car")
SEEDS = (0, 1, 2)
LEAST_DESTROYED = 0.5


@cache
def street_HWC() -> np.ndarray:
    return pixels_of(DrawnScenes(1, seed=4, size=(240, 320), kinds=("street",))[0])


@cache
def trained(question: str) -> GraphHeat:
    return explain_heat(load("everyday"), street_HWC(), question)


def shuffled(part: str, seed: int) -> SceneParser:
    """The built-in parser with the numbers of every weight in random order: as large as before, and about nothing."""
    parser = load("everyday")
    modules = {"head": [parser.heads], "path": [parser.path], "backbone": [parser.backbone]}
    generator = torch.Generator().manual_seed(seed)
    for module in modules.get(part) or [parser.heads, parser.path, parser.backbone]:
        for weight in module.parameters():
            with torch.no_grad():
                order = torch.randperm(weight.numel(), generator=generator)
                weight.copy_(weight.flatten()[order].reshape(weight.shape))
    return parser


def likeness(first_R: np.ndarray, second_R: np.ndarray) -> float:
    """Rank correlation; a map that is the same everywhere is like no other."""
    return 0.0 if np.ptp(first_R) == 0 or np.ptp(second_R) == 0 else float(spearmanr(first_R, second_R).statistic)


def test_the_built_in_parser_is_hot_on_several_levels() -> None:
    """So that there is something to destroy; and the same parser gives the same map."""
    hot = [level for question in QUESTIONS for level in hot_levels(question)]
    assert hot.count(0) >= 2 and len(set(hot)) >= 2
    question = next(question for question in QUESTIONS if 0 in hot_levels(question))
    again = explain_heat(load("everyday"), street_HWC(), question).heat_per_level
    assert likeness(again[0], trained(question).heat_per_level[0]) > 0.99


def hot_levels(question: str) -> list[int]:
    """Those where superpixels get clearly different heat: a level that is nearly the same everywhere is no map."""
    return [level for level, heat_R in enumerate(trained(question).heat_per_level) if is_spread(heat_R)]


def is_spread(heat_R: np.ndarray) -> bool:
    return bool(np.ptp(heat_R) > 0.2 * heat_R.max())


@pytest.mark.slow
@pytest.mark.parametrize("part", ["head", "path", "backbone", "all of them"])
def test_shuffled_weights_destroy_the_map(part: str) -> None:
    """Of a shuffled head alone only on the level of superpixels: the groups of `everyday` lie along one direction (the
    upper levels' vertices are nearly one), so there a head can turn the map round or off, and make no other one."""
    compared = 0
    for question in QUESTIONS:
        levels = [level for level in hot_levels(question) if part != "head" or level == 0]
        others = [explain_heat(shuffled(part, seed), street_HWC(), question).heat_per_level for seed in SEEDS if levels]
        for level in levels:
            found = [likeness(trained(question).heat_per_level[level], heats[level]) for heats in others]
            assert np.mean(found) < LEAST_DESTROYED, (question, level + 1, found)
            compared += 1
    assert compared >= 2


class ColoursAndOneMore(nn.Module):
    """Four channels: red, green, blue, and one that only the patch's colour raises."""

    layout = FeatureLayout((4,), (4,))

    def forward(self, image_BCHW: Tensor) -> FeatureMaps:
        cell_BChw = nn.functional.avg_pool2d(image_BCHW, 4)
        red_B1hw, green_B1hw, blue_B1hw = cell_BChw.split(1, dim=1)
        planted_B1hw = torch.relu(torch.minimum(red_B1hw, blue_B1hw) - green_B1hw - 0.5)
        return FeatureMaps((torch.cat([cell_BChw, planted_B1hw], dim=1),), (4,))


class ColoursThenOneMore(nn.Module):
    """The fine map has colours alone, the coarse one the patch's channel alone: only groups look at that one."""

    layout = FeatureLayout((4, 4), (4, 8))

    def forward(self, image_BCHW: Tensor) -> FeatureMaps:
        fine_BChw, coarse_BChw = (nn.functional.avg_pool2d(image_BCHW, stride) for stride in (4, 8))
        red_B1hw, green_B1hw, blue_B1hw = coarse_BChw.split(1, dim=1)
        planted_B1hw = torch.relu(torch.minimum(red_B1hw, blue_B1hw) - green_B1hw - 0.5)
        fine_BChw = torch.cat([fine_BChw, torch.zeros_like(fine_BChw[:, :1])], dim=1)
        return FeatureMaps((fine_BChw, torch.cat([torch.zeros_like(coarse_BChw), planted_B1hw], dim=1)), (4, 8))


class FinestPixelClasses(PixelClasses):
    def forward(self, features: FeatureMaps, frame: Frame) -> PixelClassesPrediction:
        return super().forward(FeatureMaps(features.maps[:1], features.strides[:1]), frame)


def reader_of_one_channel() -> SceneParser:
    """Its graph listens to the fourth channel more than to colours, and its classifier's "found" reads that alone."""
    backbone = ColoursAndOneMore()
    return reader(backbone, PixelClasses(backbone.layout, num_classes=2), descend_gain=2.0, threshold=1.0)


def reader_of_groups() -> SceneParser:
    """Its classifier reads the fourth channel of the fine map, which is empty but for what groups tell."""
    head = FinestPixelClasses(FeatureLayout((4,), (4,)), num_classes=2)
    return reader(ColoursThenOneMore(), head, descend_gain=1.0, threshold=0.05)


def reader(backbone: nn.Module, head: PixelClasses, *, descend_gain: float, threshold: float) -> SceneParser:
    """ "found" wins where the fourth channel is above the threshold."""
    torch.manual_seed(0)
    grouping = DeepGrouping(backbone.layout, width=4)
    with torch.no_grad():
        for messages, gain in ((grouping.lift, 1.0), (grouping.descend, descend_gain), (grouping.reproject, 1.0)):
            for one in messages:
                one.state.weight.copy_(torch.diag(torch.tensor([1.0, 1.0, 1.0, gain])))
                one.state.bias.zero_()
        head.classify.bias.copy_(torch.tensor([threshold, 0.0]))
        head.classify.weight.zero_()
        head.classify.weight[1, 3] = 1.0
    return SceneParser(
        backbone,
        (grouping,),
        (head,),
        taxonomy=Taxonomy("planted", LabelTable(("other", "found"))),
        preprocessing=PreprocessingConfig(mean=(0, 0, 0), std=(1, 1, 1)),
    ).eval()


def with_patch(top: int, left: int, shades_RC: np.ndarray, cell: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The street with a patch of cells, each as bright as its shade, so that it is several superpixels; and where."""
    image_HWC, value_HW = street_HWC().copy(), np.kron(shades_RC, np.ones(cell, dtype=int))
    rows, columns = slice(top, top + value_HW.shape[0]), slice(left, left + value_HW.shape[1])
    image_HWC[rows, columns] = value_HW[:, :, None] * (1, 0, 1)
    is_planted_HW = np.zeros(image_HWC.shape[:2], dtype=bool)
    is_planted_HW[rows, columns] = True
    return image_HWC, is_planted_HW


def patch_share_R(found: GraphHeat, is_planted_HW: np.ndarray) -> np.ndarray:
    """How much of each superpixel lies in the patch."""
    y_N, x_N = (axis.ravel() for axis in np.indices(is_planted_HW.shape))
    superpixel_N = found.photograph.superpixels_at(x_N, y_N)
    return np.bincount(superpixel_N, is_planted_HW.ravel()) / np.maximum(np.bincount(superpixel_N), 1)


@pytest.mark.parametrize(("top", "left"), [(40, 40), (160, 220), (100, 8), (10, 250)])
def test_evidence_that_was_planted_in_a_picture_is_found(top: int, left: int) -> None:
    """On the level of superpixels, where a patch is apart from what lies around it; groups may hold both."""
    image_HWC, is_planted_HW = with_patch(top, left, np.array([[255], [190], [255]]), (16, 56))
    found = explain_heat(reader_of_one_channel(), image_HWC, "object=found")
    share_R = patch_share_R(found, is_planted_HW)
    is_in_patch_R = share_R > 0.9
    assert 2 <= is_in_patch_R.sum() < 10 < 400 < len(share_R)
    assert found.share == pytest.approx(is_planted_HW.mean(), rel=0.05), "the class wins there and nowhere else"
    heat_R = found.heat_per_level[0]
    assert (heat_R[is_in_patch_R] > 0).sum() >= 2
    assert heat_R[~is_in_patch_R].max() < 0.1 * heat_R[is_in_patch_R].max()


@pytest.mark.parametrize(("top", "left"), [(40, 40), (120, 20), (100, 180)])
def test_evidence_that_only_groups_see_is_found_on_their_levels(top: int, left: int) -> None:
    """The patch is many superpixels, so that some groups are of nothing else."""
    row_RC, column_RC = np.indices((6, 7))
    image_HWC, is_planted_HW = with_patch(top, left, 255 - 13 * ((5 * row_RC + 3 * column_RC) % 8), (16, 16))
    found = explain_heat(reader_of_groups(), image_HWC, "object=found")
    share_R = patch_share_R(found, is_planted_HW)
    assert found.share == pytest.approx(is_planted_HW.mean(), rel=0.1), "the class wins there and nowhere else"
    for level in (1, 2):
        heat_R = found.heat_per_level[level]
        assert is_spread(heat_R) and heat_R[share_R > 0.9].min() > 0.9 * heat_R.max()
        assert heat_R[share_R < 0.1].max() < 0.05 * heat_R.max()


def test_where_nothing_was_planted_nothing_is_hot() -> None:
    found = explain_heat(reader_of_one_channel(), street_HWC(), "object=found")
    assert found.share == 0 and found.score == pytest.approx(0.0, abs=1e-6)
