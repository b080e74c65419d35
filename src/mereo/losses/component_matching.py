"""Which concept shows which component: one each first, by the cheapest assignment; then the cheapest of the others.

Hossain, Sigal, Little, "Framework-agnostic semantically-aware global reasoning for segmentation" (SGR), section 3.3.
"""

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from mereo.errors import BadInput
from mereo.shapes import require_shapes

FOCAL_ALPHA = 0.25  # gamma is 2: a square.
BLOCK_ELEMENTS = 1 << 17


def match_components(cost_KM: np.ndarray | Tensor, *, total: int) -> tuple[np.ndarray, np.ndarray]:
    """Concepts and their components, `total` pairs (or K, if fewer): those of the assignment first.

    Every component gets the concept that the Hungarian algorithm gives it. The rest of `total` are the cheapest pairs
    among the other concepts, each with its best component. Of more components than `total` the first are kept.

    >>> match_components(np.array([[0.0, 5.0], [1.0, 2.0], [9.0, 8.0]]), total=3)
    (array([0, 1, 2]), array([0, 1, 1]))
    """
    require_shapes(cost_KM=cost_KM)
    if total < 1:
        raise BadInput(f"total must be at least 1 match, but got {total}; e.g. 64.")
    cost_KM = cost_KM.detach().cpu().numpy() if isinstance(cost_KM, Tensor) else cost_KM
    num_concepts, num_components = cost_KM.shape
    if num_components == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    if not np.isfinite(cost_KM).all():
        raise BadInput(
            "the costs of matching must be finite numbers, but got others; pass probabilities and masks that are "
            "finite, or leave this image out."
        )
    total = min(total, num_concepts)
    cost_KM = cost_KM[:, : min(num_components, total)]
    first_concepts, first_components = linear_sum_assignment(cost_KM)
    others = np.setdiff1d(np.arange(num_concepts), first_concepts)
    best_components = cost_KM[others].argmin(axis=1)
    cheapest = np.argsort(cost_KM[others, best_components], kind="stable")[: total - len(first_concepts)]
    return (
        np.concatenate([first_concepts, others[cheapest]]),
        np.concatenate([first_components, best_components[cheapest]]),
    )


def matching_costs(probability_KHW: Tensor, mask_MHW: Tensor, *, dice_weight: float = 1.0) -> Tensor:
    """K M: focal loss plus `dice_weight` times dice loss of every concept on every component (equation 5).

    Both are linear in the component's mask up to a division, so matrix products give all pairs. In float32 at least:
    sums over thousands of pixels do not fit into half precision.
    """
    require_shapes(probability_KHW=probability_KHW, mask_MHW=mask_MHW)
    with torch.autocast(probability_KHW.device.type, enabled=False):
        wide = torch.promote_types(probability_KHW.dtype, torch.float32)
        probability_KP, mask_MP = probability_KHW.to(wide).flatten(1), mask_MHW.to(wide).flatten(1)
        num_pixels = probability_KP.shape[1]
        focal_KM = torch.cat([_focal_sums(block, mask_MP) for block in probability_KP.split(_block_length(num_pixels))])
        overlap_KM = (mask_MP @ probability_KP.t()).t()
        mass_KM = probability_KP.sum(dim=1, keepdim=True) + mask_MP.sum(dim=1)
        return focal_KM / num_pixels + dice_weight * (1 - (2 * overlap_KM + 1) / (mass_KM + 1))


def _focal_sums(probability_KP: Tensor, mask_MP: Tensor) -> Tensor:
    """K M: over all pixels, -a (1-p)^2 log p where the mask is 1 and -(1-a) p^2 log (1-p) where it is 0."""
    smallest = torch.finfo(probability_KP.dtype).eps
    square_KP = probability_KP.clamp(smallest, 1 - smallest)
    rest_KP = 1 - square_KP
    inside_KP, outside_KP = square_KP.log(), rest_KP.log()
    inside_KP *= rest_KP.square_()
    outside_KP *= square_KP.square_()
    background_K1 = outside_KP.sum(dim=1, keepdim=True)
    inside_KP.sub_(outside_KP, alpha=(1 - FOCAL_ALPHA) / FOCAL_ALPHA)
    return -FOCAL_ALPHA * (mask_MP @ inside_KP.t()).t() - (1 - FOCAL_ALPHA) * background_K1


def _block_length(num_pixels: int) -> int:
    """Concepts at a time: what fits into a core's cache takes a third of the time of arrays that do not."""
    return max(1, BLOCK_ELEMENTS // num_pixels)
