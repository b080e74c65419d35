"""Sine positions: where a pixel lies, as a vector that attention can compare.

Carion et al. 2020, "End-to-end object detection with transformers", section 3.2: the code of Vaswani et al. 2017,
"Attention is all you need", section 3.5, once for rows and once for columns.
"""

import math

import torch
from torch import Tensor

from mereo.errors import BadInput

TEMPERATURE = 10000.0
EPSILON = 1e-6


def sine_positions(
    size: tuple[int, int], *, channels: int, device: torch.device | str | None = None, dtype: torch.dtype | None = None
) -> Tensor:
    """`positions_Chw`: the first half of the channels tells the row, the second the column.

    Row y of h stands at angle 2 pi (y + 1) / h, so that maps of all sizes run over one circle. Channels 2i and
    2i + 1 of a half of D channels hold sine and cosine of this angle over 10000^(2i / D).

    >>> sine_positions((1, 2), channels=4).shape
    torch.Size([4, 1, 2])
    """
    if channels < 4 or channels % 4:
        raise BadInput(f"channels of sine positions must be a multiple of 4, but got {channels}; change the width.")
    height, width = size
    rows_Dh = _along(height, channels // 2, device)
    columns_Dw = _along(width, channels // 2, device)
    positions_Chw = torch.cat(
        [rows_Dh[:, :, None].expand(-1, -1, width), columns_Dw[:, None, :].expand(-1, height, -1)]
    )
    return positions_Chw.to(dtype or torch.float32)


def _along(length: int, channels: int, device: torch.device | str | None) -> Tensor:
    angle_h = torch.arange(1, length + 1, dtype=torch.float32, device=device) / (length + EPSILON) * (2 * math.pi)
    pair_D = torch.arange(channels, device=device) // 2
    angle_Dh = angle_h / TEMPERATURE ** (2 * pair_D.float() / channels)[:, None]
    is_sine_D1 = (torch.arange(channels, device=device) % 2 == 0)[:, None]
    return torch.where(is_sine_D1, angle_Dh.sin(), angle_Dh.cos())
