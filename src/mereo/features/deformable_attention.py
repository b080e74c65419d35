"""Deformable attention: a query looks at a few points around its own place, on maps of several scales.

Zhu et al. 2021, "Deformable DETR: deformable transformers for end-to-end object detection", section 4.1. In plain
torch: points between pixels are read by `grid_sample`, as in the authors' own reference.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mereo.errors import BadInput
from mereo.shapes import require_shapes


def deformable_attention(values: Sequence[Tensor], location_BQGLN2: Tensor, weight_BQGLN: Tensor) -> Tensor:
    """`out_BQC` = sum over levels l and points n of weight * values[l] at the location; heads G share the channels.

    `values` holds one map B C h w a level. A location is (x, y) as parts of the map's width and height; outside a map
    its values are 0. Equation 3 of the paper, without the projections around it. In float32 at least.
    """
    require_shapes(location_BQGLN2=location_BQGLN2, weight_BQGLN=weight_BQGLN)
    num_heads = weight_BQGLN.shape[2]
    with torch.autocast(weight_BQGLN.device.type, enabled=False):
        wide = torch.promote_types(values[0].dtype, torch.float32)
        grid_BQGLN2 = 2 * location_BQGLN2.to(wide) - 1
        sampled = []
        for level, value_BCHW in enumerate(values):
            # Heads are images of their own: each is read at its own points.
            value_JDHW = value_BCHW.to(wide).unflatten(1, (num_heads, -1)).flatten(0, 1)
            grid_JQN2 = grid_BQGLN2[:, :, :, level].transpose(1, 2).flatten(0, 1)
            sampled.append(F.grid_sample(value_JDHW, grid_JQN2, mode="bilinear", align_corners=False))
        sampled_JDQM = torch.cat(sampled, dim=3)
        weight_J1QM = weight_BQGLN.to(wide).transpose(1, 2).flatten(0, 1).flatten(2)[:, None]
        out_JDQ = (sampled_JDQM * weight_J1QM).sum(dim=3)
        return out_JDQ.unflatten(0, (-1, num_heads)).flatten(1, 2).transpose(1, 2)


def grid_centres(sizes: Sequence[tuple[int, int]], *, device: torch.device | str | None = None) -> Tensor:
    """(x, y) of every pixel of every map in turn, as parts of the map's width and height: `centre_P2`."""
    centres = []
    for height, width in sizes:
        y_h = (torch.arange(height, device=device, dtype=torch.float32) + 0.5) / height
        x_w = (torch.arange(width, device=device, dtype=torch.float32) + 0.5) / width
        centres.append(torch.stack([x_w.expand(height, -1), y_h[:, None].expand(-1, width)], dim=-1).flatten(0, 1))
    return torch.cat(centres)


class DeformableAttention(nn.Module):
    """Every pixel of all maps asks around itself: queries say where to look and how much each point counts."""

    def __init__(self, width: int, *, num_heads: int = 8, num_levels: int = 3, num_points: int = 4) -> None:
        super().__init__()
        if num_heads < 1 or width % num_heads:
            raise BadInput(f"width must be a multiple of its {num_heads} heads, but got {width}; change one of them.")
        self.axes = (num_heads, num_levels, num_points)
        self.offsets = nn.Linear(width, num_heads * num_levels * num_points * 2)
        self.weights = nn.Linear(width, num_heads * num_levels * num_points)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self._start_around_each_pixel()

    def forward(self, query_BPC: Tensor, tokens_BPC: Tensor, sizes: Sequence[tuple[int, int]]) -> Tensor:
        """Both tensors hold the maps' pixels one map after the other; `sizes` are the maps' heights and widths."""
        values_BPC = self.value(tokens_BPC)
        maps = [
            level_BPC.transpose(1, 2).unflatten(2, size)
            for level_BPC, size in zip(values_BPC.split([h * w for h, w in sizes], dim=1), sizes, strict=True)
        ]
        offset_BQGLN2 = self.offsets(query_BPC).float().unflatten(2, (*self.axes, 2))
        weight_BQGLN = self.weights(query_BPC).float().unflatten(2, (self.axes[0], -1)).softmax(dim=3)
        centre_P2 = grid_centres(sizes, device=query_BPC.device)
        # Offsets count in pixels of the map that they point into.
        scale_L2 = torch.tensor([[w, h] for h, w in sizes], dtype=torch.float32, device=query_BPC.device)
        location_BQGLN2 = centre_P2[:, None, None, None] + offset_BQGLN2 / scale_L2[:, None]
        out_BPC = deformable_attention(maps, location_BQGLN2, weight_BQGLN.unflatten(3, self.axes[1:]))
        return self.out(out_BPC.to(values_BPC.dtype))

    def _start_around_each_pixel(self) -> None:
        """Appendix A.4: heads look into different directions, and their points lie 1, 2, ... pixels away."""
        num_heads, num_levels, num_points = self.axes
        angle_G = torch.arange(num_heads) * (2 * math.pi / num_heads)
        direction_G2 = torch.stack([angle_G.cos(), angle_G.sin()], dim=1)
        direction_G2 /= direction_G2.abs().amax(dim=1, keepdim=True)
        steps_N = torch.arange(1, num_points + 1)
        offset_GLN2 = (direction_G2[:, None, None] * steps_N[:, None]).expand(-1, num_levels, -1, -1)
        nn.init.zeros_(self.offsets.weight)
        nn.init.zeros_(self.weights.weight)
        nn.init.zeros_(self.weights.bias)
        with torch.no_grad():
            self.offsets.bias.copy_(offset_GLN2.flatten())
        for projection in (self.value, self.out):
            nn.init.xavier_uniform_(projection.weight)
            nn.init.zeros_(projection.bias)
