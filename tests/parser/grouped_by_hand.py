"""A parser whose groups are known: a stage that leaves a hierarchy made by hand."""

import torch
from tiny_parser import tiny_parser

from mereo.features.feature_maps import FeatureMaps, Frame
from mereo.features.stage import Stage
from mereo.parser.scene_parser import SceneParser
from mereo.regions.grouping_hierarchy import GroupingHierarchy


class GroupedByHand(Stage):
    """Four stripes of equal width; two groups, the left and the right half by the nearest, and three stripes and one
    by the groupings; then everything."""

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        height, width = frame.image_size
        label_BHW = (torch.arange(width) * 4 // width).expand(1, height, width)
        message_B42 = torch.tensor([[[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9]]])
        grouping_B42 = torch.tensor([[[0.3, 0.1], [0.3, 0.1], [0.3, 0.1], [0.1, 0.7]]])
        ones = [torch.ones(1, n, 8) for n in (4, 2, 1)]
        hierarchy = GroupingHierarchy(
            label_BHW=label_BHW,
            vertices_per_level=tuple(ones),
            risen_per_level=tuple(ones),
            is_present_per_level=tuple(one[..., 0] > 0 for one in ones),
            groupings=(grouping_B42, torch.full((1, 2, 1), 0.5)),
            nearest=(message_B42.argmax(dim=2), torch.zeros(1, 2, dtype=torch.long)),
            messages=(message_B42, torch.ones(1, 2, 1)),
            global_BC=torch.ones(1, 8),
        )
        return features.with_evidence(hierarchy)


def parser_grouped_by_hand(**others: object) -> SceneParser:
    parser = tiny_parser(**others)  # type: ignore[arg-type]
    parser.path.append(GroupedByHand(parser.path[-1].layout))
    return parser
