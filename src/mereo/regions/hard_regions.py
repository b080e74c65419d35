"""Hard regions: every pixel belongs to one region or to none. Means over them, and regions spread back to pixels."""

import torch
from torch import Tensor

from mereo.shapes import require_shapes


def membership(label_BHW: Tensor, num_regions: int, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """B R P: 1 where a pixel belongs to a region. A label outside 0..R-1 (an ignored one) belongs to none.

    >>> membership(torch.tensor([[[0, 1, 255]]]), 2).tolist()
    [[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]
    """
    region_R1 = torch.arange(num_regions, device=label_BHW.device)[:, None]
    return (label_BHW.flatten(1)[:, None] == region_R1).to(dtype)


def mean_over_regions(features_BCHW: Tensor, membership_BRP: Tensor) -> tuple[Tensor, Tensor]:
    """Means (B R C) and pixel counts (B R), in float32 at least. A region without a pixel has mean 0.

    As one matrix product, which is deterministic on every device.
    """
    require_shapes(features_BCHW=features_BCHW, membership_BRP=membership_BRP)
    with torch.autocast(features_BCHW.device.type, enabled=False):
        wide = torch.promote_types(features_BCHW.dtype, torch.float32)
        membership_BRP = membership_BRP.to(wide)
        count_BR = membership_BRP.sum(dim=2)
        sum_BRC = membership_BRP @ features_BCHW.to(wide).flatten(2).transpose(1, 2)
        return sum_BRC / count_BR.clamp(min=1)[:, :, None], count_BR


def spread_to_pixels(regions_BRC: Tensor, membership_BRP: Tensor, size: tuple[int, int] | torch.Size) -> Tensor:
    """B C H W: every pixel gets the features of its region, or 0 if it has none."""
    require_shapes(regions_BRC=regions_BRC, membership_BRP=membership_BRP)
    pixels_BCP = regions_BRC.transpose(1, 2) @ membership_BRP.to(regions_BRC.dtype)
    return pixels_BCP.unflatten(2, tuple(size))
