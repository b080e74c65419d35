"""ClassScores: what a parser reads of any prediction that says classes, whichever head gave it."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor


@dataclass(frozen=True)
class ClassScores:
    """`scores_BKhw` on a grid of the head's own: logits, or probabilities in which the classes of a pixel sum to 1.

    `level_Bhw`: of a pyramid, which level spoke.
    """

    scores_BKhw: Tensor
    are_probabilities: bool
    level_Bhw: Tensor | None = None


@runtime_checkable
class SaysClasses(Protocol):
    """A prediction that says classes. The first one among a parser's is its answer.

    A head that gives one has `says_classes = True`, so that it is known before it is asked.
    """

    def class_scores(self) -> ClassScores: ...
