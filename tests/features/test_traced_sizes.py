"""Pooling and resizing as matrix products: torch's own answers, and torch's own functions where they are not meant."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from mereo.features.traced_sizes import TracedSizes, pooled_to_grid, repeated, resized_by_products


class Operations(TorchDispatchMode):
    """The names of all operations that torch does."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def random_maps(height: int, width: int) -> torch.Tensor:
    return torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(height * 1000 + width))


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (6, 6), (13, 4), (31, 50)])
@pytest.mark.parametrize("grid", [1, 2, 3, 6, (3, 8)])
def test_pooling_is_that_of_torch(size: tuple[int, int], grid: int | tuple[int, int]) -> None:
    features_BCHW = random_maps(*size)
    torch.testing.assert_close(pooled_to_grid(features_BCHW, grid), F.adaptive_avg_pool2d(features_BCHW, grid))


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (32, 64), (13, 250)])
@pytest.mark.parametrize("wanted", [(1, 1), (32, 64), (7, 3), (40, 41)])
def test_resizing_is_that_of_torch(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    image_BCHW = random_maps(*size) * 255
    expected = F.interpolate(image_BCHW, size=wanted, mode="bilinear", align_corners=False, antialias=True)
    torch.testing.assert_close(resized_by_products(image_BCHW, wanted), expected, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("dim", [-1, -2, 0, 3])
def test_repeating_is_that_of_torch(dim: int) -> None:
    features_BCHW = random_maps(3, 4)
    assert torch.equal(repeated(features_BCHW, 3, dim=dim), features_BCHW.repeat_interleave(3, dim=dim))
    with Operations() as seen, TracedSizes():
        features_BCHW.repeat_interleave(3, dim=dim)
    assert not [name for name in seen.names if "repeat" in name or "index" in name]


def test_inside_the_context_torchs_functions_are_products() -> None:
    features_BCHW = random_maps(9, 10)
    with Operations() as seen, TracedSizes():
        pooled = torch.nn.AdaptiveAvgPool2d(4)(features_BCHW)
        resized = F.interpolate(features_BCHW, size=(4, 5), mode="bilinear", align_corners=False, antialias=True)
    assert not [name for name in seen.names if "adaptive" in name or "upsample" in name]
    torch.testing.assert_close(pooled, F.adaptive_avg_pool2d(features_BCHW, 4))
    assert resized.shape == (2, 3, 4, 5)


def test_other_resizing_and_what_comes_behind_the_context_is_left_alone() -> None:
    features_BCHW = random_maps(9, 10)
    with Operations() as inside, TracedSizes():
        F.interpolate(features_BCHW, size=(4, 5), mode="bilinear", align_corners=False)
        F.interpolate(features_BCHW, scale_factor=0.5, mode="bilinear", antialias=True)
        assert torch.tensor([1, 2]).repeat_interleave(torch.tensor([1, 2])).tolist() == [1, 2, 2]
    assert len([name for name in inside.names if "upsample" in name]) == 2
    with Operations() as behind:
        F.adaptive_avg_pool2d(features_BCHW, 4)
    assert any("adaptive" in name for name in behind.names)
