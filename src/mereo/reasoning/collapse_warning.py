"""A hierarchy whose groups have all become the same says so: nothing else would show it.

With a bandwidth that is wide beside the distances of normalised vertices (2 at most), every group takes the same share
of every region, whatever the picture shows.
"""

import logging

import torch
from torch import Tensor

from mereo.regions.gaussian_grouping import Grouping, spread_of_directions

EVERY = 64  # Calls; each measurement waits for the device.
LEARNING_CALLS = 1024  # What a fresh network sees is much the same everywhere; training must first change that.
LEAST_SHARE = 1e-3


class CollapseWarning:
    """Called with what was grouped and the groups. Measures the first call of every 64, and warns once."""

    def __init__(self) -> None:
        self.num_calls = 0
        self.has_warned = False

    @torch.no_grad()
    def __call__(
        self, vertices_BRC: Tensor, is_present_BR: Tensor, found: Grouping, *, is_training: bool = False
    ) -> None:
        is_due = not self.has_warned and self.num_calls % EVERY == 0
        is_due &= not is_training or self.num_calls >= LEARNING_CALLS
        self.num_calls += 1
        if not is_due or vertices_BRC.shape[1] < 4 or torch.compiler.is_compiling():
            return
        before_B = spread_of_directions(vertices_BRC, is_present_BR)
        after_B = spread_of_directions(found.vertices_BSC, found.is_present_BS)
        # A picture of one colour has nothing to lose.
        is_collapsed_B = (before_B > 1e-4) & (after_B < LEAST_SHARE * before_B)
        if bool(is_collapsed_B.any()):
            self.has_warned = True
            logging.getLogger("mereo").warning(
                "deep_grouping: all groups of a picture have become the same (their spread is %.1e of that of what was "
                "grouped); lower its bandwidth.",
                float((after_B / before_B)[is_collapsed_B].min()),
            )
