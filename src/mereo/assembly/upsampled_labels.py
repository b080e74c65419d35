"""Labels at the photograph's size from coarse scores: bilinear upsampling and argmax, a block at a time.

F.interpolate and argmax would hold K x H x W floats (2.5 GB for 150 classes at 4 megapixels). Here one block is held.
"""

from dataclasses import dataclass
from typing import Literal, overload

import numpy as np
import torch
from torch import Tensor

from mereo.errors import BadInput
from mereo.shapes import require_shapes

# A block that stays in a processor's cache is several times faster than a larger one; a GPU wants few large steps.
BLOCK_BYTES_CPU = 2**21
BLOCK_BYTES_GPU = 2**27
# Narrow blocks have few classes that can win in them; very narrow ones cost more calls than they save.
BLOCK_COARSE_COLUMNS = 8
SOFTMAX_MARGIN = 18.0


@overload
def labels_of_scores(
    scores_Khw: Tensor,
    size: tuple[int, int],
    *,
    with_confidence: Literal[False] = False,
    are_logits: bool = True,
    band_rows: int | None = None,
) -> np.ndarray: ...


@overload
def labels_of_scores(
    scores_Khw: Tensor,
    size: tuple[int, int],
    *,
    with_confidence: Literal[True],
    are_logits: bool = True,
    band_rows: int | None = None,
) -> tuple[np.ndarray, np.ndarray]: ...


