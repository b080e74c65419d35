"""Labels at the photograph's size from coarse scores: bilinear upsampling and argmax, a block at a time.

F.interpolate and argmax would hold K x H x W floats (2.5 GB for 150 classes at 4 megapixels). Here one block is held.
"""

from dataclasses import dataclass
from typing import Literal, overload

import numpy as np
import torch
from torch import Tensor

from mereo.assembly.bilinear_places import bilinear_places
from mereo.errors import BadInput
from mereo.shapes import require_shapes

# A block that stays in a processor's cache is several times faster than a larger one; a GPU wants few large steps.
BLOCK_BYTES_CPU = 2**21
BLOCK_BYTES_GPU = 2**27
# Narrow blocks have few classes that can win in them; very narrow ones cost more calls than they save.
BLOCK_COARSE_COLUMNS = 8
SOFTMAX_MARGIN = 18.0


@dataclass(frozen=True)
class RowWindow:
    """A band of a larger picture: output rows start..stop, from coarse rows `first_coarse`.. of `num_coarse` in all."""

    start: int
    stop: int
    first_coarse: int
    num_coarse: int


@overload
def labels_of_scores(
    scores_Khw: Tensor,
    size: tuple[int, int],
    *,
    with_confidence: Literal[False] = False,
    are_logits: bool = True,
    temperature: float = 1.0,
    band_rows: int | None = None,
    window: RowWindow | None = None,
) -> np.ndarray: ...


@overload
def labels_of_scores(
    scores_Khw: Tensor,
    size: tuple[int, int],
    *,
    with_confidence: Literal[True],
    are_logits: bool = True,
    temperature: float = 1.0,
    band_rows: int | None = None,
    window: RowWindow | None = None,
) -> tuple[np.ndarray, np.ndarray]: ...


