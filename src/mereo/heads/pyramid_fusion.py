"""Fusing a pyramid of answers: each pixel is answered by the coarsest level that calls its cell a unit.

"Specialize and fuse: pyramidal representation for semantic segmentation" (SaF), section 3.1, equation 2.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from mereo.errors import BadInput
from mereo.regions.cells import spread_to_finer


def fuse_pyramid(
    probability_per_level: Sequence[Tensor], unity_per_level: Sequence[Tensor], *, threshold: float = 0.5
) -> tuple[Tensor, Tensor]:
    """Probabilities (B K H W) and the level that spoke (B H W, 0 the coarsest), on the finest level's grid.

    Levels come coarsest first, B K h w each; unities (B h w) are probabilities of all levels but the finest, which
    speaks wherever no other does. A unity of exactly the threshold speaks.

    >>> coarse, fine = torch.tensor([[[[0.9]]]]), torch.tensor([[[[0.1, 0.2], [0.3, 0.4]]]])
    >>> [fuse_pyramid([coarse, fine], [torch.tensor([[[u]]])])[1].tolist() for u in (0.5, 0.4)]
    [[[[0, 0], [0, 0]]], [[[1, 1], [1, 1]]]]
    """
    if not 0 <= threshold <= 1:
        raise BadInput(f"threshold must be from 0 to 1, but got {threshold}; e.g. 0.5.")
    if len(unity_per_level) != len(probability_per_level) - 1:
        raise BadInput(
            f"every level but the finest must have a unity, but got {len(unity_per_level)} for "
            f"{len(probability_per_level)} levels; pass the coarsest first."
        )
    fused_BKHW = probability_per_level[-1]
    last = len(unity_per_level)
    level_BHW = torch.full_like(fused_BKHW[:, 0], last, dtype=torch.int64)
    # From fine to coarse, each over what finer levels said: what stays is the coarsest that speaks.
    for level in reversed(range(last)):
        factor = fused_BKHW.shape[-1] // probability_per_level[level].shape[-1]
        speaks_BHW = spread_to_finer(unity_per_level[level] >= threshold, factor)
        coarser_BKHW = spread_to_finer(probability_per_level[level], factor)
        fused_BKHW = torch.where(speaks_BHW[:, None], coarser_BKHW, fused_BKHW)
        level_BHW = level_BHW.masked_fill(speaks_BHW, level)
    return fused_BKHW, level_BHW
