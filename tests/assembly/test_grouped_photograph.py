"""Groups of a photograph's superpixels by both rules, on pixels of any size, and what is refused."""

import numpy as np
import pytest
import torch

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.errors import BadInput
from mereo.regions.grouping_hierarchy import GroupingHierarchy

IMAGE_HWC = np.zeros((4, 12, 3), dtype=np.uint8)


def made_hierarchy(images: int = 1) -> GroupingHierarchy:
    """Five superpixels in a row and a pixel of none; three groups, one group of groups. The rules differ on 1 and 4."""
    message_BRS = torch.tensor([[[0.9, 0.1, 0], [0.6, 0.4, 0], [0.2, 0.8, 0], [0, 0.3, 0.7], [0.1, 0.5, 0.4]]])
    grouping_BRS = torch.tensor([[[0.6, 0.1, 0], [0.2, 0.3, 0], [0.1, 0.5, 0], [0, 0.1, 0.6], [0.1, 0, 0.4]]])
    present = [torch.ones(images, nodes, dtype=torch.bool) for nodes in (5, 3, 1)]
    return GroupingHierarchy(
        label_BHW=torch.tensor([[[0, 1, 2, 3, 4, -1]]]).repeat(images, 2, 1),
        vertices_per_level=tuple(torch.zeros(images, nodes, 2) for nodes in (5, 3, 1)),
        risen_per_level=(),
        is_present_per_level=tuple(present),
        groupings=(grouping_BRS.repeat(images, 1, 1), torch.ones(images, 3, 1) / 3),
        nearest=(message_BRS.argmax(dim=2).repeat(images, 1), torch.zeros(images, 3, dtype=torch.long)),
        messages=(message_BRS.repeat(images, 1, 1), torch.ones(images, 3, 1)),
        global_BC=torch.zeros(images, 2),
    )


def made_photograph() -> GroupedPhotograph:
    """Twice as large as what the parser worked at."""
    return GroupedPhotograph.of(IMAGE_HWC, made_hierarchy())


def test_groups_of_both_rules() -> None:
    photograph = made_photograph()
    assert photograph.size == (4, 12) and photograph.num_levels == 3 and photograph.num_superpixels == 5
    assert photograph.group_of_superpixel(1).tolist() == [0, 1, 2, 3, 4]
    assert photograph.group_of_superpixel(2).tolist() == [0, 0, 1, 2, 1]
    assert photograph.group_of_superpixel(2, rule="product").tolist() == [0, 1, 1, 2, 2]
    assert [photograph.num_groups(level) for level in (1, 2, 3)] == [5, 3, 1]


def test_values_on_pixels() -> None:
    photograph = made_photograph()
    assert photograph.on_pixels(np.arange(1, 6)).tolist() == [[1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 0, 0]] * 4
    assert photograph.on_pixels(np.arange(1, 6), (1, 3)).tolist() == [[2, 4, 0]], "the middle of each pixel"
    assert photograph.on_pixels(np.ones(5, dtype=bool), (2, 6)).dtype == bool


def test_on_pixels_is_the_nearest_place_of_the_working_map() -> None:
    """Every pixel, one by one, for a photograph whose size is no multiple of the map's."""
    superpixel_hw = np.random.default_rng(0).integers(-1, 9, (7, 5))
    image_HWC = np.zeros((23, 16, 3), dtype=np.uint8)
    photograph = GroupedPhotograph(image_HWC, superpixel_hw, {"nearest": (np.arange(9),)})
    value_R = np.arange(10, 19)
    found_HW = photograph.on_pixels(value_R)
    for y in range(23):
        for x in range(16):
            superpixel = superpixel_hw[int((y + 0.5) * 7 / 23), int((x + 0.5) * 5 / 16)]
            assert found_HW[y, x] == (0 if superpixel < 0 else value_R[superpixel])
            assert photograph.superpixels_at(np.array([x]), np.array([y])) == superpixel


@pytest.mark.parametrize("level", [0, 4, -1, 2.5])
def test_levels_there_are(level: int) -> None:
    with pytest.raises(BadInput, match=f"level must be 1 to 3, but got {level}; 1 are the superpixels"):
        made_photograph().group_of_superpixel(level)


def test_rules_there_are() -> None:
    with pytest.raises(BadInput, match="rule must be one of nearest, product, but got 'near'; leave it out"):
        made_photograph().group_of_superpixel(1, rule="near")  # type: ignore[arg-type]


def test_one_image_at_a_time() -> None:
    with pytest.raises(BadInput, match="a hierarchy must be that of one image, but got 2; group them one by one"):
        GroupedPhotograph.of(IMAGE_HWC, made_hierarchy(images=2))
    with pytest.raises(BadInput, match="an image must be an array H x W x 3 uint8"):
        GroupedPhotograph.of(IMAGE_HWC[..., 0], made_hierarchy())
