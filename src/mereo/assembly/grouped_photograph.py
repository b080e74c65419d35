"""A photograph with the groups of its superpixels at every level: what clicks and pictures need of a hierarchy."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mereo.errors import BadInput
from mereo.regions.grouping_hierarchy import GroupingHierarchy, GroupRule
from mereo.regions.nearest_places import nearest_places
from mereo.shapes import require_image

RULES: tuple[GroupRule, ...] = ("nearest", "product")


# Compared as an object: arrays have no one answer to "equal".
@dataclass(frozen=True, eq=False)
class GroupedPhotograph:
    """Made once a photograph, then asked many times; it holds no tensor and no parser.

    `superpixel_hw`: the superpixel of every pixel at the size that the parser worked at, -1 for none. Kept as the kind
    of number that numpy indexes with: a look-up takes a third of the time.
    `groups`: by rule one array a level, the group of each superpixel, level 1 (the superpixels themselves) first.
    """

    image_HWC: np.ndarray
    superpixel_hw: np.ndarray
    groups: Mapping[GroupRule, tuple[np.ndarray, ...]]

    @classmethod
    def of(cls, image_HWC: np.ndarray, hierarchy: GroupingHierarchy) -> "GroupedPhotograph":
        require_image(image_HWC)
        if len(hierarchy.label_BHW) != 1:
            raise BadInput(
                f"a hierarchy must be that of one image, but got {len(hierarchy.label_BHW)}; group them one by one."
            )
        levels = range(1, hierarchy.num_levels + 1)
        groups = {
            rule: tuple(hierarchy.group_of_superpixel(level, rule=rule)[0].cpu().numpy() for level in levels)
            for rule in RULES
        }
        return cls(image_HWC, hierarchy.label_BHW[0].cpu().numpy().astype(np.intp), groups)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the photograph."""
        return self.image_HWC.shape[0], self.image_HWC.shape[1]

    @property
    def num_levels(self) -> int:
        return len(self.groups[RULES[0]])

    @property
    def num_superpixels(self) -> int:
        return len(self.groups[RULES[0]][0])

    def group_of_superpixel(self, level: int, *, rule: GroupRule = "nearest") -> np.ndarray:
        if rule not in self.groups:
            raise BadInput(f"rule must be one of {', '.join(RULES)}, but got {rule!r:.80}; leave it out for nearest.")
        if level not in range(1, self.num_levels + 1):
            raise BadInput(f"level must be 1 to {self.num_levels}, but got {level}; 1 are the superpixels.")
        return self.groups[rule][level - 1]

    def num_groups(self, level: int, *, rule: GroupRule = "nearest") -> int:
        """How many groups of a level hold a superpixel; others have lost all of theirs to a nearer one."""
        return len(np.unique(self.group_of_superpixel(level, rule=rule)))

    def superpixels_at(self, x_N: np.ndarray, y_N: np.ndarray) -> np.ndarray:
        """N: the superpixel at the middle of each of these pixels of the photograph, -1 for none."""
        (height, width), (rows, columns) = self.size, self.superpixel_hw.shape
        return self.superpixel_hw[nearest_places(rows, height)[y_N], nearest_places(columns, width)[x_N]]

    def on_pixels(self, value_R: np.ndarray, size: tuple[int, int] | None = None) -> np.ndarray:
        """H W: each pixel gets the value of its superpixel, False or 0 where there is none. At the photograph's size,
        or at another."""
        height, width = size or self.size
        rows, columns = self.superpixel_hw.shape
        value_hw = np.append(value_R, np.zeros(1, value_R.dtype))[self.superpixel_hw]  # -1 reads the last one.
        if (height, width) == (rows, columns):
            return value_hw
        # Along one axis after the other: rows are then copied whole, which takes a quarter of the time.
        return value_hw[:, nearest_places(columns, width)][nearest_places(rows, height)]
