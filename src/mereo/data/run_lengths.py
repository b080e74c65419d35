"""Run lengths: a mask as the lengths of its runs, down the columns. COCO's uncompressed RLE; a hundred masks of a large
photograph then take kilobytes instead of gigabytes.

>>> runs = run_lengths(np.array([[0, 1], [1, 1]], dtype=bool))
>>> runs.counts.tolist(), runs.area
([1, 3], 3)
>>> runs.mask_HW().tolist()
[[False, True], [True, True]]
"""

from dataclasses import dataclass

import numpy as np


# Compared as an object: arrays have no one answer to "equal".
@dataclass(frozen=True, eq=False)
class RunLengths:
    """`counts` are pixels outside, inside, outside, ... in turn, column after column; the first may be 0."""

    size: tuple[int, int]
    counts: np.ndarray

    @property
    def area(self) -> int:
        return int(self.counts[1::2].sum())

    def mask_HW(self) -> np.ndarray:
        is_inside = np.arange(len(self.counts)) % 2 == 1
        height, width = self.size
        return np.repeat(is_inside, self.counts).reshape(width, height).T


def run_lengths(mask_HW: np.ndarray) -> RunLengths:
    mask_HW = np.asarray(mask_HW, dtype=bool)
    height, width = mask_HW.shape
    # Where runs start is looked for along the rows: turning a large mask round would take ten times as long.
    row_R, column_R = np.divmod(np.flatnonzero(mask_HW[1:] != mask_HW[:-1]), max(width, 1))
    at_tops_R = np.flatnonzero(mask_HW[0, 1:] != mask_HW[-1, :-1]) + 1 if height else np.zeros(0, dtype=np.int64)
    starts = np.sort(np.concatenate([column_R * height + row_R + 1, at_tops_R * height]))
    counts = np.diff(np.concatenate([[0], starts, [mask_HW.size]]))
    if mask_HW.size and mask_HW[0, 0]:
        counts = np.concatenate([[0], counts])
    return RunLengths((height, width), counts.astype(np.int64))
