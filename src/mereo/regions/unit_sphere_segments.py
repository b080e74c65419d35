"""Unit-sphere segments: pixels whose embeddings point the same way, by spherical k-means from a uniform grid.

"Contextual image parsing via panoptic segment sorting" (PSS), sections 3.1 and 3.3; Banerjee, Dhillon, Ghosh, Sra 2005,
"Clustering on the unit hypersphere using von Mises-Fisher distributions", section 4. Embeddings have length 1. A
segment's prototype is the direction of the sum of its embeddings.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from mereo.errors import BadInput
from mereo.shapes import require_shapes

SCORES_AT_ONCE = 1 << 22


def grid_labels(
    height: int, width: int, *, rows: int, columns: int, device: torch.device | str | None = None
) -> Tensor:
    """`label_HW`: where k-means starts, `rows` x `columns` blocks of nearly one size, numbered row by row.

    A map with fewer pixels than blocks along a side has as many blocks as pixels there.

    >>> grid_labels(2, 4, rows=8, columns=2).tolist()
    [[0, 0, 1, 1], [2, 2, 3, 3]]
    """
    if min(height, width, rows, columns) < 1:
        raise BadInput(
            f"a grid must have at least one row and column and lie on a map with pixels, but got {rows}x{columns} on "
            f"{height}x{width}; e.g. 8x8."
        )
    rows, columns = min(rows, height), min(columns, width)
    row_H = torch.arange(height, device=device) * rows // height
    column_W = torch.arange(width, device=device) * columns // width
    return row_H[:, None] * columns + column_W


def with_positions(
    embedding_BDHW: Tensor, *, offset: tuple[float, float] = (0.0, 0.0), size: tuple[float, float] | None = None
) -> Tensor:
    """The embeddings with (y / H, x / W) of each pixel's middle as two more numbers, of length 1 again.

    For clustering alone: pixels that lie far from each other then rarely share a segment. For a crop, `size` is that
    of the whole picture and `offset` where the crop starts in it, in pixels of this map.
    """
    require_shapes(embedding_BDHW=embedding_BDHW)
    batch_size, _, height, width = embedding_BDHW.shape
    whole_height, whole_width = size or (height, width)
    y_H = (torch.arange(height, device=embedding_BDHW.device) + 0.5 + offset[0]) / whole_height
    x_W = (torch.arange(width, device=embedding_BDHW.device) + 0.5 + offset[1]) / whole_width
    place_2HW = torch.stack([y_H[:, None].expand(-1, width), x_W.expand(height, -1)])
    place_B2HW = place_2HW.to(embedding_BDHW.dtype).expand(batch_size, -1, -1, -1)
    return F.normalize(torch.cat([embedding_BDHW, place_B2HW], dim=1), dim=1)


def segment_sums(embedding_ND: Tensor, label_N: Tensor, num_segments: int) -> Tensor:
    """S D: the sum of each segment's embeddings. Its direction is the prototype; sums of segments that merge add up."""
    require_shapes(embedding_ND=embedding_ND, label_N=label_N)
    return embedding_ND.new_zeros(num_segments, embedding_ND.shape[1]).index_add(0, label_N, embedding_ND)


@torch.no_grad()
def spherical_kmeans(embedding_ND: Tensor, initial_label_N: Tensor, *, iterations: int = 10) -> Tensor:
    """The label of each embedding after so many rounds of: prototypes, then every embedding to the nearest one.

    A label that nobody has attracts nobody, and may be left over at the end: numbers are kept. The sum of the cosines
    between embeddings and their prototypes never falls. Of prototypes at one distance the first one wins.
    """
    require_shapes(embedding_ND=embedding_ND, initial_label_N=initial_label_N)
    if iterations < 0:
        raise BadInput(f"iterations must be at least 0, but got {iterations}; e.g. 10.")
    _require_labels(initial_label_N)
    label_N = initial_label_N.long()
    if len(label_N) == 0:
        return label_N
    wide = torch.promote_types(embedding_ND.dtype, torch.float32)
    with torch.autocast(embedding_ND.device.type, enabled=False):
        embedding_ND = embedding_ND.to(wide)
        num_segments = int(label_N.max()) + 1
        for _ in range(iterations):
            sum_SD = segment_sums(embedding_ND, label_N, num_segments)
            is_empty_S = torch.bincount(label_N, minlength=num_segments) == 0
            nearest_N = _nearest(embedding_ND, F.normalize(sum_SD, dim=1), is_empty_S)
            if torch.equal(nearest_N, label_N):  # So it would stay.
                break
            label_N = nearest_N
    return label_N


def segment_concentration(embedding_ND: Tensor, label_N: Tensor) -> Tensor:
    """S: |sum of a segment's embeddings| / their number, from 0 to 1: how much they agree (section 3.3).

    A label that nobody has, below the largest one, has 1: there is nothing to disagree.

    >>> segment_concentration(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), torch.tensor([0, 0, 2]))
    tensor([0.7071, 1.0000, 1.0000])
    """
    require_shapes(embedding_ND=embedding_ND, label_N=label_N)
    _require_labels(label_N)
    wide = torch.promote_types(embedding_ND.dtype, torch.float32)
    count_S = torch.bincount(label_N)
    sum_SD = segment_sums(embedding_ND.to(wide), label_N.long(), len(count_S))
    agreement_S = (sum_SD.norm(dim=1) / count_S.clamp(min=1)).clamp(max=1)
    return torch.where(count_S > 0, agreement_S, 1.0)


def _nearest(embedding_ND: Tensor, prototype_SD: Tensor, is_empty_S: Tensor) -> Tensor:
    """In pieces: the scores of all pixels of a large picture at once would be its largest tensor by far."""
    step = max(1, SCORES_AT_ONCE // len(prototype_SD))
    nearest = []
    for part_ND in embedding_ND.split(step):
        score_NS = part_ND @ prototype_SD.T
        # A prototype of length 0 would be nearer than those that point the other way.
        score_NS.masked_fill_(is_empty_S, -torch.inf)
        nearest.append(score_NS.max(dim=1).indices)  # The first of equals, as argmax, in half its time.
    return torch.cat(nearest)


def _require_labels(label_N: Tensor) -> None:
    if label_N.is_floating_point() or (label_N.numel() and int(label_N.min()) < 0):
        raise BadInput(
            f"labels must be whole numbers from 0 up, but got {label_N.dtype} from "
            f"{label_N.min().item() if label_N.numel() else None}; leave pixels without a segment out."
        )
