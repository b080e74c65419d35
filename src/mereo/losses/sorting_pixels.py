"""Sorting pixels: what segment sorting learns from. K-means segments cut by the truth, so that each has one label.

"Contextual image parsing via panoptic segment sorting" (PSS), sections 3.2 and 3.3. The label of a thing is its own, in
its own image; the label of stuff is its class, in all images of the batch.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mereo.shapes import require_shapes

NOBODY = -1
UPSCALING = 2


@dataclass(frozen=True, eq=False)
class SortingPixels:
    """Pixels of all images of a batch, the segment of each, and the label and class of each segment."""

    embedding_ND: Tensor
    segment_N: Tensor
    label_of_segment_S: Tensor
    class_of_segment_S: Tensor


def sorting_pixels(
    embedding_BDhw: Tensor,
    segment_Bhw: Tensor,
    semantic_BHW: Tensor,
    instances_BHW: Tensor,
    *,
    is_thing_K: Tensor,
    ignore_label: int = 255,
    small_pixels: int = 1024,
) -> SortingPixels:
    """Ignored pixels belong to no segment, nor do those of a thing without an instance: nobody knows which it is.

    Instances of fewer than `small_pixels` labelled pixels are seen on embeddings of twice the size (bilinear, of length
    1 again), so that their few pixels count four times; everything else on the embeddings' own grid. Labels are
    resized to both (nearest). Every segment has one prototype, on whichever grid its pixels are.
    """
    require_shapes(embedding_BDhw=embedding_BDhw, segment_Bhw=segment_Bhw)
    require_shapes(semantic_BHW=semantic_BHW, instances_BHW=instances_BHW)
    num_classes = len(is_thing_K)
    label_BHW = panoptic_labels(semantic_BHW, instances_BHW, is_thing_K=is_thing_K, ignore_label=ignore_label)
    small_L = _small_instances(label_BHW, num_classes, small_pixels)
    coarse_Bhw = _resized(label_BHW, segment_Bhw.shape[1:])
    is_coarse_Bhw = (coarse_Bhw != NOBODY) & ~torch.isin(coarse_Bhw, small_L)
    parts = [_picked(embedding_BDhw, segment_Bhw, coarse_Bhw, is_coarse_Bhw)]
    if len(small_L):
        size = (UPSCALING * segment_Bhw.shape[1], UPSCALING * segment_Bhw.shape[2])
        fine_Bhw = _resized(label_BHW, size)
        finer_BDhw = F.interpolate(embedding_BDhw, size=size, mode="bilinear", align_corners=False)
        parts.append(
            _picked(
                F.normalize(finer_BDhw, dim=1), _resized(segment_Bhw, size), fine_Bhw, torch.isin(fine_Bhw, small_L)
            )
        )
    embedding_ND, image_N, segment_N, label_N = (torch.cat(one) for one in zip(*parts))
    cut_S3, segment_of_N = numbered_rows(torch.stack([image_N, segment_N, label_N], dim=1))
    return SortingPixels(embedding_ND, segment_of_N, cut_S3[:, 2], cut_S3[:, 2] % num_classes)


def numbered_rows(row_N3: Tensor) -> tuple[Tensor, Tensor]:
    """The different rows in the order of their numbers (S 3), and which of them each row is (N).

    >>> [found.tolist() for found in numbered_rows(torch.tensor([[0, 2, 1], [0, 1, 7], [0, 2, 1]]))]
    [[[0, 1, 7], [0, 2, 1]], [1, 0, 1]]
    """
    if len(row_N3):
        least_3 = row_N3.amin(dim=0)
        spans = [most - least + 1 for least, most in zip(least_3.tolist(), row_N3.amax(dim=0).tolist())]
        if math.prod(spans) <= torch.iinfo(torch.int64).max:
            # One number has the order of the row that it stands for, and is sorted many times as fast.
            part_N3 = row_N3.long() - least_3
            key_N = (part_N3[:, 0] * spans[1] + part_N3[:, 1]) * spans[2] + part_N3[:, 2]
            key_S, number_N = torch.unique(key_N, return_inverse=True)
            of_first_S, of_third_S = key_S // (spans[1] * spans[2]), key_S % spans[2]
            return torch.stack([of_first_S, key_S // spans[2] % spans[1], of_third_S], dim=1) + least_3, number_N
    return torch.unique(row_N3, dim=0, return_inverse=True)


def panoptic_labels(
    semantic_BHW: Tensor, instances_BHW: Tensor, *, is_thing_K: Tensor, ignore_label: int = 255
) -> Tensor:
    """One number for all that belongs together: class + K * (0 for stuff, a number of its own for each thing).

    -1 where nobody knows. The class is the number modulo K.

    >>> semantic_BHW = torch.tensor([[[0, 1, 1, 255]], [[0, 1, 1, 1]]])
    >>> instances_BHW = torch.tensor([[[0, 1, 2, 0]], [[0, 1, 2, 0]]])
    >>> panoptic_labels(semantic_BHW, instances_BHW, is_thing_K=torch.tensor([False, True])).tolist()
    [[[0, 3, 5, -1]], [[0, 7, 9, -1]]]
    """
    semantic_BHW, instances_BHW = semantic_BHW.long(), instances_BHW.long()
    num_classes = len(is_thing_K)
    is_known_BHW = semantic_BHW != ignore_label
    class_BHW = semantic_BHW.masked_fill(~is_known_BHW, 0)
    is_thing_BHW = is_thing_K[class_BHW]
    most = int(instances_BHW.max()) if instances_BHW.numel() else 0
    image_B11 = torch.arange(len(instances_BHW), device=instances_BHW.device)[:, None, None]
    number_BHW = torch.where(is_thing_BHW, image_B11 * most + instances_BHW, 0)
    is_known_BHW = is_known_BHW & (~is_thing_BHW | (instances_BHW > 0))
    return torch.where(is_known_BHW, class_BHW + num_classes * number_BHW, NOBODY)


def _small_instances(label_BHW: Tensor, num_classes: int, small_pixels: int) -> Tensor:
    """Labels of things, which are `num_classes` and more, with few pixels."""
    label_L, count_L = torch.unique(label_BHW, return_counts=True)
    return label_L[(label_L >= num_classes) & (count_L < small_pixels)]


def _resized(map_BHW: Tensor, size: torch.Size | tuple[int, int]) -> Tensor:
    # As doubles: labels are counted, and no number may be rounded.
    resized_B1hw = F.interpolate(map_BHW[:, None].double(), size=tuple(size), mode="nearest-exact")
    return resized_B1hw[:, 0].long()


def _picked(
    embedding_BDhw: Tensor, segment_Bhw: Tensor, label_Bhw: Tensor, is_picked_Bhw: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    image_N, row_N, column_N = is_picked_Bhw.nonzero(as_tuple=True)
    place = (image_N, row_N, column_N)
    return embedding_BDhw[image_N, :, row_N, column_N], image_N, segment_Bhw[place], label_Bhw[place]
