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
from mereo.features.feature_maps import FeatureLayout, FeatureMaps
from mereo.heads.pixel_classes import PixelClasses
from mereo.interaction.graph_cam import GraphHeat, explain_heat
from mereo.parser.preprocessing import PreprocessingConfig
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import load
from mereo.reasoning.deep_grouping import DeepGrouping

QUESTIONS = ("object=road", "object=building", "object=sky", "object=car")
SEEDS = (0, 1, 2)
LEAST_DESTROYED = 0.5
PATCH_COLOUR, PATCH_SHADE = (255, 0, 255), (190, 0, 190)


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
    """Those where not every superpixel gets the same."""
    return [level for level, heat_R in enumerate(trained(question).heat_per_level) if np.ptp(heat_R) > 0]


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


def reader_of_one_channel() -> SceneParser:
    """Its graph listens to the fourth channel more than to colours, and its classifier's "found" reads that alone."""
    torch.manual_seed(0)
    backbone = ColoursAndOneMore()
    grouping, head = DeepGrouping(backbone.layout, width=4), PixelClasses(backbone.layout, num_classes=2)
    with torch.no_grad():
        for messages, gain in ((grouping.lift, 1.0), (grouping.descend, 2.0), (grouping.reproject, 1.0)):
            for one in messages:
                one.state.weight.copy_(torch.diag(torch.tensor([1.0, 1.0, 1.0, gain])))
                one.state.bias.zero_()
        head.classify.bias[0] = 1.0
        head.classify.weight.zero_()
        head.classify.weight[1, 3] = 1.0
    return SceneParser(
        backbone,
        (grouping,),
        (head,),
        taxonomy=Taxonomy("planted", LabelTable(("other", "found"))),
        preprocessing=PreprocessingConfig(mean=(0, 0, 0), std=(1, 1, 1)),
    ).eval()


@pytest.mark.parametrize(("top", "left"), [(40, 40), (160, 220), (100, 8), (10, 250)])
def test_evidence_that_was_planted_in_a_picture_is_found(top: int, left: int) -> None:
    """On the level of superpixels, where a patch is apart from what lies around it; groups may hold both."""
    image_HWC, parser = street_HWC().copy(), reader_of_one_channel()
    rows, columns = slice(top, top + 48), slice(left, left + 56)
    image_HWC[rows, columns] = PATCH_COLOUR
    image_HWC[top + 16 : top + 32, columns] = PATCH_SHADE  # So that it is more than one superpixel.
    is_planted_HW = np.zeros(image_HWC.shape[:2], dtype=bool)
    is_planted_HW[rows, columns] = True
    found = explain_heat(parser, image_HWC, "object=found")
    height, width = image_HWC.shape[:2]
    y_N, x_N = (axis.ravel() for axis in np.mgrid[:height, :width])
    superpixel_N = found.photograph.superpixels_at(x_N, y_N)
    share_R = np.bincount(superpixel_N, is_planted_HW.ravel()) / np.maximum(np.bincount(superpixel_N), 1)
    is_in_patch_R = share_R > 0.9
    assert 2 <= is_in_patch_R.sum() < 10 < 400 < len(share_R)
    assert found.share == pytest.approx(is_planted_HW.mean(), rel=0.05), "the class wins there and nowhere else"
    heat_R = found.heat_per_level[0]
    assert (heat_R[is_in_patch_R] > 0).sum() >= 2
    assert heat_R[~is_in_patch_R].max() < 0.1 * heat_R[is_in_patch_R].max()


def test_where_nothing_was_planted_nothing_is_hot() -> None:
    found = explain_heat(reader_of_one_channel(), street_HWC(), "object=found")
    assert found.share == 0 and found.score == pytest.approx(0.0, abs=1e-6)
