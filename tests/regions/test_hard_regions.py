"""Means over hard regions against loops; what belongs nowhere counts nowhere."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.regions.hard_regions import mean_over_regions, membership, spread_to_pixels


def loop_means(features_BCHW: torch.Tensor, label_BHW: torch.Tensor, num_regions: int) -> torch.Tensor:
    means = torch.zeros(features_BCHW.shape[0], num_regions, features_BCHW.shape[1], dtype=features_BCHW.dtype)
    for b in range(len(features_BCHW)):
        for r in range(num_regions):
            where = [(y, x) for y, x in (label_BHW[b] == r).nonzero().tolist()]
            for y, x in where:
                means[b, r] += features_BCHW[b, :, y, x] / len(where)
    return means


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 3), st.integers(1, 4), st.integers(1, 5), st.integers(1, 5), st.integers(1, 5), st.integers(0, 99)
)
def test_means_are_those_of_loops(b: int, c: int, h: int, w: int, regions: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(b, c, h, w, generator=generator, dtype=torch.float64)
    label = torch.randint(-1, regions + 1, (b, h, w), generator=generator)
    belongs = membership(label, regions)
    means, counts = mean_over_regions(features, belongs)
    torch.testing.assert_close(means, loop_means(features, label, regions))
    assert counts.tolist() == [[int((label[i] == r).sum()) for r in range(regions)] for i in range(b)]
    spread = spread_to_pixels(means, belongs, (h, w))
    for i in range(b):
        for y in range(h):
            for x in range(w):
                r = int(label[i, y, x])
                wanted = means[i, r] if 0 <= r < regions else torch.zeros(c, dtype=torch.float64)
                torch.testing.assert_close(spread[i, :, y, x], wanted)


def test_half_precision_is_summed_in_float32() -> None:
    features = torch.full((1, 1, 64, 64), 3.0, dtype=torch.float16)
    means, _ = mean_over_regions(features, membership(torch.zeros(1, 64, 64, dtype=torch.int64), 1))
    assert means.dtype == torch.float32 and means.item() == 3.0
    with torch.autocast("cpu", torch.bfloat16):
        assert mean_over_regions(features, membership(torch.zeros(1, 64, 64), 1))[0].item() == 3.0


def test_gradcheck() -> None:
    label = torch.tensor([[[0, 1, 1], [0, 5, 2]]])
    features = torch.randn(1, 2, 2, 3, dtype=torch.float64, requires_grad=True)

    def smoothed(features: torch.Tensor) -> torch.Tensor:
        belongs = membership(label, 3)
        return spread_to_pixels(mean_over_regions(features, belongs)[0], belongs, (2, 3))

    assert torch.autograd.gradcheck(smoothed, (features,))
