"""Dynamic partitioning: a segment whose embeddings disagree is split once more.

"Contextual image parsing via panoptic segment sorting" (PSS), section 3.3: several small instances in one segment, or
parts of a big one, show as a low concentration.
"""

import torch
from torch import Tensor

from mereo.errors import BadInput
from mereo.regions.unit_sphere_segments import segment_concentration, spherical_kmeans
from mereo.shapes import require_shapes


@torch.no_grad()
def split_noisy_segments(
    embedding_ND: Tensor,
    label_N: Tensor,
    *,
    threshold: float = 0.9,
    parts: int = 4,
    iterations: int = 10,
    clustered_NE: Tensor | None = None,
) -> Tensor:
    """Labels from 0 without gaps. A segment of concentration below `threshold` becomes up to `parts` segments, by the
    same spherical k-means on its own pixels; what comes of it is not split again.

    `clustered_NE` is what k-means sees where that is more than the embeddings (places, too); how much a segment agrees
    is a question to the embeddings alone. Pixels are taken in their order, row by row: the parts start as bands from
    top to bottom of about one size, so that none of them starts empty.

    >>> embedding_ND = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> split_noisy_segments(embedding_ND, torch.tensor([3, 3, 3, 3]), parts=2).tolist()
    [0, 0, 1, 1]
    """
    require_shapes(embedding_ND=embedding_ND, label_N=label_N)
    if not 0 <= threshold <= 1 or parts < 1:
        raise BadInput(
            f"threshold must be from 0 to 1 and parts at least 1, but got {threshold} and {parts}; e.g. 0.9 and 4."
        )
    seen_NE = embedding_ND if clustered_NE is None else clustered_NE
    require_shapes(embedding_ND=embedding_ND, seen_NE=seen_NE)
    label_N = label_N.long().clone()
    if len(label_N) == 0:
        return label_N
    noisy = (segment_concentration(embedding_ND, label_N) < threshold).nonzero()[:, 0].tolist()
    following = int(label_N.max()) + 1
    for segment in noisy:
        pixel_n = (label_N == segment).nonzero()[:, 0]
        band_n = torch.arange(len(pixel_n), device=label_N.device) * min(parts, len(pixel_n)) // len(pixel_n)
        label_N[pixel_n] = following + spherical_kmeans(seen_NE[pixel_n], band_n, iterations=iterations)
        following += parts
    return torch.unique(label_N, return_inverse=True)[1]
