"""Networks of other sizes than the named model's, norms behind maps, and Swin's whole windows."""

import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mereo.errors import BadInput
from mereo.features.timm_backbone import TimmBackbone, TimmBackboneConfig
from mereo.strict_yaml import validated

SWIN = {"family": "swin", "depths": [1, 2, 1, 1], "width": 8, "heads": [1, 2, 2, 4], "window": 3}
SIZES: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "swin_tiny_patch4_window7_224": (SWIN, (8, 16, 32, 64)),
    "convnext_tiny": ({"family": "convnext", "depths": [1, 1, 1, 1], "widths": [8, 12, 16, 20]}, (8, 12, 16, 20)),
    "resnet18": ({"family": "resnet", "depths": [1, 1, 1, 1], "widths": [8, 12, 16, 20]}, (64, 8, 12, 16, 20)),
    "resnet50": ({"family": "resnet", "depths": [1, 1, 1, 1], "widths": [8, 12, 16, 20]}, (64, 32, 48, 64, 80)),
}


def built(name: str, **others: Any) -> TimmBackbone:
    content = {"name": name, "sizes": SIZES[name][0], **others}
    torch.manual_seed(0)
    return validated(TimmBackboneConfig, content, source="a test").build().eval()


@pytest.mark.parametrize("name", SIZES)
def test_maps_have_the_announced_sizes(name: str) -> None:
    backbone = built(name)
    assert backbone.layout.channels == SIZES[name][1]
    for height, width in ((1, 1), (33, 129), (64, 64)):
        with torch.no_grad():
            features = backbone(torch.rand(1, 3, height, width))
        wanted = [(-(-height // stride), -(-width // stride)) for stride in backbone.layout.strides]
        assert [tuple(one.shape[-2:]) for one in features.maps] == wanted
        assert features.channels == SIZES[name][1]


@pytest.mark.parametrize("name", SIZES)
def test_a_norm_behind_each_map(name: str) -> None:
    plain, normed = built(name), built(name, map_norm_eps=1e-5)
    image_BCHW = torch.rand(2, 3, 40, 64)
    with torch.no_grad():
        for before, after in zip(plain(image_BCHW).maps, normed(image_BCHW).maps):
            wanted = F.layer_norm(before.permute(0, 2, 3, 1), (before.shape[1],)).permute(0, 3, 1, 2)
            torch.testing.assert_close(after, wanted, rtol=1e-4, atol=1e-5)
    assert len([key for key in normed.state_dict() if key.startswith("norms.")]) == 2 * len(SIZES[name][1])


def windows_by_loops(block: Any, x_HWC: Tensor) -> Tensor:
    """Pad to whole windows, shift, attend within each window among pixels of one region, shift back, cut."""
    height, width, channels = x_HWC.shape
    side, shift = block.window_size[0], block.shift_size[0]
    tall, wide = (-(-length // side) * side for length in (height, width))
    padded = torch.zeros(tall, wide, channels)
    padded[:height, :width] = x_HWC
    out = torch.zeros_like(padded)
    for top in range(0, tall, side):
        for left in range(0, wide, side):
            # Places in the shifted map, and where they come from.
            cells = [(y, x) for y in range(top, top + side) for x in range(left, left + side)]
            sources = [((y + shift) % tall, (x + shift) % wide) for y, x in cells]
            wrapped = [(y + shift >= tall, x + shift >= wide) for y, x in cells]
            tokens_PC = torch.stack([padded[source] for source in sources])
            mask_PP = torch.tensor([[0.0 if a == b else -100.0 for b in wrapped] for a in wrapped])
            answer_PC = block.attn(tokens_PC[None], mask=mask_PP[None])[0]
            for source, answer_C in zip(sources, answer_PC):
                out[source] = answer_C
    return out[:height, :width]


@pytest.mark.parametrize("size", [(6, 6), (4, 5), (1, 7), (2, 2)], ids=str)
def test_windows_by_loops(size: tuple[int, int]) -> None:
    blocks = [*built("swin_tiny_patch4_window7_224").network.layers_1.blocks]
    assert [block.shift_size for block in blocks] == [(0, 0), (1, 1)]
    for block in blocks:
        torch.nn.init.normal_(block.attn.relative_position_bias_table)
        x_HWC = torch.randn(*size, 16)
        with torch.no_grad():
            torch.testing.assert_close(
                block._attn(x_HWC[None])[0], windows_by_loops(block, x_HWC), rtol=1e-4, atol=1e-5
            )


def test_a_copy_pads_first_too() -> None:
    backbone = built("swin_tiny_patch4_window7_224")
    image_BCHW = torch.rand(1, 3, 41, 53)
    with torch.no_grad():
        for first, second in zip(backbone(image_BCHW).maps, copy.deepcopy(backbone)(image_BCHW).maps):
            assert torch.equal(first, second)


def test_sizes_of_another_family() -> None:
    config = validated(TimmBackboneConfig, {"name": "resnet18", "sizes": SWIN}, source="a test")
    with pytest.raises(BadInput, match="sizes of a backbone must be of its family, but got swin for resnet18"):
        config.build()
