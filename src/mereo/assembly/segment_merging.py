"""Segments merged into instances: the two nearest prototypes of one class first, again and again.

"Contextual image parsing via panoptic segment sorting" (PSS), equation 3 and section 3.4. The prototype of a merged
segment is that of its pixels: the direction of the sum of both sums.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mereo.errors import BadInput
from mereo.shapes import require_shapes

NEVER = -math.inf
SHORTEST = 1e-300  # No sum of embeddings is shorter, but for 0.


class Merge(NamedTuple):
    """Two groups become one: the segments that stood for them, of which `kept` goes on, and the cosine of their
    prototypes at that moment."""

    kept: int
    gone: int
    cosine: float


@dataclass(frozen=True, eq=False)
class Merging:
    """`group_S` as `merge_segments` gives it; the merges in their order; `refused`, the pair that was nearest when
    merging stopped at the threshold (None where no pair was left)."""

    group_S: Tensor
    merges: tuple[Merge, ...]
    refused: Merge | None


def merge_segments(
    embedding_sum_SD: Tensor, class_S: Tensor, *, threshold: float, is_seed_S: Tensor | None = None
) -> Tensor:
    """`group_S`: for each segment the one that stands for its group, the first of it; with seeds, the group's seed.

    Greedy: of all pairs of one class the one with the greatest cosine of prototypes merges, as long as that is at least
    `threshold`; then the prototype is that of both.

    With seeds only a seed and a segment that is none merge, into a seed, and there is no threshold: every segment whose
    class has a seed ends in a seed's group. What no seed reaches stays a group of its own, which is no seed.

    >>> sums_SD = torch.tensor([[9.0, 0.0], [0.0, 2.0], [1.0, 0.1], [3.0, 0.0]])
    >>> merge_segments(sums_SD, torch.tensor([5, 5, 5, 8]), threshold=0.85).tolist()
    [0, 1, 0, 3]
    >>> is_seed_S = torch.tensor([False, False, True, False])
    >>> merge_segments(sums_SD, torch.tensor([5, 5, 5, 8]), threshold=0.85, is_seed_S=is_seed_S).tolist()
    [2, 2, 2, 3]
    """
    return merging_of(embedding_sum_SD, class_S, threshold=threshold, is_seed_S=is_seed_S).group_S


@torch.no_grad()
def merging_of(
    embedding_sum_SD: Tensor, class_S: Tensor, *, threshold: float, is_seed_S: Tensor | None = None
) -> Merging:
    """`merge_segments`, and how it came about.

    >>> sums_SD = torch.tensor([[9.0, 0.0], [0.0, 2.0], [1.0, 0.1]])
    >>> merging = merging_of(sums_SD, torch.tensor([5, 5, 5]), threshold=0.85)
    >>> [(merge.kept, merge.gone, round(merge.cosine, 3)) for merge in (*merging.merges, merging.refused)]
    [(0, 2, 0.995), (0, 1, 0.01)]
    """
    require_shapes(embedding_sum_SD=embedding_sum_SD, class_S=class_S)
    sum_SD = embedding_sum_SD.cpu().double().numpy().copy()
    if not np.isfinite(sum_SD).all():
        raise BadInput("sums of embeddings must be finite, but got others; check the parser's weights.")
    class_of_S = class_S.cpu().numpy()
    may_merge_SS = class_of_S[:, None] == class_of_S
    is_seed = np.zeros(len(sum_SD), dtype=bool)
    if is_seed_S is not None:
        require_shapes(class_S=class_S, is_seed_S=is_seed_S)
        is_seed = is_seed_S.cpu().numpy().astype(bool)
        may_merge_SS &= is_seed[:, None] != is_seed
        threshold = NEVER
    np.fill_diagonal(may_merge_SS, False)
    group_S, merges, refused = _merged(sum_SD, np.where(may_merge_SS, 0.0, NEVER), is_seed, threshold)
    return Merging(torch.from_numpy(group_S).to(embedding_sum_SD.device), tuple(merges), refused)


def _merged(
    sum_SD: np.ndarray, never_SS: np.ndarray, is_seed_S: np.ndarray, threshold: float
) -> tuple[np.ndarray, list[Merge], Merge | None]:
    """Every segment remembers its nearest one, so that a merge costs a few rows and not all pairs.

    Of a segment whose nearest one has changed, the cosine that it remembers is too great; it looks anew when that
    cosine comes to be the greatest of all, and not before. `never_SS` is 0 where two segments may merge and -inf
    elsewhere, to be added to their cosine. The products of sums add up as the sums do, so embeddings are looked at only
    once.
    """
    group_S, merges = np.arange(len(sum_SD)), list[Merge]()
    if len(group_S) < 2:
        return group_S, merges, None
    product_SS = sum_SD @ sum_SD.T
    inverse_length_S = 1 / np.maximum(np.sqrt(product_SS.diagonal()), SHORTEST)
    cosine_SS = product_SS * inverse_length_S * inverse_length_S[:, None] + never_SS
    nearest_S, greatest_S = cosine_SS.argmax(axis=1), cosine_SS.max(axis=1)
    is_stale_S = np.zeros(len(sum_SD), dtype=bool)
    while True:
        one = int(greatest_S.argmax())
        if is_stale_S[one]:
            nearest_S[one] = cosine_SS[one].argmax()
            greatest_S[one] = cosine_SS[one, nearest_S[one]]
            is_stale_S[one] = False
            continue
        cosine, other = float(greatest_S[one]), int(nearest_S[one])
        if cosine == NEVER:
            return group_S, merges, None
        kept, gone = (other, one) if is_seed_S[other] or (other < one and not is_seed_S[one]) else (one, other)
        # A cosine is above 1 only by rounding, and a threshold above 1 merges nothing.
        merges.append(Merge(kept, gone, min(cosine, 1.0)))
        if merges[-1].cosine < threshold:
            return group_S, merges, merges.pop()
        group_S[group_S == gone] = kept
        product_S = product_SS[kept]
        product_S += product_SS[gone]
        product_S[kept] += product_S[gone]
        product_SS[:, kept] = product_S
        inverse_length_S[kept] = 1 / max(math.sqrt(max(product_S[kept], 0.0)), SHORTEST)
        never_SS[:, gone] = NEVER
        cosine_S = product_S * inverse_length_S
        cosine_S *= inverse_length_S[kept]
        cosine_S += never_SS[kept]
        cosine_SS[kept] = cosine_SS[:, kept] = cosine_S
        cosine_SS[:, gone] = greatest_S[gone] = NEVER
        is_stale_S |= (nearest_S == kept) | (nearest_S == gone)
        is_nearer_S = cosine_S >= greatest_S
        is_nearer_S[gone] = False
        np.putmask(nearest_S, is_nearer_S, kept)
        np.copyto(greatest_S, cosine_S, where=is_nearer_S)
        is_stale_S &= ~is_nearer_S
        nearest_S[kept] = cosine_S.argmax()
        greatest_S[kept] = cosine_S[nearest_S[kept]]
        is_stale_S[[kept, gone]] = False
