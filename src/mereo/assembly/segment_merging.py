"""Segments merged into instances: the two nearest prototypes of one class first, again and again.

"Contextual image parsing via panoptic segment sorting" (PSS), equation 3 and section 3.4. The prototype of a merged
segment is that of its pixels: the direction of the sum of both sums.
"""

import math

import numpy as np
import torch
from torch import Tensor

from mereo.errors import BadInput
from mereo.shapes import require_shapes

NEVER = -math.inf
SHORTEST = 1e-300  # No sum of embeddings is shorter, but for 0.


@torch.no_grad()
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
    require_shapes(embedding_sum_SD=embedding_sum_SD, class_S=class_S)
    sum_SD = embedding_sum_SD.double().cpu().numpy().copy()
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
    group_S = _merged(sum_SD, np.where(may_merge_SS, 0.0, NEVER), is_seed, threshold)
    return torch.from_numpy(group_S).to(embedding_sum_SD.device)


def _merged(sum_SD: np.ndarray, never_SS: np.ndarray, is_seed_S: np.ndarray, threshold: float) -> np.ndarray:
    """Every segment remembers its nearest one, so that a merge costs a few rows and not all pairs.

    Of a segment whose nearest one has changed, the cosine that it remembers is too great; it looks anew when that
    cosine comes to be the greatest of all, and not before. `never_SS` is 0 where two segments may merge and -inf
    elsewhere, to be added to their cosine. The products of sums add up as the sums do, so embeddings are looked at only
    once.
    """
    group_S = np.arange(len(sum_SD))
    if len(group_S) < 2:
        return group_S
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
        # A cosine is above 1 only by rounding, and a threshold above 1 merges nothing.
        if greatest_S[one] == NEVER or min(greatest_S[one], 1.0) < threshold:
            return group_S
        other = int(nearest_S[one])
        kept, gone = (other, one) if is_seed_S[other] or (other < one and not is_seed_S[one]) else (one, other)
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
