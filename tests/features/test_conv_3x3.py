"""The 3x3 convolution against torch's own: answers, gradients, and where it steps back."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.features.conv_3x3 import Conv3x3, weight_gradient


def loop_weight_gradient(features_BCHW: torch.Tensor, gradient_BOHW: torch.Tensor) -> torch.Tensor:
    """The sum over images and cells of gradient times the feature that each place of the kernel met there."""
    batch, channels, height, width = features_BCHW.shape
    out = torch.zeros(gradient_BOHW.shape[1], channels, 3, 3, dtype=torch.float64)
    for b in range(batch):
        for y in range(height):
            for x in range(width):
                for dy in range(3):
                    for dx in range(3):
                        v, u = y + dy - 1, x + dx - 1
                        if 0 <= v < height and 0 <= u < width:
                            out[:, :, dy, dx] += torch.outer(gradient_BOHW[b, :, y, x], features_BCHW[b, :, v, u])
    return out


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.integers(1, 6), st.integers(1, 6), st.booleans())
def test_weight_gradient_is_the_sum_over_cells(b: int, c: int, o: int, h: int, w: int, channels_last: bool) -> None:
    generator = torch.Generator().manual_seed(h * 7 + w)
    memory = torch.channels_last if channels_last else torch.contiguous_format
    features = torch.randn(b, c, h, w, generator=generator, dtype=torch.float64).contiguous(memory_format=memory)
    gradient = torch.randn(b, o, h, w, generator=generator, dtype=torch.float64).contiguous(memory_format=memory)
    torch.testing.assert_close(weight_gradient(features, gradient), loop_weight_gradient(features, gradient))


def test_gradcheck() -> None:
    convolve = Conv3x3(2, 3).double()
    features = torch.randn(1, 2, 24, 25, dtype=torch.float64, requires_grad=True)

    def answer(features: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(convolve, {"weight": weight}, (features,))

    assert torch.autograd.gradcheck(answer, (features, convolve.weight), fast_mode=True)


@pytest.mark.parametrize("needs", [(True, True), (False, True), (True, False)])
def test_answers_and_gradients_are_those_of_torch(needs: tuple[bool, bool]) -> None:
    convolve = Conv3x3(16, 8)
    convolve.weight.requires_grad_(needs[1])
    features = torch.randn(2, 16, 24, 31, requires_grad=needs[0])
    answer = convolve(features)
    expected = F.conv2d(features, convolve.weight, padding=1)
    assert torch.equal(answer, expected)
    inputs = [one for one, is_needed in zip((features, convolve.weight), needs, strict=True) if is_needed]
    above = torch.randn_like(answer)
    for ours, theirs in zip(
        torch.autograd.grad(answer, inputs, above), torch.autograd.grad(expected, inputs, above), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


def test_only_plain_training_on_the_cpu_takes_the_products() -> None:
    convolve, features = Conv3x3(2, 2), torch.randn(1, 2, 24, 24)
    assert "ConvolveWithProducts" in type(convolve(features).grad_fn).__name__
    assert "ConvolveWithProducts" not in type(convolve(features[..., 1:]).grad_fn).__name__
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert convolve(features).dtype == torch.bfloat16
    with torch.no_grad():
        assert convolve(features).grad_fn is None
    convolve.weight.requires_grad_(False)
    assert convolve(features).grad_fn is None
