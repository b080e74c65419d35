"""Groups of superpixels by both rules, and the adjacency that nothing rests on."""

import pytest
import torch

from mereo.errors import BadInput
from mereo.regions.grouping_hierarchy import GroupingHierarchy


def hierarchy() -> GroupingHierarchy:
    """Four superpixels of 1x2 in a row (the last one absent), two groups, one group of groups."""
    grouping_BRS = torch.tensor([[[0.6, 0.1], [0.3, 0.2], [0.1, 0.7], [0.0, 0.0]]])
    message_BRS = torch.tensor([[[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.0, 0.0]]])
    is_present_BR = torch.tensor([[True, True, True, False]])
    both, one = torch.ones(1, 2, dtype=torch.bool), torch.ones(1, 1, dtype=torch.bool)
    return GroupingHierarchy(
        label_BHW=torch.tensor([[[0, 0, 1, 1, 2, -1]]]),
        vertices_per_level=(torch.zeros(1, 4, 3), torch.zeros(1, 2, 3), torch.zeros(1, 1, 3)),
        risen_per_level=(),
        is_present_per_level=(is_present_BR, both, one),
        groupings=(grouping_BRS, torch.tensor([[[0.5], [0.5]]])),
        nearest=(torch.tensor([[0, 0, 1, 0]]), torch.tensor([[0, 0]])),
        messages=(message_BRS, torch.ones(1, 2, 1)),
        global_BC=torch.zeros(1, 3),
    )


def test_groups_by_both_rules() -> None:
    found = hierarchy()
    assert found.group_of_superpixel(1).tolist() == [[0, 1, 2, -1]]
    assert found.group_of_superpixel(2).tolist() == [[0, 0, 1, -1]]
    assert found.group_of_superpixel(2, rule="product").tolist() == [[0, 0, 1, -1]]
    assert found.group_of_superpixel(3).tolist() == [[0, 0, 0, -1]]
    assert found.group_of_superpixel(3, rule="product").tolist() == [[0, 0, 0, -1]]


@pytest.mark.parametrize("level", [0, 4])
def test_levels_there_are(level: int) -> None:
    with pytest.raises(BadInput, match=f"level must be 1 to 3, but got {level}; 1 are the superpixels"):
        hierarchy().group_of_superpixel(level)


def test_adjacency_of_the_levels() -> None:
    first, second, third = hierarchy().adjacency_per_level()
    assert first[0].tolist() == [[0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    grouping_BRS = hierarchy().groupings[0]
    torch.testing.assert_close(second, grouping_BRS.transpose(1, 2) @ first @ grouping_BRS)
    assert third.shape == (1, 1, 1)
