"""Sorted segments: every segment becomes part of an instance of a thing, or of its class of stuff. Nobody stays out.

"Contextual image parsing via panoptic segment sorting" (PSS), sections 3.2 and 3.4. There, stuff that is too small and
things that no seed reaches are void. A parse says a class everywhere: small stuff goes to the likeliest of the classes
of stuff that are left, by its segments' own probabilities; things without a seed keep their class and are no instance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mereo.assembly.segment_merging import Merge, Merging, merging_of
from mereo.shapes import require_shapes


@dataclass(frozen=True, eq=False)
class SegmentGroups:
    """`group_S` of every segment; of every group its class, its instance (from 1; 0: stuff) and its vector of length 1,
    the direction of the sum of all its embeddings. How the things among the segments merged stands in `merges` and
    `refused`, as in `Merging`, with numbers of segments."""

    group_S: Tensor
    class_G: Tensor
    instance_G: Tensor
    vector_GD: Tensor
    merges: tuple[Merge, ...] = ()
    refused: Merge | None = None


@torch.no_grad()
def grouped_segments(
    embedding_sum_SD: Tensor,
    class_probability_SK: Tensor,
    area_S: Tensor,
    *,
    is_thing: Sequence[bool],
    threshold: float = 0.7,
    is_seed_S: Tensor | None = None,
    least_stuff_area: float = 0.0,
) -> SegmentGroups:
    """Things merge greedily (`merging_of`), stuff is one group a class. A segment is of its likeliest class.

    With seeds an instance is what grew from one; a seed on stuff is none. If all stuff is too small, all of it stays. A
    segment of area 0 counts nowhere.
    """
    require_shapes(embedding_sum_SD=embedding_sum_SD, class_probability_SK=class_probability_SK, area_S=area_S)
    num_segments, num_classes = class_probability_SK.shape
    device = embedding_sum_SD.device
    class_S = class_probability_SK.argmax(dim=1)
    is_there_S = area_S > 0
    is_thing_S = torch.tensor(is_thing, dtype=torch.bool, device=device)[class_S] & is_there_S
    thing_T = is_thing_S.nonzero()[:, 0]
    seed_T = None if is_seed_S is None else is_seed_S[thing_T]
    merging = merging_of(embedding_sum_SD[thing_T], class_S[thing_T], threshold=threshold, is_seed_S=seed_T)
    root_T = merging.group_S
    # Keys of groups: a class of stuff is its index, an instance the number of classes and the segment it grew from.
    key_S = class_S.clone()
    key_S[thing_T] = num_classes + thing_T[root_T]
    if seed_T is not None:
        is_seedless_T = ~seed_T[root_T]
        key_S[thing_T[is_seedless_T]] = class_S[thing_T[is_seedless_T]]
    is_stuff_S = is_there_S & ~is_thing_S
    # Doubles on the CPU alone: some accelerators have none.
    area_K = torch.zeros(num_classes, dtype=torch.float64)
    area_K.index_add_(0, class_S[is_stuff_S].cpu(), area_S[is_stuff_S].cpu().double())
    is_left_K = ((area_K > 0) & (area_K >= least_stuff_area)).to(device)
    if is_left_K.any():
        likeliest_S = class_probability_SK.masked_fill(~is_left_K, -1).argmax(dim=1)
        key_S = torch.where(is_stuff_S & ~is_left_K[class_S], likeliest_S, key_S)
    key_G, group_S = torch.unique(key_S, return_inverse=True)
    is_instance_G = key_G >= num_classes
    class_G = torch.where(is_instance_G, class_S[(key_G - num_classes).clamp(min=0)], key_G.clamp(max=num_classes - 1))
    instance_G = torch.where(is_instance_G, is_instance_G.cumsum(0), 0)
    sum_GD = embedding_sum_SD.new_zeros(len(key_G), embedding_sum_SD.shape[1]).index_add(0, group_S, embedding_sum_SD)
    merges, refused = _numbered(merging, thing_T.tolist())
    return SegmentGroups(group_S, class_G, instance_G, F.normalize(sum_GD, dim=1), merges, refused)


def _numbered(merging: Merging, segments: list[int]) -> tuple[tuple[Merge, ...], Merge | None]:
    """What merged, of which `segments` had been picked, with the numbers that these have among all."""

    def numbered(merge: Merge) -> Merge:
        return Merge(segments[merge.kept], segments[merge.gone], merge.cosine)

    refused = merging.refused
    return tuple(map(numbered, merging.merges)), None if refused is None else numbered(refused)


def seed_segments(segment_hw: Tensor, center_N2: Tensor, num_segments: int) -> Tensor:
    """`is_seed_S`: the segments that cover a centre (y, x in parts of the picture).

    >>> seed_segments(torch.tensor([[0, 0], [1, 2]]), torch.tensor([[0.9, 0.4]]), 3).tolist()
    [False, True, False]
    """
    size_2 = torch.tensor(segment_hw.shape, device=center_N2.device)
    cell_N2 = (center_N2 * size_2).long().clamp(min=0).minimum(size_2 - 1)
    is_seed_S = torch.zeros(num_segments, dtype=torch.bool, device=segment_hw.device)
    is_seed_S[segment_hw[cell_N2[:, 0], cell_N2[:, 1]]] = True
    return is_seed_S
