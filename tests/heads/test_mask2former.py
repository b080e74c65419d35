"""Mask2Former keeps the contract of heads, and its queries look only inside their masks."""

from typing import Any

import torch
from head_contract import LAYOUTS, MaskHeadContract

from mereo.heads.mask2former import Mask2Former, visible_pixels


class TestMask2Former(MaskHeadContract):
    config: dict[str, Any] = {
        "head": "mask2former",
        "width": 16,
        "num_queries": 5,
        "num_layers": 4,
        "num_pixel_layers": 1,
        "num_heads": 2,
        "inner_width": 24,
        "pixel_inner_width": 24,
    }
    num_earlier = 4


def test_a_query_sees_its_mask_alone() -> None:
    mask_logits_BQhw = torch.tensor([[[[1.0, -1.0], [0.0, -2.0]], [[-1.0, -1.0], [-1.0, -1.0]]]])
    may_see_BQP = visible_pixels(mask_logits_BQhw, (2, 2))
    assert may_see_BQP[0, 0].tolist() == [True, False, True, False]
    assert may_see_BQP[0, 1].all(), "an empty mask sees everything"


def test_masks_are_brought_to_the_scale_that_is_looked_at() -> None:
    mask_logits_BQhw = torch.full((1, 1, 8, 8), -1.0)
    mask_logits_BQhw[..., 4:] = 1
    assert visible_pixels(mask_logits_BQhw, (2, 4)).view(2, 4).tolist() == [[False, False, True, True]] * 2


def test_pixels_outside_a_mask_change_nothing() -> None:
    """One layer, one scale: an attention that leaked would show a change far away."""
    torch.manual_seed(0)
    head = Mask2Former(LAYOUTS["one map"], num_classes=3, width=8, num_heads=2, num_layers=1, num_pixel_layers=0).eval()
    query_BQC, place_BQC = torch.randn(1, 1, 8), torch.randn(1, 1, 8)
    pixels_BPC, positions_PC = torch.randn(1, 6, 8), torch.randn(6, 8)
    may_see_BQP = torch.tensor([[[True, True, False, False, True, False]]])
    before = head.layers[0](query_BQC, place_BQC, pixels_BPC, positions_PC, may_see_BQP)
    pixels_BPC[:, [2, 3, 5]] = 100
    assert torch.equal(head.layers[0](query_BQC, place_BQC, pixels_BPC, positions_PC, may_see_BQP), before)
    pixels_BPC[:, 4] = 100
    assert not torch.equal(head.layers[0](query_BQC, place_BQC, pixels_BPC, positions_PC, may_see_BQP), before)


def test_scales_are_the_three_coarsest_maps() -> None:
    head = Mask2Former(LAYOUTS["stride 16"], num_classes=3, width=16, num_heads=2, num_layers=1, num_pixel_layers=1)
    assert head.used == [1, 2, 3, 4]
    assert [one[0].in_channels for one in head.pixel_decoder.projections] == [9, 8, 7]
    assert [one[0].in_channels for one in head.pixel_decoder.laterals] == [6]
