"""Cells: square patches of pixels on grids that double from level to level, and what each should say.

"Specialize and fuse: pyramidal representation for semantic segmentation" (SaF), section 3.1.
"""

from collections.abc import Callable, Sequence
from functools import reduce

import torch
from torch import Tensor

from mereo.errors import BadInput
from mereo.shapes import require_shapes

UNIT, MIXED, UNKNOWN = 1, 0, -1


def pyramid_targets(
    label_BHW: Tensor, cell_sizes: Sequence[int], *, ignore_label: int = 255
) -> list[tuple[Tensor, Tensor | None]]:
    """For each level, coarsest first: the class of every cell, and whether it is a unit (B h w each).

    A cell whose pixels carry one label is a unit (1). With two labels or more it is mixed (0), and its class is left
    to finer levels (`ignore_label`). Where some pixels are ignored and the others carry at most one label, neither is
    known (-1). The finest level has no unity; its class is the label of the pixel at each cell's middle (row and column
    s // 2 of s).

    >>> label_1HW = torch.tensor([[[0, 0, 0, 1], [0, 0, 1, 1]]])
    >>> (coarse, unity), (fine, _) = pyramid_targets(label_1HW, [2, 1])
    >>> coarse.tolist(), unity.tolist(), fine.tolist()
    ([[[0, 255]]], [[[1, 0]]], [[[0, 0, 0, 1], [0, 0, 1, 1]]])
    """
    require_shapes(label_BHW=label_BHW)
    require_halving(cell_sizes)
    height, width = label_BHW.shape[-2:]
    if 0 in label_BHW.shape or height % cell_sizes[0] or width % cell_sizes[0]:
        raise BadInput(
            f"labels must have sides that are multiples of the coarsest cell, {cell_sizes[0]}, but got "
            f"{width}x{height}; resize them first."
        )
    finest = cell_sizes[-1]
    targets: list[tuple[Tensor, Tensor | None]] = [(label_BHW[:, finest // 2 :: finest, finest // 2 :: finest], None)]
    if len(cell_sizes) == 1:
        return targets
    lowest_Bhw, rank_BHW, unknown = _ordered(label_BHW, ignore_label)
    least_Bhw, highest_Bhw, side = rank_BHW, rank_BHW, 1
    for cell_size in reversed(cell_sizes[:-1]):
        factor, side = cell_size // side, cell_size
        least_Bhw = _joined(least_Bhw, factor, torch.minimum)  # `unknown` if a pixel is ignored.
        lowest_Bhw = _joined(lowest_Bhw, factor, torch.minimum)
        highest_Bhw = _joined(highest_Bhw, factor, torch.maximum)
        is_mixed_Bhw = lowest_Bhw.int() + 1 < highest_Bhw.int()
        unity_Bhw = torch.where(is_mixed_Bhw, MIXED, torch.where(least_Bhw == unknown, UNKNOWN, UNIT))
        class_Bhw = torch.where(unity_Bhw == UNIT, highest_Bhw.to(label_BHW.dtype) - 1 - unknown, ignore_label)
        targets.insert(0, (class_Bhw, unity_Bhw))
    return targets


def _ordered(label_BHW: Tensor, ignore_label: int) -> tuple[Tensor, Tensor, int]:
    """Labels with ignored pixels above all others; labels + 1 with ignored pixels below all others; and what those
    below are. Both may be shifted by the last.

    In bytes where labels are bytes, a quarter of the time; in two bytes where they need two.
    """
    lowest, highest = (int(one) for one in label_BHW.aminmax())
    if ignore_label in (255, 65535) and not 0 <= lowest <= highest <= ignore_label:
        wrong = lowest if lowest < 0 else highest
        raise BadInput(f"labels must lie in 0..{ignore_label}, but got {wrong}; run `mereo data check`.")
    if ignore_label == 255:  # The table then has at most 255 classes, and 255 + 1 is 0.
        narrow_BHW, unknown = label_BHW.to(torch.uint8), 0
    elif ignore_label == 65535:  # Likewise, 32768 lower: the highest short + 1 is the lowest.
        unknown = torch.iinfo(torch.int16).min
        narrow_BHW = (label_BHW + unknown).to(torch.int16)
    else:
        is_ignored_BHW, wide_BHW = label_BHW == ignore_label, label_BHW.to(torch.int32)
        above = torch.iinfo(torch.int32).max - 1
        return wide_BHW.masked_fill(is_ignored_BHW, above), (wide_BHW + 1).masked_fill(is_ignored_BHW, 0), 0
    return narrow_BHW, narrow_BHW + 1, unknown


def spread_to_finer(values_Bhw: Tensor, factor: int = 2) -> Tensor:
    """Each cell's value on all cells (of the last two axes) that it covers on a grid `factor` times as fine.

    >>> spread_to_finer(torch.tensor([[1, 2]])).tolist()
    [[1, 1, 2, 2], [1, 1, 2, 2]]
    """
    return values_Bhw.repeat_interleave(factor, dim=-2).repeat_interleave(factor, dim=-1)


def nearest_multiple(length: int, cell_size: int) -> int:
    """The side to which an image is resized so that whole cells cover it.

    >>> [nearest_multiple(length, 32) for length in (1, 40, 48, 240)]
    [32, 32, 64, 256]
    """
    return max(cell_size, (2 * length + cell_size) // (2 * cell_size) * cell_size)


def require_halving(cell_sizes: Sequence[int]) -> None:
    sizes = list(cell_sizes)
    if not sizes or sizes[-1] < 1 or any(coarse != 2 * fine for coarse, fine in zip(sizes, sizes[1:])):
        raise BadInput(f"cell sizes must halve from level to level, but got {sizes}; e.g. 32, 16, 8, 4.")


def _joined(values_BHW: Tensor, factor: int, joined: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """`factor` x `factor` values become one. Rows first: they lie together in memory, and less is left for columns."""
    steps = _prime_factors(factor)
    for step in steps:
        values_BHW = reduce(joined, [values_BHW[:, row::step] for row in range(step)])
    for step in steps:
        values_BHW = reduce(joined, [values_BHW[:, :, column::step] for column in range(step)])
    return values_BHW


def _prime_factors(number: int) -> list[int]:
    """Twos first.

    >>> _prime_factors(28), _prime_factors(1)
    ([2, 2, 7], [])
    """
    step = next((step for step in range(2, number + 1) if number % step == 0), None)
    return [] if step is None else [step, *_prime_factors(number // step)]
