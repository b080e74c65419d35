"""Grad-CAM on the graph: which groups of a photograph, at each level, speak for a class.

Selvaraju et al. 2017, "Grad-CAM: Visual explanations from deep networks via gradient-based localization", equations 1
and 2, with the nodes of a level in place of a map's cells, as in section 6 of Li, Bao, Zheng, Xu, "Deep grouping model
for unified perceptual parsing" (DGM). Nodes are vectors whatever the backbone was: nobody reshapes anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.interaction.class_scores import AskedClass, asked_class, class_score
from mereo.interaction.clicks import require_grouping
from mereo.parser.asking.answering import answering, seen_size
from mereo.parser.asking.image_scores import prepared_image
from mereo.parser.last_hierarchy import required_hierarchy
from mereo.parser.scene_parser import SceneParser
from mereo.shapes import require_point, require_shapes

FAINT = 1e-3  # Of the hottest level's heat: what is less is as much rounding as evidence.
FLAT = 0.8  # Of a level's largest: where every superpixel has more than that, none stands out.


@dataclass(frozen=True, eq=False)
class GraphHeat:
    """`heat_per_level`: what each superpixel gets from the nodes of a level, 0 or more, level 1 first.

    `score` is the class's, the mean over `asked_hw`; `answer_hw` where it is the answer (nowhere: it was asked "why
    not?").
    """

    photograph: GroupedPhotograph
    asked: AskedClass
    score: float
    answer_hw: np.ndarray
    asked_hw: np.ndarray
    heat_per_level: tuple[np.ndarray, ...]
    nodes_per_level: tuple[int, ...]

    @property
    def share(self) -> float:
        """How much of the answer is of the class."""
        return float(self.answer_hw.mean())

    @property
    def relative_per_level(self) -> tuple[np.ndarray, ...]:
        """0 to 1: to the level's largest; all 0 of a level that is faint beside the hottest one."""
        faint = FAINT * max((float(heat_R.max(initial=0.0)) for heat_R in self.heat_per_level), default=0.0)
        return tuple(
            relative(heat_R if heat_R.max(initial=0.0) >= faint else np.zeros_like(heat_R))
            for heat_R in self.heat_per_level
        )

    def heat_at(self, x: int, y: int) -> tuple[float, ...]:
        """At this pixel of the photograph, one number a level of `relative_per_level`."""
        require_point(x, y, self.photograph.size)
        superpixel = int(self.photograph.superpixels_at(np.array([x]), np.array([y]))[0])
        return tuple(float(heat_R[superpixel]) if superpixel >= 0 else 0.0 for heat_R in self.relative_per_level)


def node_heat(vertices_BSC: Tensor, gradient_BSC: Tensor, is_present_BS: Tensor) -> Tensor:
    """B S: ReLU(sum_c weight_c V_nc), weight_c the mean of dScore/dV_nc over the nodes n that are present."""
    require_shapes(vertices_BSC=vertices_BSC, gradient_BSC=gradient_BSC, is_present_BS=is_present_BS)
    count_B1 = is_present_BS.sum(dim=1, keepdim=True)
    weight_BC = (gradient_BSC * is_present_BS[:, :, None]).sum(dim=1) / count_B1
    return torch.relu((vertices_BSC * weight_BC[:, None]).sum(dim=2)) * is_present_BS


def carried_down(heat_BS: Tensor, messages: Sequence[Tensor]) -> Tensor:
    """B R: the heat that superpixels get from a level's nodes through the messages (P~) of all levels below it.

    Their rows sum to 1: what a superpixel gets is a mean, and no hotter than the hottest node.
    """
    for message_BRS in reversed(messages):
        heat_BS = (message_BRS @ heat_BS[:, :, None])[:, :, 0]
    return heat_BS


def explain_heat(parser: SceneParser, image_HWC: np.ndarray, question: str) -> GraphHeat:
    """Asked about one photograph, e.g. "object=road", in one pass forward and one back as far as the graph.

    Gradients are those of the vertices as they leave the reasoner: what lower levels heard from higher ones counts. A
    scene's are those of the vertices before messages went down: the head of scenes hears their mean (equation 7), too.
    """
    require_grouping(parser)
    asked = asked_class(question, parser.taxonomy)
    size = seen_size(parser, image_HWC)
    with answering(parser), torch.enable_grad():
        # The image wants a gradient, too: of a parser whose weights are all frozen the graph would be none otherwise.
        answers = parser(prepared_image(parser, image_HWC, size).float().requires_grad_())
        hierarchy, found = required_hierarchy(answers), class_score(answers, asked, parser.taxonomy)
        vertices = hierarchy.risen_per_level if asked.task == "scene" else hierarchy.vertices_per_level
        gradients = torch.autograd.grad(found.score, vertices, allow_unused=True)
    heat_per_level = []
    with torch.no_grad():
        for level, (vertices_BSC, gradient_BSC) in enumerate(zip(vertices, gradients)):
            if gradient_BSC is None:  # Nothing of this level reaches the score.
                gradient_BSC = torch.zeros_like(vertices_BSC)
            heat_BS = node_heat(vertices_BSC, gradient_BSC, hierarchy.is_present_per_level[level])
            heat_per_level.append(carried_down(heat_BS, hierarchy.messages[:level])[0].cpu().numpy())
    return GraphHeat(
        photograph=GroupedPhotograph.of(image_HWC, hierarchy),
        asked=asked,
        score=float(found.score.detach()),
        answer_hw=found.wins_hw.cpu().numpy(),
        asked_hw=found.asked_hw.cpu().numpy(),
        heat_per_level=tuple(heat_per_level),
        nodes_per_level=tuple(int(is_present_BS.sum()) for is_present_BS in hierarchy.is_present_per_level),
    )


def relative(heat_R: np.ndarray) -> np.ndarray:
    """0 to 1: to the largest; all 0 where nothing is hot.

    >>> relative(np.array([0.0, 1.0, 4.0])).tolist(), relative(np.zeros(2)).tolist()
    ([0.0, 0.25, 1.0], [0.0, 0.0])
    """
    largest = float(heat_R.max(initial=0.0))
    return heat_R / largest if largest > 0 else np.zeros_like(heat_R)


def stands_out(heat_R: np.ndarray) -> bool:
    """Whether some superpixels have clearly more heat than others: only then a level says which of them speak.

    >>> stands_out(np.array([0.1, 1.0])), stands_out(np.array([0.95, 1.0])), stands_out(np.zeros(2))
    (True, False, False)
    """
    return bool(heat_R.any()) and float(heat_R.min()) <= FLAT * float(heat_R.max())
