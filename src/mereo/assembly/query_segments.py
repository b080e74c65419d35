"""Queries as segments: which query each pixel belongs to; covered queries dropped, stuff of one class joined.

Cheng, Schwing, Kirillov 2021, "Per-pixel classification is not all you need for semantic segmentation", section 3.4,
"general inference", and appendix A.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mereo.assembly.bilinear_places import bilinear_places
from mereo.shapes import require_shapes

BAND_BYTES = 2**26
INSIDE = 0.5


@dataclass(frozen=True, eq=False)
class QuerySegments:
    """`ids_HW` (0: no segment) counts from 1; `class_of_id` says what each is. Stuff has one id a class."""

    ids_HW: np.ndarray
    class_of_id: dict[int, int]

    def instances_HW(self, is_thing: Sequence[bool]) -> np.ndarray:
        """The ids of things alone, counted from 1 without gaps."""
        things = [one for one, index in self.class_of_id.items() if is_thing[index]]
        number_of_id = np.zeros(len(self.class_of_id) + 1, dtype=np.int32)
        number_of_id[things] = np.arange(1, len(things) + 1)
        return number_of_id[self.ids_HW]

    def on_top_of(self, semantic_HW: np.ndarray) -> np.ndarray:
        """The class map in which a pixel of a segment has the segment's class."""
        class_of_id = np.zeros(len(self.class_of_id) + 1, dtype=semantic_HW.dtype)
        for one, index in self.class_of_id.items():
            class_of_id[one] = index
        return np.where(self.ids_HW > 0, class_of_id[self.ids_HW], semantic_HW)


@torch.no_grad()
def query_segments(
    class_logits_QK1: Tensor,
    mask_logits_Qhw: Tensor,
    size: tuple[int, int],
    *,
    is_thing: Sequence[bool],
    least_score: float = 0.8,
    least_kept_share: float = 0.8,
) -> QuerySegments:
    """Segments at `size` (the photograph's rows and columns).

    A pixel goes to the query with the largest score * p(pixel in mask), of those whose best class is an object of more
    than `least_score`; it stays there if it lies in that query's mask (p >= 0.5). A query that won less than
    `least_kept_share` of its mask's area is dropped, and its pixels with it.
    """
    require_shapes(class_logits_QL=class_logits_QK1, mask_logits_Qhw=mask_logits_Qhw)
    score_Q, class_Q = class_logits_QK1.float().softmax(dim=1).max(dim=1)
    is_kept_Q = (class_Q < class_logits_QK1.shape[1] - 1) & (score_Q > least_score)
    score_N, class_N = score_Q[is_kept_Q], class_Q[is_kept_Q].tolist()
    winner_HW = np.zeros(size, dtype=np.int32)  # Counted from 1.
    is_inside_HW = np.zeros(size, dtype=bool)
    own_area_N = np.zeros(len(class_N), dtype=np.int64)
    if class_N:
        for rows, logits_NHW in _upsampled_bands(mask_logits_Qhw[is_kept_Q].float(), size):
            probability_NHW = logits_NHW.sigmoid()
            best_HW = (probability_NHW * score_N[:, None, None]).argmax(dim=0)
            inside_NHW = probability_NHW >= INSIDE
            winner_HW[rows] = best_HW.cpu().numpy() + 1
            is_inside_HW[rows] = inside_NHW.gather(0, best_HW[None])[0].cpu().numpy()
            own_area_N += inside_NHW.sum(dim=(1, 2)).cpu().numpy()
    won_area_N = np.bincount(winner_HW.ravel(), minlength=len(class_N) + 1)[1:]
    shown_area_N = np.bincount(winner_HW[is_inside_HW], minlength=len(class_N) + 1)[1:]
    id_of_winner = np.zeros(len(class_N) + 1, dtype=np.int32)
    class_of_id: dict[int, int] = {}
    id_of_stuff: dict[int, int] = {}
    for number, index in enumerate(class_N):
        if not shown_area_N[number] or won_area_N[number] < least_kept_share * own_area_N[number]:
            continue
        known = None if is_thing[index] else id_of_stuff.get(index)
        one = known or len(class_of_id) + 1
        class_of_id[one] = index
        id_of_winner[number + 1] = one
        if not is_thing[index]:
            id_of_stuff[index] = one
    return QuerySegments(id_of_winner[winner_HW] * is_inside_HW, class_of_id)


def _upsampled_bands(logits_Nhw: Tensor, size: tuple[int, int]) -> Iterator[tuple[slice, Tensor]]:
    """Bilinearly upsampled rows, a band at a time: all of a large photograph would not fit into memory."""
    num_masks, num_rows, _ = logits_Nhw.shape
    height, width = size
    # Rows are placed here, so that a band can be made alone; columns are left to F.interpolate.
    first_H, second_H, weight_H = bilinear_places(num_rows, height).on(logits_Nhw.device)
    weight_H1 = weight_H[:, None]
    step = max(1, BAND_BYTES // (4 * num_masks * width))
    for start in range(0, height, step):
        rows = slice(start, min(start + step, height))
        band_NHw = torch.lerp(logits_Nhw[:, first_H[rows]], logits_Nhw[:, second_H[rows]], weight_H1[rows])
        yield rows, F.interpolate(band_NHw[None], size=(len(weight_H1[rows]), width), mode="bilinear")[0]
