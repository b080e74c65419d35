"""Which feature map each level of a graph hierarchy looks at, and the maps at the levels' strides."""

from collections.abc import Sequence
from math import log2

import torch.nn.functional as F
from torch import Tensor


def level_sources(map_strides: Sequence[int], level_strides: Sequence[int]) -> tuple[int, ...]:
    """One index of a map a level: from the coarsest level down, the nearest stride, of equally near ones one that no
    coarser level looks at, of those the deepest.

    >>> level_sources((4, 8, 16, 32), (4, 8, 16, 32)), level_sources((2, 4, 8, 16, 16), (4, 8, 16, 32))
    ((0, 1, 2, 3), (1, 2, 3, 4))
    >>> level_sources((16,), (4, 8, 16, 32)), level_sources((4, 8, 8, 8), (4, 8, 16, 32))
    ((0, 0, 0, 0), (0, 1, 2, 3))
    """
    sources: list[int] = []
    for wanted in reversed(level_strides):
        distance = [abs(log2(stride / wanted)) for stride in map_strides]
        sources.insert(0, min(range(len(map_strides)), key=lambda index: (distance[index], index in sources, -index)))
    return tuple(sources)


def maps_at_strides(maps: Sequence[Tensor], image_size: tuple[int, int], strides: Sequence[int]) -> list[Tensor]:
    """Each map on the grid of its level's stride: averaged where it is finer, bilinear where it is coarser."""
    at_strides = []
    for map_BChw, stride in zip(maps, strides):
        size = (-(-image_size[0] // stride), -(-image_size[1] // stride))
        height, width = map_BChw.shape[-2:]
        if (height, width) == size:
            at_strides.append(map_BChw)
        elif height * width > size[0] * size[1]:
            at_strides.append(F.adaptive_avg_pool2d(map_BChw, size))
        else:
            at_strides.append(F.interpolate(map_BChw, size=size, mode="bilinear", align_corners=False))
    return at_strides
