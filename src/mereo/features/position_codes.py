"""Position codes: sines and cosines of a coordinate, from wavelengths of 2 pi to 10000 * 2 pi.

Vaswani et al. 2017, "Attention is all you need", section 3.5.
"""

import torch
from torch import Tensor

from mereo.errors import BadInput

BASE = 10_000.0


def position_codes(position_N: Tensor, *, width: int) -> Tensor:
    """N D: sin(x / BASE^(2i / D)) in column 2i, the cosine in column 2i + 1. Any shape of positions: D is added last.

    >>> position_codes(torch.tensor([0.0]), width=4).tolist()
    [[0.0, 1.0, 0.0, 1.0]]
    """
    if width < 1:
        raise BadInput(f"the width of position codes must be at least 1, but got {width}; use the features' width.")
    position_N = position_N.to(torch.promote_types(position_N.dtype, torch.float32))
    even_d = torch.arange(0, width, 2, device=position_N.device, dtype=position_N.dtype)
    angle_Nd = position_N[..., None] * BASE ** (-even_d / width)
    return torch.stack([angle_Nd.sin(), angle_Nd.cos()], dim=-1).flatten(-2)[..., :width]
