"""Features of superpixels: means over them, and spread back. Sums by index: hundreds of regions make no matrix product.

A label below 0 belongs to no region. Deep grouping (DGM), section 3 and 3.3.
"""

import torch
from torch import Tensor

from mereo.shapes import require_shapes


def mean_over_superpixels(features_BCHW: Tensor, label_BHW: Tensor, num_regions: int) -> Tensor:
    """B R C, in float32 at least. A region without a pixel has mean 0.

    >>> features_BCHW = torch.tensor([[[[1.0, 3.0, 5.0, 9.0]]]])
    >>> mean_over_superpixels(features_BCHW, torch.tensor([[[0, 0, 1, -1]]]), 3).tolist()
    [[[2.0], [5.0], [0.0]]]
    """
    require_shapes(features_BCHW=features_BCHW, label_BHW=label_BHW)
    batch_size, channels = features_BCHW.shape[:2]
    wide = torch.promote_types(features_BCHW.dtype, torch.float32)
    place_N = _places(label_BHW, num_regions)
    value_NC = features_BCHW.to(wide).permute(0, 2, 3, 1).reshape(-1, channels)
    places = batch_size * num_regions + 1  # The last one takes what belongs to no region.
    sum_QC = value_NC.new_zeros(places, channels).index_add(0, place_N, value_NC)
    count_Q = torch.bincount(place_N, minlength=places).to(wide)
    mean_QC = sum_QC / count_Q.clamp(min=1)[:, None]
    return mean_QC[:-1].unflatten(0, (batch_size, num_regions))


def spread_superpixels(regions_BRC: Tensor, label_BHW: Tensor) -> Tensor:
    """B C H W: every pixel gets the features of its superpixel, 0 if it belongs to none."""
    require_shapes(regions_BRC=regions_BRC, label_BHW=label_BHW)
    batch_size, num_regions, channels = regions_BRC.shape
    padded_QC = torch.cat([regions_BRC.reshape(-1, channels), regions_BRC.new_zeros(1, channels)])
    value_NC = padded_QC.index_select(0, _places(label_BHW, num_regions))
    return value_NC.view(*label_BHW.shape, channels).permute(0, 3, 1, 2)


def _places(label_BHW: Tensor, num_regions: int) -> Tensor:
    """Row of each pixel's region in the regions of all images, one behind the other; the row after them: none."""
    batch_size = len(label_BHW)
    label_BP = label_BHW.flatten(1).long()
    first_B1 = torch.arange(batch_size, device=label_BP.device)[:, None] * num_regions
    return torch.where(label_BP >= 0, label_BP + first_B1, batch_size * num_regions).flatten()
