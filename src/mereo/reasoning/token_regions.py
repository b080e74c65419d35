"""Reasoners that gather an image into tokens: the stage they are, and the evidence they leave."""

from dataclasses import dataclass

from torch import Tensor

from mereo.features.stage import Stage


@dataclass(frozen=True, eq=False)
class TokenRegions:
    """`weight_BKHW`: how much each pixel counts in each of K tokens, 0 or more, on the grid of the last map."""

    weight_BKHW: Tensor


class TokenReasoner(Stage):
    """Leaves `TokenRegions`; gives a last map of the shape that it got."""
