"""The map of superpixels that is sent, and what clicks choose by it: who looks and who answers read the same cells.

On a photograph larger than the map a pixel's superpixel may be another than that of the cell in which it lies. What is
shown there is the cell's, so that is the one that a click reaches.
"""

from collections.abc import Sequence

import numpy as np

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.interaction.clicks import Click, clicked_mask
from mereo.picture_sizes import size_within
from mereo.web.request_shapes import SentClick

MAX_MAP_SIDE = 1024


def superpixel_map(groups: GroupedPhotograph) -> np.ndarray:
    """h w: 0 for none, else the superpixel plus one."""
    return groups.on_pixels(np.arange(1, groups.num_superpixels + 1), map_size(groups.size))


def mask_of_clicks(groups: GroupedPhotograph, sent: Sequence[SentClick], *, level: int) -> np.ndarray:
    """H W bool, at the photograph's size."""
    clicks = [Click(one.x, one.y, one.adds, one.level) for one in sent]
    return clicked_mask(groups, clicks, level=level, map_size=map_size(groups.size))


def map_size(size: tuple[int, int]) -> tuple[int, int]:
    """
    >>> map_size((48, 64)), map_size((2668, 4000))
    ((48, 64), (683, 1024))
    """
    return size_within(size, MAX_MAP_SIDE)
