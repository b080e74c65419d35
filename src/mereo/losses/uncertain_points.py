"""Points where a mask is unsure: losses on a few thousand of them instead of on all pixels.

Kirillov, Wu, He, Girshick 2020, "PointRend: image segmentation as rendering", section 3.1.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def values_at(map_NHW: Tensor, point_NP2: Tensor, *, repeats_edge: bool = False) -> Tensor:
    """`value_NP`, read bilinearly at (x, y) as parts of width and height. Outside a map lies 0, or its edge."""
    padding = "border" if repeats_edge else "zeros"
    with torch.autocast(map_NHW.device.type, enabled=False):
        grid_NP12 = (2 * point_NP2 - 1)[:, :, None].to(map_NHW.dtype)
        value_N1P1 = F.grid_sample(map_NHW[:, None], grid_NP12, padding_mode=padding, align_corners=False)
    return value_N1P1[:, 0, :, 0]


@torch.no_grad()
def uncertain_points(
    logits_Nhw: Tensor, *, num_points: int, oversampling: float = 3.0, uncertain_share: float = 0.75
) -> Tensor:
    """`point_NP2`: of `oversampling` times as many random points the most uncertain ones (logits nearest to 0) make up
    `uncertain_share`; the rest is random."""
    num_masks = len(logits_Nhw)
    candidate_NP2 = torch.rand(num_masks, int(num_points * oversampling), 2, device=logits_Nhw.device)
    num_uncertain = int(uncertain_share * num_points)
    doubt_NP = -values_at(logits_Nhw, candidate_NP2).abs()
    chosen_NP = doubt_NP.topk(num_uncertain, dim=1).indices
    uncertain_NP2 = candidate_NP2.gather(1, chosen_NP[:, :, None].expand(-1, -1, 2))
    random_NP2 = torch.rand(num_masks, num_points - num_uncertain, 2, device=logits_Nhw.device)
    return torch.cat([uncertain_NP2, random_NP2], dim=1)
