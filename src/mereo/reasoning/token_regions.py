"""Reasoners that gather an image into tokens: the evidence that says which pixels each token is made of."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class TokenRegions:
    """`weight_BKHW`: how much each pixel counts in each of K tokens, 0 or more, on the grid of the last map."""

    weight_BKHW: Tensor
