"""Dilated depthwise convolutions by interleaved grids, against torch's own: answers, gradients, who is one."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mereo.features.dilated_depthwise import DilatedDepthwise, convolved_by_grids, is_dilated_depthwise


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 11), st.integers(1, 11)),
    dilation=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    kernel=st.sampled_from([(3, 3), (5, 5), (3, 1)]),
    batch=st.integers(1, 2),
    has_bias=st.booleans(),
)
def test_answers_and_gradients_are_those_of_torch(
    size: tuple[int, int], dilation: tuple[int, int], kernel: tuple[int, int], batch: int, has_bias: bool
) -> None:
    generator = torch.Generator().manual_seed(size[0] * 17 + size[1])
    features = torch.randn(batch, 3, *size, dtype=torch.float64, generator=generator, requires_grad=True)
    weight = torch.randn(3, 1, *kernel, dtype=torch.float64, generator=generator, requires_grad=True)
    bias = torch.randn(3, dtype=torch.float64, generator=generator, requires_grad=True) if has_bias else None
    padding = (dilation[0] * (kernel[0] // 2), dilation[1] * (kernel[1] // 2))
    ours = convolved_by_grids(features, weight, bias, dilation=dilation)
    theirs = F.conv2d(features, weight, bias, padding=padding, dilation=dilation, groups=3)
    torch.testing.assert_close(ours, theirs)
    inputs = [one for one in (features, weight, bias) if one is not None]
    above = torch.randn(ours.shape, dtype=torch.float64, generator=generator)
    for our, their in zip(
        torch.autograd.grad(ours, inputs, above), torch.autograd.grad(theirs, inputs, above), strict=True
    ):
        torch.testing.assert_close(our, their)


@pytest.mark.parametrize(
    "changed",
    [{"dilation": 1, "padding": 1}, {"groups": 1}, {"stride": 2}, {"padding": 0}, {"padding_mode": "reflect"}],
)
def test_others_stay_as_they_are(changed: dict[str, object]) -> None:
    fitting: dict[str, object] = {"dilation": 2, "padding": 2, "groups": 4}
    assert is_dilated_depthwise(nn.Conv2d(4, 4, 3, **fitting))  # type: ignore[arg-type]
    assert not is_dilated_depthwise(nn.Conv2d(4, 4, 3, **(fitting | changed)))  # type: ignore[arg-type]


def test_only_training_on_the_cpu_goes_by_grids(monkeypatch: pytest.MonkeyPatch) -> None:
    convolve, features = DilatedDepthwise(2, 2, 3, padding=2, dilation=2, groups=2), torch.randn(1, 2, 9, 8)
    seen = []
    monkeypatch.setattr(
        "mereo.features.dilated_depthwise.convolved_by_grids", lambda *a, **k: seen.append(1) or torch.zeros(1)
    )
    convolve(features)
    assert seen == [1]
    with torch.no_grad():
        assert convolve(features).shape == features.shape
    assert seen == [1]


@pytest.mark.parametrize("size", [(23, 30), (24, 32)])
def test_bfloat16_takes_nothing_from_memory_that_nobody_wrote(size: tuple[int, int]) -> None:
    """Of a plain `nn.Conv2d`, torch 2.15 leaves NaN in some gradients of weights where it lay in memory before."""
    features = torch.randn(2, 64, *size).to(memory_format=torch.channels_last).requires_grad_()
    plain = nn.Conv2d(64, 64, 3, padding=2, dilation=2, groups=64, bias=False)
    ours = DilatedDepthwise(64, 64, 3, padding=2, dilation=2, groups=64, bias=False)
    ours.load_state_dict(plain.state_dict())
    wanted = torch.autograd.grad(plain(features).square().mean(), [features, plain.weight])
    for _ in range(4):
        fill_free_memory(math.nan)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            answer = ours(features)
        assert answer.dtype == torch.bfloat16
        found = torch.autograd.grad(answer.float().square().mean(), [features, ours.weight])
        for one, other in zip(found, wanted, strict=True):
            assert (one - other).norm() <= 0.02 * other.norm()


def fill_free_memory(value: float) -> None:
    """What is allocated next finds it where nobody writes."""
    blocks = [torch.full((factor << power,), value) for power in range(8, 23) for factor in (1, 3)]
    del blocks


@pytest.mark.parametrize("size", [(15, 20), (16, 20), (23, 30)])
def test_answers_lie_whole_in_memory_where_cells_are_cut_off(size: tuple[int, int]) -> None:
    """Batch norm behind them took 38 instead of 2 ms where gaps lay between the pictures of a batch."""
    features = torch.randn(2, 8, *size).to(memory_format=torch.channels_last).requires_grad_()
    answer = convolved_by_grids(features, torch.randn(8, 1, 3, 3), dilation=(2, 2))
    assert answer.is_contiguous(memory_format=torch.channels_last)
    (gradient,) = torch.autograd.grad(answer, features, torch.randn_like(answer))
    assert gradient.is_contiguous(memory_format=torch.channels_last)
