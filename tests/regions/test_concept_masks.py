"""Concept masks: centroids (equation 4), tokens (equation 3) and the way back, by loops in float64."""

import pytest
import torch

from mereo.regions.concept_masks import gathered_by_masks, mask_centroids, spread_by_masks


def random_masks(*, seed: int = 0) -> torch.Tensor:
    return torch.rand(2, 3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("row", "column"), [(0, 0), (3, 4), (2, 1)])
def test_the_centroid_of_one_pixel_is_its_place_counted_from_1(row: int, column: int) -> None:
    mask_BKHW = torch.zeros(1, 1, 4, 5)
    mask_BKHW[0, 0, row, column] = 1
    assert mask_centroids(mask_BKHW)[0, 0].tolist() == pytest.approx([row + 1, column + 1], rel=1e-5)


def test_centroids_by_a_loop() -> None:
    probability_BKHW = random_masks()
    centroid_BK2 = mask_centroids(probability_BKHW)
    for b in range(2):
        for k in range(3):
            mass = sum(float(probability_BKHW[b, k, h, w]) for h in range(4) for w in range(5))
            row = sum((h + 1) * float(probability_BKHW[b, k, h, w]) for h in range(4) for w in range(5)) / mass
            column = sum((w + 1) * float(probability_BKHW[b, k, h, w]) for h in range(4) for w in range(5)) / mass
            assert centroid_BK2[b, k].tolist() == pytest.approx([row, column], rel=1e-6)


def test_a_mask_without_mass_has_a_finite_centroid() -> None:
    mask_BKHW = torch.zeros(1, 1, 3, 3, requires_grad=True)
    centroid_BK2 = mask_centroids(mask_BKHW)
    centroid_BK2.sum().backward()
    assert centroid_BK2.tolist() == [[[0.0, 0.0]]]
    assert mask_BKHW.grad is not None and bool(mask_BKHW.grad.isfinite().all())


@pytest.mark.parametrize("is_mean", [False, True])
def test_gathered_and_spread_by_a_loop(is_mean: bool) -> None:
    probability_BKHW, generator = random_masks(), torch.Generator().manual_seed(1)
    features_BDHW = torch.randn(2, 6, 4, 5, dtype=torch.float64, generator=generator)
    tokens_BKD = torch.randn(2, 3, 6, dtype=torch.float64, generator=generator)
    gathered_BKD = gathered_by_masks(features_BDHW, probability_BKHW, is_mean=is_mean)
    spread_BDHW = spread_by_masks(tokens_BKD, probability_BKHW, is_mean=is_mean)
    cells = [(h, w) for h in range(4) for w in range(5)]
    for b in range(2):
        for k in range(3):
            wanted = sum(probability_BKHW[b, k, h, w] * features_BDHW[b, :, h, w] for h, w in cells)
            mass = sum(probability_BKHW[b, k, h, w] for h, w in cells) if is_mean else 1
            torch.testing.assert_close(gathered_BKD[b, k], wanted / mass, rtol=1e-6, atol=1e-9)
        for h, w in cells:
            wanted = sum(probability_BKHW[b, k, h, w] * tokens_BKD[b, k] for k in range(3))
            mass = sum(probability_BKHW[b, k, h, w] for k in range(3)) if is_mean else 1
            torch.testing.assert_close(spread_BDHW[b, :, h, w], wanted / mass, rtol=1e-5, atol=1e-9)


def test_sums_are_taken_in_full_precision() -> None:
    """Thousands of cells of weight one half: bfloat16 would stop counting long before."""
    with torch.autocast("cpu", torch.bfloat16):
        masks_BKHW = torch.full((1, 2, 64, 64), 0.5, dtype=torch.bfloat16)
        gathered_BKD = gathered_by_masks(torch.ones(1, 3, 64, 64, dtype=torch.bfloat16), masks_BKHW, is_mean=False)
        centroid_BK2 = mask_centroids(torch.full((1, 1, 50, 70), 0.5, dtype=torch.bfloat16))
        of_wide_BK2 = mask_centroids(torch.full((1, 1, 50, 70), 0.5))
    assert gathered_BKD.dtype == torch.float32 and bool((gathered_BKD == 2048).all())
    for found_BK2 in (centroid_BK2, of_wide_BK2):
        assert found_BK2.dtype == torch.float32 and found_BK2[0, 0].tolist() == pytest.approx([25.5, 35.5])
