"""Which depthwise convolutions of a network are replaced, and that it trains the same."""

import timm
import torch
from torch import nn

from mereo.features.dilated_depthwise import DilatedDepthwise
from mereo.features.faster_depthwise import with_faster_depthwise
from mereo.features.strided_depthwise import StridedDepthwise
from mereo.features.timm_backbone import TimmBackbone


def kinds_in(network: nn.Module) -> list[type[nn.Module]]:
    return [type(module) for module in network.modules() if isinstance(module, (DilatedDepthwise, StridedDepthwise))]


def test_a_network_at_stride_16_trains_the_same_with_its_depthwise_convolutions_replaced() -> None:
    torch.manual_seed(0)
    options = {"features_only": True, "output_stride": 16, "pretrained": False}
    plain = timm.create_model("mobilenetv2_050", **options).train()
    faster = timm.create_model("mobilenetv2_050", **options).train()
    faster.load_state_dict(plain.state_dict())
    names = list(faster.state_dict())
    with_faster_depthwise(faster)
    assert list(faster.state_dict()) == names
    assert kinds_in(faster) == [StridedDepthwise] * 3 + [DilatedDepthwise] * 3
    image = torch.randn(2, 3, 50, 70)
    answers = [network(image)[-1] for network in (plain, faster)]
    torch.testing.assert_close(*answers)
    for answer in answers:
        answer.square().mean().backward()
    for (name, one), (_, other) in zip(plain.named_parameters(), faster.named_parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, msg=name, rtol=1e-3, atol=1e-5)


def test_a_backbone_of_ours_has_them_replaced() -> None:
    found = TimmBackbone("mobilenetv2_050", output_stride=16)
    assert kinds_in(found) == [StridedDepthwise] * 3 + [DilatedDepthwise] * 3
    whole = TimmBackbone("mobilenetv2_050")
    assert kinds_in(whole) == [StridedDepthwise] * 4
