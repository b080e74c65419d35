"""Reasoners that first guess every pixel's class: the stage they are, and the evidence they leave."""

from dataclasses import dataclass

from torch import Tensor

from mereo.features.stage import Stage


@dataclass(frozen=True, eq=False)
class CoarseAnswer:
    """`features_BCHW` is what the guess rests on: the last map as it came in. Losses train the guess."""

    features_BCHW: Tensor
    coarse_logits_BKHW: Tensor


class CoarseReasoner(Stage):
    """Leaves a `CoarseAnswer`; gives a last map of the shape that it got."""
