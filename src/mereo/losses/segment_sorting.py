"""Segment sorting: every pixel must find another segment of its own label nearer than all segments of other labels.

"Contextual image parsing via panoptic segment sorting" (PSS), equations 1 and 2; Hwang et al. 2019, "SegSort:
segmentation by discriminative sorting of segments", section 3.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from mereo.errors import BadInput
from mereo.regions.unit_sphere_segments import segment_sums
from mereo.shapes import require_shapes

# So many logits of a chunk stay in a core's cache while they are exponentiated and summed.
LOGITS_AT_ONCE = 1 << 18

Reduction = Literal["none", "mean", "sum"]


def segment_sorting_loss(
    embedding_ND: Tensor,
    segment_N: Tensor,
    label_of_segment_S: Tensor,
    *,
    concentration: float = 10.0,
    reduction: Reduction = "none",
) -> Tensor:
    """-log of sum_{s in C+} exp(kappa mu_s v) / sum_{l != c} exp(kappa mu_l v), of each pixel v with its segment c.

    mu are the segments' prototypes, through which gradients flow; C+ are the other segments of c's label. Where there
    is none, c itself enters both sums, so that the loss is finite, and 0 for a segment alone. Segments without a pixel
    enter no sum. Embeddings have length 1; kappa is `concentration`. "mean" of no pixel is 0. In float32 at least.

    Chunk by chunk: all pixels times all segments are never held, neither here nor for the gradient.

    >>> embedding_ND = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> segment_sorting_loss(embedding_ND, torch.tensor([0, 1, 2]), torch.tensor([7, 7, 9]), concentration=1)
    tensor([0.3133, 0.3133, 0.5514])
    """
    require_shapes(embedding_ND=embedding_ND, segment_N=segment_N, label_of_segment_S=label_of_segment_S)
    if not concentration > 0:
        raise BadInput(f"concentration must be above 0, but got {concentration}; e.g. 10.")
    if reduction not in ("none", "mean", "sum"):
        raise BadInput(f"reduction must be none, mean or sum, but got {reduction!r}; choose one of them.")
    _require_segments(segment_N, len(label_of_segment_S))
    with torch.autocast(embedding_ND.device.type, enabled=False):
        embedding_ND = embedding_ND.to(torch.promote_types(embedding_ND.dtype, torch.float32))
        order = _sorted_by_label(segment_N.long(), label_of_segment_S)
        sum_SD = segment_sums(embedding_ND, segment_N.long(), len(label_of_segment_S))
        prototype_RD = F.normalize(sum_SD[order.segment_R], dim=1)
        loss_N: Tensor = _LossOfPixels.apply(embedding_ND, prototype_RD, order, float(concentration))
    if reduction == "none":
        return loss_N
    return loss_N.sum() / (max(1, len(loss_N)) if reduction == "mean" else 1)


@dataclass(frozen=True, eq=False)
class _Order:
    """Segments that have pixels, sorted by label: those of one label are neighbouring columns of the logits.

    `segment_R` lists the segments by column, `row_N` the pixels by column. The others say for each of these rows, in
    this order, its own column and the first and the next column of its label's.
    """

    segment_R: Tensor
    row_N: Tensor
    column_N: Tensor
    first_N: Tensor
    stop_N: Tensor


def _sorted_by_label(segment_N: Tensor, label_of_segment_S: Tensor) -> _Order:
    count_S = torch.bincount(segment_N, minlength=len(label_of_segment_S))
    segment_R = count_S.nonzero()[:, 0]
    segment_R = segment_R[label_of_segment_S[segment_R].argsort(stable=True)]
    column_S = torch.zeros_like(count_S)
    column_S[segment_R] = torch.arange(len(segment_R), device=segment_N.device)
    size_L = torch.unique_consecutive(label_of_segment_S[segment_R], return_counts=True)[1]
    stop_L = size_L.cumsum(0)
    first_R, stop_R = ((stop_L - size_L).repeat_interleave(size_L), stop_L.repeat_interleave(size_L))
    column_N, row_N = column_S[segment_N].sort(stable=True)
    return _Order(segment_R, row_N, column_N, first_R[column_N], stop_R[column_N])


def _require_segments(segment_N: Tensor, num_segments: int) -> None:
    if segment_N.is_floating_point():
        raise BadInput(f"segments must be whole numbers, but got {segment_N.dtype}; convert them to long.")
    if len(segment_N) and not 0 <= int(segment_N.min()) <= int(segment_N.max()) < num_segments:
        raise BadInput(
            f"segments must be from 0 to {num_segments - 1}, but got {int(segment_N.min())} to {int(segment_N.max())}; "
            "leave pixels without a segment out, and pass the label of every segment."
        )


class _LossOfPixels(torch.autograd.Function):
    """The losses of pixels whose prototypes are given in the order's columns.

    The pass that finds the losses finds the gradient of their sum as well. That is what a mean or a sum asks for; only
    where pixels count differently afterwards is a second pass made.
    """

    @staticmethod
    def forward(ctx: Any, embedding_ND: Tensor, prototype_RD: Tensor, order: _Order, concentration: float) -> Tensor:
        weight_N = embedding_ND.new_ones(1).expand(len(embedding_ND)) if any(ctx.needs_input_grad) else None
        loss_N, *gradients = _one_pass(embedding_ND, prototype_RD, order, concentration, weight_N=weight_N)
        ctx.save_for_backward(embedding_ND, prototype_RD, *gradients)
        ctx.order, ctx.concentration = order, concentration
        return loss_N

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, weight_N: Tensor) -> tuple[Tensor, Tensor, None, None]:  # type: ignore[override]
        embedding_ND, prototype_RD, of_embedding_ND, of_prototype_RD = ctx.saved_tensors
        if len(weight_N) and bool((weight_N == weight_N[0]).all()):
            return of_embedding_ND * weight_N[0], of_prototype_RD * weight_N[0], None, None
        _, of_embedding_ND, of_prototype_RD = _one_pass(
            embedding_ND, prototype_RD, ctx.order, ctx.concentration, weight_N=weight_N
        )
        return of_embedding_ND, of_prototype_RD, None, None


def _one_pass(
    embedding_ND: Tensor,
    prototype_RD: Tensor,
    order: _Order,
    concentration: float,
    *,
    weight_N: Tensor | None,
) -> list[Tensor]:
    """The losses, and with weights the gradients of their weighted sum by embeddings and by prototypes."""
    loss_N = embedding_ND.new_empty(len(embedding_ND))
    gradients = [] if weight_N is None else [torch.zeros_like(embedding_ND), torch.zeros_like(prototype_RD)]
    if len(embedding_ND) == 0:
        return [loss_N, *gradients]
    scaled_DR = (prototype_RD * concentration).T
    step = max(1, LOGITS_AT_ONCE // len(prototype_RD))
    by_row = (order.row_N, order.column_N[:, None], order.first_N[:, None], order.stop_N[:, None])
    for row_n, column_n1, first_n1, stop_n1 in zip(*(one.split(step) for one in by_row)):
        embedding_nD = embedding_ND.index_select(0, row_n)
        logits_nR = embedding_nD @ scaled_DR
        # Masked, not subtracted from the sum: what is left of a sum that was almost all own would be rounding errors.
        own_n1 = logits_nR.gather(1, column_n1).masked_fill_(stop_n1 - first_n1 > 1, -torch.inf)
        logits_nR.scatter_(1, column_n1, own_n1)
        # Rows rise with the columns, so the first and the last row have the outermost labels.
        columns = slice(int(first_n1[0]), int(stop_n1[-1]))
        logits_nr = logits_nR[:, columns]
        if int(first_n1[-1]) > columns.start:
            column_r = torch.arange(columns.start, columns.stop, device=row_n.device)
            logits_nr = logits_nr.masked_fill((column_r < first_n1) | (column_r >= stop_n1), -torch.inf)
        of_label_nr, of_label_n1, log_of_label_n1 = _exponentials(logits_nr)
        # Into the place of the logits, which nobody needs any more.
        of_all_nR, of_all_n1, log_of_all_n1 = _exponentials(logits_nR, out_nR=logits_nR)
        loss_N.index_copy_(0, row_n, (log_of_all_n1 - log_of_label_n1)[:, 0])  # equation 2
        if weight_N is not None:
            scale_n1 = concentration * weight_N.index_select(0, row_n)[:, None]
            of_all_nR.mul_(scale_n1 / of_all_n1)
            of_all_nR[:, columns] -= of_label_nr.mul_(scale_n1 / of_label_n1)
            gradients[0].index_copy_(0, row_n, of_all_nR @ prototype_RD)
            gradients[1].addmm_(of_all_nR.T, embedding_nD)
    return [loss_N, *gradients]


def _exponentials(logits_nR: Tensor, *, out_nR: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Exponentials relative to the greatest of each row, their sum, and the logarithm of the sum without "relative"."""
    greatest_n1 = logits_nR.amax(dim=1, keepdim=True)
    exponential_nR = torch.sub(logits_nR, greatest_n1, out=out_nR).exp_()
    sum_n1 = exponential_nR.sum(dim=1, keepdim=True)
    return exponential_nR, sum_n1, greatest_n1 + sum_n1.log()
