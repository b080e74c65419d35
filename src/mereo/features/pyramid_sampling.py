"""Pyramid sampling: a map as few tokens, the means over grids of several sizes; what a cheap attention looks at.

Zhu, Xu, Bai, Huang, Bai 2019, "Asymmetric non-local neural networks for semantic segmentation", section 3.3.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

GRID_SIZES = (1, 3, 6, 8)


def pyramid_sampled(features_BCHW: Tensor, grid_sizes: Sequence[int] = GRID_SIZES) -> Tensor:
    """B C S: means over n x n parts of the map for each n, one grid after the other; 110 of them for 1, 3, 6, 8.

    >>> pyramid_sampled(torch.tensor([[[[1.0, 3.0], [5.0, 7.0]]]]), (1, 2)).tolist()
    [[[4.0, 1.0, 3.0, 5.0, 7.0]]]
    """
    return torch.cat([F.adaptive_avg_pool2d(features_BCHW, size).flatten(2) for size in grid_sizes], dim=2)
