"""Concept regions: the union of the concepts of a component must be that component, each showing another piece of it.

Hossain, Sigal, Little, "Framework-agnostic semantically-aware global reasoning for segmentation" (SGR), section 3.3.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from mereo.losses.component_matching import FOCAL_ALPHA, match_components, matching_costs
from mereo.processes import over_whole_batch
from mereo.regions.connected_components import ClassComponents, class_components
from mereo.regions.nearest_places import nearest_places
from mereo.shapes import require_shapes

Union = Literal["noisy_or", "clamped_sum"]


@dataclass(frozen=True)
class ConceptRegionLosses:
    """The terms of equation 6 before their weights, and their weighted sum."""

    focal: Tensor
    dice: Tensor
    cosine: Tensor
    total: Tensor


def concept_region_loss(
    probability_KHW: Tensor,
    mask_MHW: Tensor,
    *,
    total: int = 64,
    dice_weight: float = 1.0,
    cosine_weight: float = 1.0,
    union: Union = "noisy_or",
    is_counted_HW: Tensor | None = None,
) -> ConceptRegionLosses:
    """Equation 6 for one image. `mask_MHW`: its components, the largest first; none: a loss of 0 that has a gradient.

    focal: mean over pixels; dice: 1 - (2 sum pm + 1) / (sum p + sum m + 1); both mean over components. cosine: mean
    over pairs of concepts of one component. Pixels that are not counted have no say in anything. In float32 at least.
    Probabilities that are no finite numbers have a loss that is NaN: training skips such a step.

    >>> mask_1HW = torch.tensor([[[1.0, 0.0]]])
    >>> round(float(concept_region_loss(mask_1HW, mask_1HW).total), 6)
    0.0
    """
    # differs from the paper: means instead of sums, so that beta weighs an image of 40 components as one of 4.
    require_shapes(probability_KHW=probability_KHW, mask_MHW=mask_MHW)
    with torch.autocast(probability_KHW.device.type, enabled=False):
        wide = torch.promote_types(probability_KHW.dtype, torch.float32)
        probability_KHW, mask_MHW = probability_KHW.to(wide), mask_MHW.to(wide)
        if is_counted_HW is not None:  # One row of the pixels that count.
            probability_KHW, mask_MHW = probability_KHW[:, None, is_counted_HW], mask_MHW[:, None, is_counted_HW]
        if 0 in mask_MHW.shape:
            return _same_for_all(probability_KHW.sum() * 0)
        with torch.no_grad():
            cost_KM = matching_costs(probability_KHW, mask_MHW, dice_weight=dice_weight).cpu()
        if not cost_KM.isfinite().all():
            return _same_for_all(probability_KHW.sum() * math.nan)
        concepts, components = (torch.from_numpy(found) for found in match_components(cost_KM, total=total))
        concepts, components = concepts.to(probability_KHW.device), components.to(probability_KHW.device)
        mask_MP = mask_MHW.flatten(1)[: int(components.max()) + 1]
        matched_LP = probability_KHW.flatten(1)[concepts]
        belongs_ML = (components == torch.arange(len(mask_MP), device=components.device)[:, None]).to(wide)
        focal, dice = _union_losses(matched_LP, belongs_ML, mask_MP, union)
        cosine = _overlap_within_components(matched_LP, components)
        return ConceptRegionLosses(focal, dice, cosine, focal + dice_weight * dice + cosine_weight * cosine)


def _same_for_all(value: Tensor) -> ConceptRegionLosses:
    return ConceptRegionLosses(focal=value, dice=value, cosine=value, total=value)


def _union_losses(matched_LP: Tensor, belongs_ML: Tensor, mask_MP: Tensor, union: Union) -> tuple[Tensor, Tensor]:
    """Focal and dice loss of the unions, from log(1 - union) and log(union): neither rounds to log 0."""
    info = torch.finfo(matched_LP.dtype)
    if union == "noisy_or":
        # differs from the paper: 1 - prod (1 - P_i). The printed sum exceeds 1, and clamped it has no gradient.
        log_rest_MP = belongs_ML @ torch.log1p(-matched_LP.clamp(max=1 - info.eps))
        union_MP = -torch.expm1(log_rest_MP)
    else:
        union_MP = (belongs_ML @ matched_LP).clamp(max=1)
        log_rest_MP = torch.log1p(-union_MP.clamp(max=1 - info.eps))
    log_union_MP = union_MP.clamp(min=info.tiny).log()
    inside_MP = -FOCAL_ALPHA * (1 - union_MP).square() * log_union_MP
    outside_MP = -(1 - FOCAL_ALPHA) * union_MP.square() * log_rest_MP
    focal = torch.lerp(outside_MP, inside_MP, mask_MP).mean()
    overlap_M, mass_M = (union_MP * mask_MP).sum(dim=1), union_MP.sum(dim=1) + mask_MP.sum(dim=1)
    return focal, (1 - (2 * overlap_M + 1) / (mass_M + 1)).mean()


def _overlap_within_components(matched_LP: Tensor, components_L: Tensor) -> Tensor:
    """Mean cosine of the flattened masks over pairs of concepts of one component; 0 without a pair."""
    direction_LP = nn.functional.normalize(matched_LP, dim=1, eps=torch.finfo(matched_LP.dtype).tiny)
    is_pair_LL = (components_L[:, None] == components_L).triu(diagonal=1)
    cosine_LL = direction_LP @ direction_LP.t()
    return (cosine_LL * is_pair_LL).sum() / is_pair_LL.sum().clamp(min=1)


class ConceptRegions(nn.Module):
    """The loss over a batch of label maps of any size: the mean over images that have a component."""

    def __init__(
        self,
        *,
        total: int = 64,
        dice_weight: float = 1.0,
        cosine_weight: float = 1.0,
        union: Union = "noisy_or",
        min_fraction: float = 0.05,
        opens: bool = False,
        ignore_label: int = 255,
    ) -> None:
        super().__init__()
        self.total, self.dice_weight, self.cosine_weight, self.union = total, dice_weight, cosine_weight, union
        self.min_fraction, self.opens, self.ignore_label = min_fraction, opens, ignore_label

    def forward(self, probability_BKhw: Tensor, label_BHW: Tensor) -> Tensor:
        require_shapes(probability_BKhw=probability_BKhw, label_BHW=label_BHW)
        terms, num_counted = [], 0
        for probability_KHW, label_HW in zip(probability_BKhw, label_BHW):
            mask_MHW, is_counted_HW = self.targets(label_HW, size=tuple(probability_KHW.shape[-2:]))
            num_counted += len(mask_MHW) > 0
            losses = concept_region_loss(
                probability_KHW,
                mask_MHW,
                total=self.total,
                dice_weight=self.dice_weight,
                cosine_weight=self.cosine_weight,
                union=self.union,
                is_counted_HW=is_counted_HW,
            )
            terms.append(losses.total)
        summed = torch.stack(terms).sum()
        return over_whole_batch(summed, summed.new_tensor(float(num_counted)))

    def targets(self, label_HW: Tensor, *, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Components of one label map on the grid of the concepts (M h w), and which of its cells are labelled."""
        components = self.components(label_HW, size=size)
        rows_h, columns_w = (torch.from_numpy(nearest_places(long, short)) for long, short in zip(label_HW.shape, size))
        is_counted_hw = label_HW[rows_h[:, None], columns_w] != self.ignore_label
        return torch.from_numpy(components.mask_MHW).to(label_HW.device), is_counted_hw

    def components(self, label_HW: Tensor, *, size: tuple[int, int]) -> ClassComponents:
        return class_components(
            label_HW.cpu().numpy(),
            ignore_label=self.ignore_label,
            min_fraction=self.min_fraction,
            size=size,
            opens=self.opens,
        )