@torch.no_grad()
def labels_of_scores(
    scores_Khw: Tensor,
    size: tuple[int, int],
    *,
    with_confidence: bool = False,
    are_logits: bool = True,
    band_rows: int | None = None,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """`label_HW` (int32): the class with the largest bilinearly upsampled score; the first of equal ones.

    The same rule as F.interpolate(mode="bilinear", align_corners=False) followed by argmax, up to float rounding.
    With confidence also `confidence_HW` (float16): the winner's softmax probability for logits, its own interpolated
    score for probabilities (`are_logits=False`).

    >>> labels_of_scores(torch.tensor([[[2.0, 0.0]], [[0.0, 2.0]]]), (1, 4)).tolist()
    [[0, 0, 1, 1]]
    """
    require_shapes(scores_Khw=scores_Khw)
    height, width = size
    if 0 in scores_Khw.shape or height < 1 or width < 1:
        raise BadInput(
            f"scores and size must have no empty axis, but got {tuple(scores_Khw.shape)} and {tuple(size)}; "
            "pass at least one class and one pixel."
        )
    if band_rows is not None and band_rows < 1:
        raise BadInput(f"band_rows must be at least 1, but got {band_rows}; leave it out to have it chosen.")
    scores_Khw = scores_Khw.float()  # Half-precision scores are interpolated in single precision.
    num_classes, num_coarse_rows, num_coarse_columns = scores_Khw.shape
    rows = _neighbours(num_coarse_rows, height, scores_Khw.device)
    columns = _neighbours(num_coarse_columns, width, scores_Khw.device)
    block_columns = max(64, BLOCK_COARSE_COLUMNS * width // num_coarse_columns)
    if band_rows is None:
        budget = BLOCK_BYTES_CPU if scores_Khw.device.type == "cpu" else BLOCK_BYTES_GPU
        band_rows = max(1, budget // (4 * num_classes * min(block_columns, width)))
    # A softmax sums over all classes, but what lies that far below the winner does not show in a float16.
    is_softmax_wanted = with_confidence and are_logits
    counts_Khw = _classes_that_count(scores_Khw, margin=SOFTMAX_MARGIN if is_softmax_wanted else 0.0)

    label_HW = np.empty((height, width), dtype=np.int32)
    confidence_HW = np.empty((height, width), dtype=np.float16) if with_confidence else None
    for top in range(0, height, band_rows):
        for left in range(0, width, block_columns):
            y, x = rows.part(top, top + band_rows), columns.part(left, left + block_columns)
            kept = counts_Khw[:, y.coarse, x.coarse].any(dim=2).any(dim=1)
            # Columns first: widening the few coarse rows is cheap, and rows are then picked as whole stretches.
            coarse_Khw = scores_Khw[kept][:, y.coarse, x.coarse]
            wide_KhW = torch.lerp(coarse_Khw[:, :, x.first], coarse_Khw[:, :, x.second], x.weight)
            scores_KHW = torch.lerp(wide_KhW[:, y.first], wide_KhW[:, y.second], y.weight[:, None])
            block = (slice(top, top + band_rows), slice(left, left + block_columns))
            block_label_HW, best_HW = _running_argmax(scores_KHW, kept.nonzero()[:, 0].tolist())
            label_HW[block] = block_label_HW.cpu().numpy()
            if confidence_HW is not None:
                block_confidence_HW = 1 / (scores_KHW - best_HW).exp_().sum(dim=0) if are_logits else best_HW
                confidence_HW[block] = block_confidence_HW.half().cpu().numpy()
    return label_HW if confidence_HW is None else (label_HW, confidence_HW)


@dataclass(frozen=True)
class _Neighbours:
    """For each output position along one axis: its two coarse neighbours, and the weight of the second.

    `coarse` is the stretch of coarse positions that is needed; first and second count from its start.
    """

    coarse: slice
    first: Tensor
    second: Tensor
    weight: Tensor

    def part(self, start: int, stop: int) -> "_Neighbours":
        first, second = self.first[start:stop], self.second[start:stop]
        origin = int(first[0])
        coarse = slice(origin, int(second[-1]) + 1)
        return _Neighbours(coarse, first - origin, second - origin, self.weight[start:stop])


def _neighbours(num_in: int, num_out: int, device: torch.device) -> _Neighbours:
    """F.interpolate's rule, in float64: float32 would misplace rows of a very tall image by parts of a coarse row."""
    source = ((torch.arange(num_out, dtype=torch.float64) + 0.5) * (num_in / num_out) - 0.5).clamp(min=0)
    first = source.long().clamp(max=num_in - 1)
    second = (first + 1).clamp(max=num_in - 1)
    weight = (source - first).clamp(0, 1).float()
    return _Neighbours(slice(0, num_in), first.to(device), second.to(device), weight.to(device))


def _classes_that_count(scores_Khw: Tensor, *, margin: float) -> Tensor:
    """Whether class k can come within `margin` of the largest score between position (h, w) and its next neighbours.

    Between four neighbours an interpolated score stays between their smallest and largest value. So a class whose
    largest value lies below another class's smallest one cannot win there; most classes lose nearly everywhere.
    """
    low_Khw, high_Khw = scores_Khw, scores_Khw
    for axis in (1, 2):
        low_Khw = torch.minimum(low_Khw, _next_along(low_Khw, axis))
        high_Khw = torch.maximum(high_Khw, _next_along(high_Khw, axis))
    # Written so that NaN, which compares to nothing, keeps its class.
    return ~(high_Khw < low_Khw.amax(dim=0) - margin)


def _next_along(array_Khw: Tensor, axis: int) -> Tensor:
    """Each position's next neighbour; the last position is its own."""
    size = array_Khw.shape[axis]
    return torch.cat([array_Khw.narrow(axis, 1, size - 1), array_Khw.narrow(axis, size - 1, 1)], dim=axis)


def _running_argmax(scores_KHW: Tensor, classes: list[int]) -> tuple[Tensor, Tensor]:
    """Labels and their scores. Class by class this is several times faster than argmax over the first axis."""
    best_HW = scores_KHW[0].clone()
    label_HW = torch.full(best_HW.shape, classes[0], dtype=torch.int32, device=best_HW.device)
    for index in range(1, len(classes)):
        label_HW.masked_fill_(scores_KHW[index] > best_HW, classes[index])
        torch.maximum(best_HW, scores_KHW[index], out=best_HW)
    return label_HW, best_HW
