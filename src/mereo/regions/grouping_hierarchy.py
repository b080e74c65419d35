"""GroupingHierarchy: superpixels, groups of them, groups of groups, up to one vector for the whole picture.

Deep grouping (DGM), section 3. A reasoner leaves it as evidence; heads, clicks, Grad-CAM and pictures read it.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from mereo.errors import BadInput
from mereo.regions.adjacency import region_adjacency
from mereo.regions.gaussian_grouping import coarsen_adjacency

GroupRule = Literal["nearest", "product"]


@dataclass(frozen=True, eq=False)
class GroupingHierarchy:
    """Level 1 are superpixels; every next level has half as many nodes. Images of a batch may have different numbers
    of them: what is absent holds zeros.

    `label_BHW`: the superpixel of every pixel, at the image's size, named 0, 1, ... in the order of their first pixels.
    `vertices_per_level`: B R C, as they leave the reasoner; `risen_per_level`: before messages went down, the same
    tensors where none do. `is_present_per_level`: B R.
    `groupings`: P of equation 1 between a level and the next, B R S, whose columns sum to 1 (one fewer than levels).
    `nearest`: B R a level but the last, the node of the next level that is nearest to each node.
    `messages`: P~ of equation 8, B R S, whose rows sum to 1.
    `global_BC`: R of equation 7, the mean of the highest level before messages went down.
    """

    label_BHW: Tensor
    vertices_per_level: tuple[Tensor, ...]
    risen_per_level: tuple[Tensor, ...]
    is_present_per_level: tuple[Tensor, ...]
    groupings: tuple[Tensor, ...]
    nearest: tuple[Tensor, ...]
    messages: tuple[Tensor, ...]
    global_BC: Tensor

    @property
    def num_levels(self) -> int:
        return len(self.vertices_per_level)

    def group_of_superpixel(self, level: int, *, rule: GroupRule = "nearest") -> Tensor:
        """B R: the node of `level` (1: the superpixel itself) that each superpixel belongs to; -1 where it is absent.

        "nearest" climbs level by level to the nearest of the nodes that equation 2 made of the level's own; "product"
        takes the largest entry of the row of the cumulative product of `groupings`, as the paper does, whose rows do
        not sum to 1: small groups are favoured.
        """
        if not 1 <= level <= self.num_levels:
            raise BadInput(f"level must be 1 to {self.num_levels}, but got {level}; 1 are the superpixels.")
        is_present_BR = self.is_present_per_level[0]
        if rule == "product" and level > 1:
            weight_BRS = self.groupings[0]
            for grouping_BRS in self.groupings[1 : level - 1]:
                weight_BRS = weight_BRS @ grouping_BRS
            group_BR = weight_BRS.argmax(dim=2)
        else:
            group_BR = torch.arange(is_present_BR.shape[1], device=is_present_BR.device).expand_as(is_present_BR)
            for nearest_BR in self.nearest[: level - 1]:
                group_BR = nearest_BR.gather(1, group_BR)
        return group_BR.masked_fill(~is_present_BR, -1)

    def adjacency_per_level(self) -> tuple[Tensor, ...]:
        """B R R a level: which superpixels touch, then how strongly groups do (equation 4). To look at: no answer of
        the reasoner rests on it."""
        num_regions = self.is_present_per_level[0].shape[1]
        touches = []
        for label_HW in self.label_BHW.cpu().numpy():
            none_and_touch = torch.from_numpy(region_adjacency(label_HW + 1)).to(self.global_BC)
            touch_RR = none_and_touch[1:, 1:]
            touches.append(F.pad(touch_RR, (0, num_regions - len(touch_RR)) * 2))
        levels = [torch.stack(touches)]
        for grouping_BRS in self.groupings:
            levels.append(coarsen_adjacency(levels[-1], grouping_BRS))
        return tuple(levels)