@torch.no_grad()
def labels_of_scores(
    scores_Khw: Tensor,
    size: tuple[int, int],
    *,
    with_confidence: bool = False,
    are_logits: bool = True,
    temperature: float = 1.0,
    band_rows: int | None = None,
    window: RowWindow | None = None,
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """`label_HW` (int32): the class with the largest bilinearly upsampled score; the first of equal ones.

    The same rule as F.interpolate(mode="bilinear", align_corners=False) followed by argmax, up to float rounding.
    With confidence also `confidence_HW` (float16): the winner's softmax probability for logits, its own interpolated
    score for probabilities (`are_logits=False`). A temperature divides the logits (for probabilities: their logarithms)
    in the confidence alone, so that no label moves. With a window, the band of the picture that it names; the scores
    are then the coarse rows from the window's first on.

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
    if not temperature > 0:
        raise BadInput(f"temperature must be above 0, but got {temperature}; 1 leaves the confidence as it is.")
    scores_Khw = scores_Khw.float()  # Half-precision scores are interpolated in single precision.
    num_classes, num_coarse_rows, num_coarse_columns = scores_Khw.shape
    if window is None:
        rows = _neighbours(num_coarse_rows, height, scores_Khw.device)
    else:
        rows = _neighbours(window.num_coarse, height, scores_Khw.device).moved(window)
        height = window.stop - window.start
    columns = _neighbours(num_coarse_columns, width, scores_Khw.device)
    block_columns = max(64, BLOCK_COARSE_COLUMNS * width // num_coarse_columns)
    if band_rows is None:
        budget = BLOCK_BYTES_CPU if scores_Khw.device.type == "cpu" else BLOCK_BYTES_GPU
        band_rows = max(1, budget // (4 * num_classes * min(block_columns, width)))
    # A softmax sums over all classes, but what lies that far below the winner does not show in a float16.
    margin = _margin(are_logits, temperature) if with_confidence else 0.0
    counts_Khw = _classes_that_count(scores_Khw, margin=margin)

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
                block_confidence_HW = _confidence(scores_KHW, best_HW, are_logits, temperature)
                confidence_HW[block] = block_confidence_HW.half().cpu().numpy()
    return label_HW if confidence_HW is None else (label_HW, confidence_HW)


@torch.no_grad()
def scores_at(scores_Khw: Tensor, size: tuple[int, int], row_N: Tensor, column_N: Tensor) -> Tensor:
    """The scores that `labels_of_scores` compares at some pixels of a picture of `size` (N K float32).

    >>> scores_at(torch.tensor([[[2.0, 0.0]]]), (1, 4), torch.tensor([0, 0]), torch.tensor([0, 1])).tolist()
    [[2.0], [1.5]]
    """
    rows, columns = (
        _neighbours(num_in, num_out, scores_Khw.device) for num_in, num_out in zip(scores_Khw.shape[1:], size)
    )
    y, x = (axis.at(index_N.to(scores_Khw.device)) for axis, index_N in ((rows, row_N), (columns, column_N)))
    upper_KN, lower_KN = (
        torch.lerp(scores_Khw[:, row, x.first].float(), scores_Khw[:, row, x.second].float(), x.weight)
        for row in (y.first, y.second)
    )
    return torch.lerp(upper_KN, lower_KN, y.weight).T


def rows_from(num_coarse: int, num_out: int, coarse_stop: int) -> tuple[int, int]:
    """How many output rows need only coarse rows before `coarse_stop`, and the first coarse row that the others need.

    >>> rows_from(4, 16, 2)
    (6, 1)
    """
    places = bilinear_places(num_coarse, num_out)
    num_ready = int((places.second < coarse_stop).sum())
    return num_ready, int(places.first[num_ready]) if num_ready < num_out else num_coarse


@dataclass(frozen=True)
class _Neighbours:
    """For each output position along one axis: its two coarse neighbours, and the weight of the second.

    `coarse` is the stretch of coarse positions that is needed; first and second count from its start.
    """

    coarse: slice
    first: Tensor
    second: Tensor
    weight: Tensor

    def moved(self, window: RowWindow) -> "_Neighbours":
        """The window's positions, counted within the window."""
        span, offset = slice(window.start, window.stop), window.first_coarse
        return _Neighbours(self.coarse, self.first[span] - offset, self.second[span] - offset, self.weight[span])

    def at(self, index_N: Tensor) -> "_Neighbours":
        return _Neighbours(self.coarse, self.first[index_N], self.second[index_N], self.weight[index_N])

    def part(self, start: int, stop: int) -> "_Neighbours":
        first, second = self.first[start:stop], self.second[start:stop]
        origin = int(first[0])
        coarse = slice(origin, int(second[-1]) + 1)
        return _Neighbours(coarse, first - origin, second - origin, self.weight[start:stop])


def _neighbours(num_in: int, num_out: int, device: torch.device) -> _Neighbours:
    return _Neighbours(slice(0, num_in), *bilinear_places(num_in, num_out).on(device))


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


def _margin(are_logits: bool, temperature: float) -> float:
    """How far below the winner a class still shows in the winner's confidence."""
    if are_logits:
        return SOFTMAX_MARGIN * temperature
    return 0.0 if temperature == 1 else 1.0  # Roots of probabilities: every class shows.


def _confidence(scores_KHW: Tensor, best_HW: Tensor, are_logits: bool, temperature: float) -> Tensor:
    """The winner's probability. May write into the scores."""
    if are_logits:
        below_KHW = scores_KHW.sub_(best_HW)
        if temperature != 1:
            below_KHW.div_(temperature)
        return 1 / below_KHW.exp_().sum(dim=0)
    if temperature == 1:
        return best_HW
    # softmax(log(p) / T) of the winner.
    return 1 / scores_KHW.div_(best_HW).pow_(1 / temperature).sum(dim=0)


def _running_argmax(scores_KHW: Tensor, classes: list[int]) -> tuple[Tensor, Tensor]:
    """Labels and their scores. Class by class this is several times faster than argmax over the first axis."""
    best_HW = scores_KHW[0].clone()
    label_HW = torch.full(best_HW.shape, classes[0], dtype=torch.int32, device=best_HW.device)
    for index in range(1, len(classes)):
        label_HW.masked_fill_(scores_KHW[index] > best_HW, classes[index])
        torch.maximum(best_HW, scores_KHW[index], out=best_HW)
    return label_HW, best_HW
