"""Done by coarser: what a coarser level already answers is no longer asked of the finer ones; the loss on what is left.

"Specialize and fuse: pyramidal representation for semantic segmentation" (SaF), section 3.1.
"""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from mereo.errors import BadInput
from mereo.losses.summed_loss import summed_cross_entropy
from mereo.processes import over_whole_batch
from mereo.regions.cells import UNIT, UNKNOWN, spread_to_finer

Rule = Literal["raw", "ground_truth", "true_positive"]
Targets = Sequence[tuple[Tensor, Tensor | None]]


def relabel(
    targets: Targets,
    unity_probability: Sequence[Tensor],
    *,
    threshold: float = 0.5,
    rule: Rule = "true_positive",
    ignore_label: int = 255,
) -> list[tuple[Tensor, Tensor | None]]:
    """The targets without what is done by coarser: `ignore_label` and -1 there. The coarsest level stays as it is.

    A cell is done if some cell above it is a true unit and, with `true_positive`, is also predicted to be one
    (probability >= threshold). `ground_truth`: the truth is enough; `raw`: nothing is ever done.

    >>> coarse, fine = (torch.tensor([[[7]]]), torch.tensor([[[1]]])), (torch.full((1, 2, 2), 7), None)
    >>> [relabel([coarse, fine], [torch.tensor([[[p]]])])[1][0].flatten().tolist() for p in (0.4, 0.5)]
    [[7, 7, 7, 7], [255, 255, 255, 255]]
    """
    if not 0 <= threshold <= 1:
        raise BadInput(f"threshold must be from 0 to 1, but got {threshold}; e.g. 0.5.")
    if len(unity_probability) != len(targets) - 1:
        raise BadInput(
            f"every level but the finest must have a unity, but got {len(unity_probability)} for {len(targets)} "
            "levels; pass the coarsest first."
        )
    if rule == "raw":
        return list(targets)
    answer = [targets[0]]
    is_done_Bhw = torch.zeros_like(targets[0][0], dtype=torch.bool)
    for (_, unity_Bhw), probability_Bhw, (label_BHW, unity_BHW) in zip(targets, unity_probability, targets[1:]):
        speaks_Bhw = unity_Bhw == UNIT
        if rule == "true_positive":
            speaks_Bhw = speaks_Bhw & (probability_Bhw.detach() >= threshold)
        is_done_Bhw = spread_to_finer(is_done_Bhw | speaks_Bhw)
        unity_left = None if unity_BHW is None else unity_BHW.masked_fill(is_done_Bhw, UNKNOWN)
        answer.append((label_BHW.masked_fill(is_done_Bhw, ignore_label), unity_left))
    return answer


def semantic_pyramid_loss(
    logits_per_level: Sequence[Tensor],
    unity_logits_per_level: Sequence[Tensor],
    targets: Targets,
    *,
    class_weight_K: Tensor | None = None,
    ignore_label: int = 255,
) -> Tensor:
    """Equation 1: the mean over levels of cross-entropies, plus that of the unities' (none on the finest level).

    A level on which nothing is left to learn gives 0.
    """
    classes = [
        _class_loss(logits_BKhw, label_Bhw, class_weight_K, ignore_label)
        for logits_BKhw, (label_Bhw, _) in zip(logits_per_level, targets, strict=True)
    ]
    unities = [
        _unity_loss(logits_Bhw, unity_Bhw)
        for logits_Bhw, (_, unity_Bhw) in zip(unity_logits_per_level, targets)
        if unity_Bhw is not None
    ]
    loss = torch.stack(classes).mean()
    return loss + torch.stack(unities).mean() if unities else loss


def _class_loss(logits_BKhw: Tensor, label_Bhw: Tensor, class_weight_K: Tensor | None, ignore_label: int) -> Tensor:
    summed = summed_cross_entropy(
        logits_BKhw.float(), label_Bhw, class_weight_K=class_weight_K, ignore_label=ignore_label
    )
    return summed.mean().value


def _unity_loss(logits_Bhw: Tensor, unity_Bhw: Tensor) -> Tensor:
    is_known_Bhw = unity_Bhw != UNKNOWN
    loss_Bhw = F.binary_cross_entropy_with_logits(
        logits_Bhw.float(), (unity_Bhw == UNIT).float(), weight=is_known_Bhw.float(), reduction="none"
    )
    return over_whole_batch(loss_Bhw.sum(), is_known_Bhw.sum().to(loss_Bhw.dtype))
