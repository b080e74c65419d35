"""Concept masks: soft regions that may overlap, one a concept. Their centroids, means over them, and the way back."""

import torch
from torch import Tensor

from mereo.shapes import require_shapes

EPSILON = 1e-6  # A mask without mass lies at the origin and has mean 0.


def mask_centroids(probability_BKHW: Tensor) -> Tensor:
    """B K 2: row and column of each mask's centre of mass, the first row and column being 1. In float32 at least.

    >>> mask_centroids(torch.tensor([[[[0.0, 0.0, 1.0]]]])).round().tolist()
    [[[1.0, 3.0]]]
    """
    require_shapes(probability_BKHW=probability_BKHW)
    probability_BKHW = probability_BKHW.to(torch.promote_types(probability_BKHW.dtype, torch.float32))
    of_row_BKH, of_column_BKW = probability_BKHW.sum(dim=3), probability_BKHW.sum(dim=2)
    row_H, column_W = (
        torch.arange(1, sums.shape[2] + 1, device=sums.device, dtype=sums.dtype) for sums in (of_row_BKH, of_column_BKW)
    )
    # No matrix product: autocast would make it in half precision, which holds no sum over a picture.
    moments_BK2 = torch.stack([(of_row_BKH * row_H).sum(dim=2), (of_column_BKW * column_W).sum(dim=2)], dim=2)
    return moments_BK2 / (of_row_BKH.sum(dim=2, keepdim=True) + EPSILON)


def gathered_by_masks(features_BDHW: Tensor, probability_BKHW: Tensor, *, is_mean: bool) -> Tensor:
    """B K D, in float32 at least: sums over all pixels, weighted by each mask; with `is_mean` over the mask's mass."""
    require_shapes(features_BDHW=features_BDHW, probability_BKHW=probability_BKHW)
    with torch.autocast(features_BDHW.device.type, enabled=False):
        wide = torch.promote_types(features_BDHW.dtype, torch.float32)
        weight_BKP = probability_BKHW.to(wide).flatten(2)
        sums_BKD = weight_BKP @ features_BDHW.to(wide).flatten(2).transpose(1, 2)
        return sums_BKD / (weight_BKP.sum(dim=2, keepdim=True) + EPSILON) if is_mean else sums_BKD


def spread_by_masks(tokens_BKD: Tensor, probability_BKHW: Tensor, *, is_mean: bool) -> Tensor:
    """B D H W: each pixel gets the tokens of its masks, summed with their weights; with `is_mean` their mean."""
    require_shapes(tokens_BKD=tokens_BKD, probability_BKHW=probability_BKHW)
    with torch.autocast(tokens_BKD.device.type, enabled=False):
        wide = torch.promote_types(tokens_BKD.dtype, torch.float32)
        weight_BKP = probability_BKHW.to(wide).flatten(2)
        if is_mean:
            weight_BKP = weight_BKP / (weight_BKP.sum(dim=1, keepdim=True) + EPSILON)
        pixels_BDP = tokens_BKD.to(wide).transpose(1, 2) @ weight_BKP
        return pixels_BDP.unflatten(2, probability_BKHW.shape[-2:])
