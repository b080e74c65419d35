"""Strided depthwise convolutions in bfloat16, by way of float32: answers, gradients, who is one."""

import pytest
import torch
from torch import nn

from mereo.features.strided_depthwise import StridedDepthwise, is_strided_depthwise


@pytest.mark.parametrize(("stride", "kernel"), [(2, 3), (2, 5), (4, 3)])
@pytest.mark.parametrize("is_autocast", [True, False])
def test_answers_and_gradients_are_those_of_torch(stride: int, kernel: int, is_autocast: bool) -> None:
    torch.manual_seed(stride + kernel)
    sizes: dict[str, int] = {"stride": stride, "padding": kernel // 2, "groups": 8}
    plain, ours = nn.Conv2d(8, 8, kernel, **sizes), StridedDepthwise(8, 8, kernel, **sizes)
    ours.load_state_dict(plain.state_dict())
    features = torch.randn(2, 8, 19, 24).to(memory_format=torch.channels_last).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_autocast):
        wanted, found = plain(features), ours(features)
    assert found.dtype == wanted.dtype
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found, wanted, rtol=0.0, atol=0.02 if is_autocast else 1e-6)
    above = torch.randn(wanted.shape)
    gradients = [
        torch.autograd.grad(answer, [features, *module.parameters()], above.to(answer.dtype))
        for answer, module in ((found, ours), (wanted, plain))
    ]
    for one, other in zip(*gradients, strict=True):
        assert (one - other).norm() <= (0.01 if is_autocast else 1e-6) * other.norm()


def test_only_training_in_bfloat16_goes_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    convolve, features = StridedDepthwise(2, 2, 3, stride=2, padding=1, groups=2), torch.randn(1, 2, 9, 8)
    seen: list[torch.dtype] = []
    plain = nn.Conv2d.forward

    def watched(self: nn.Conv2d, features: torch.Tensor) -> torch.Tensor:
        seen.append(torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else features.dtype)
        return plain(self, features)

    monkeypatch.setattr(nn.Conv2d, "forward", watched)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        convolve(features)
        with torch.no_grad():
            convolve(features)
    convolve(features)
    assert seen == [torch.float32, torch.bfloat16, torch.float32]


@pytest.mark.parametrize("changed", [{"stride": 1}, {"groups": 1}, {"groups": 2}])
def test_others_stay_as_they_are(changed: dict[str, int]) -> None:
    fitting = {"stride": 2, "padding": 1, "groups": 4}
    assert is_strided_depthwise(nn.Conv2d(4, 4, 3, **fitting))  # type: ignore[arg-type]
    assert not is_strided_depthwise(nn.Conv2d(4, 4, 3, **(fitting | changed)))  # type: ignore[arg-type]
