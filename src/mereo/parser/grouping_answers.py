"""What groups a parser sees in one photograph, and the groups that its superpixels alone would form."""

from dataclasses import dataclass

import numpy as np
import torch

from mereo.errors import BadInput
from mereo.features.stage import SuperpixelWish
from mereo.parser.image_scores import prepared_image
from mereo.parser.preprocessing import working_size
from mereo.parser.scene_parser import SceneParser
from mereo.regions.grouping_hierarchy import GroupingHierarchy, GroupRule
from mereo.regions.nearest_places import nearest_places
from mereo.regions.superpixels import superpixel_hierarchy


@dataclass(frozen=True, eq=False)
class GroupingAnswers:
    """`hierarchy` of one image; `seen_HW3` is the picture as the backbone saw it, `size` that of the photograph."""

    hierarchy: GroupingHierarchy
    seen_HW3: np.ndarray
    size: tuple[int, int]
    wish: SuperpixelWish

    def levels(self, *, rule: GroupRule) -> np.ndarray:
        """L H W at the photograph's size: the superpixels, then the group of every pixel, level by level."""
        found = [
            self.hierarchy.group_of_pixel(level, rule=rule)[0].cpu().numpy()
            for level in range(1, self.hierarchy.num_levels + 1)
        ]
        return self._at_size(found)

    def merged_superpixels(self, numbers: list[int]) -> np.ndarray:
        """The same for the superpixels' own tree of colours, cut at most at these numbers of regions."""
        return self._at_size(superpixel_hierarchy(self.seen_HW3, numbers, method=self.wish.method))

    def _at_size(self, maps: list[np.ndarray]) -> np.ndarray:
        rows_H, columns_W = (nearest_places(seen, side) for seen, side in zip(maps[0].shape, self.size))
        return np.stack([label_hw[rows_H[:, None], columns_W] for label_hw in maps])


@torch.inference_mode()
def grouping_of(parser: SceneParser, image_HWC: np.ndarray) -> GroupingAnswers:
    """In one plain pass at the parser's working size. The parser must be in evaluation mode."""
    size = (image_HWC.shape[0], image_HWC.shape[1])
    seen_13HW = prepared_image(parser, image_HWC, working_size(size, parser.preprocessing.working_side))
    found = [one for one in parser(seen_13HW).evidence if isinstance(one, GroupingHierarchy)]
    if not found:
        raise BadInput(
            "a parser must have a stage that groups superpixels to say which groups it sees, but got none; "
            "train one with the stage deep_grouping."
        )
    seen_HW3 = seen_13HW[0].clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return GroupingAnswers(found[-1], seen_HW3, size, parser.superpixel_wish or SuperpixelWish())
