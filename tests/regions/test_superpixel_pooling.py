"""Means over superpixels by loops, their way back, and pixels of no region."""

import torch

from mereo.regions.superpixel_pooling import mean_over_superpixels, spread_superpixels


def case() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    features_BCHW = torch.randn(2, 3, 5, 7, dtype=torch.float64, generator=generator)
    return features_BCHW, torch.randint(-1, 4, (2, 5, 7), generator=generator)


def test_means_by_a_loop() -> None:
    features_BCHW, label_BHW = case()
    found_BRC = mean_over_superpixels(features_BCHW, label_BHW, 6)
    assert found_BRC.dtype == torch.float64
    for b in range(2):
        for r in range(6):
            inside = [features_BCHW[b, :, y, x] for y in range(5) for x in range(7) if label_BHW[b, y, x] == r]
            wanted = sum(inside) / len(inside) if inside else torch.zeros(3, dtype=torch.float64)
            torch.testing.assert_close(found_BRC[b, r], wanted)


def test_spread_by_a_loop() -> None:
    _, label_BHW = case()
    regions_BRC = torch.randn(2, 4, 3)
    found_BCHW = spread_superpixels(regions_BRC, label_BHW)
    for b in range(2):
        for y in range(5):
            for x in range(7):
                region = int(label_BHW[b, y, x])
                assert torch.equal(found_BCHW[b, :, y, x], regions_BRC[b, region] if region >= 0 else torch.zeros(3))


def test_there_and_back_and_gradients() -> None:
    features_BCHW, label_BHW = case()
    regions_BRC = torch.randn(2, 4, 3, dtype=torch.float64)
    spread_BCHW = spread_superpixels(regions_BRC, label_BHW)
    present_BR = torch.stack([torch.tensor([(label_HW == r).any() for r in range(4)]) for label_HW in label_BHW])
    back_BRC = mean_over_superpixels(spread_BCHW, label_BHW, 4)
    torch.testing.assert_close(back_BRC[present_BR], regions_BRC[present_BR])
    assert torch.autograd.gradcheck(
        lambda maps, nodes: (mean_over_superpixels(maps, label_BHW, 4), spread_superpixels(nodes, label_BHW)),
        (features_BCHW.requires_grad_(), regions_BRC.requires_grad_()),
    )
