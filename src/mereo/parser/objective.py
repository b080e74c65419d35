"""Objective: answers and targets -> named, weighted losses and their sum. Owns what only training needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from mereo.data.batches import Batch
from mereo.errors import BadInput
from mereo.losses.summed_loss import TaskLoss
from mereo.parser.scene_parser import SceneAnswers, SceneParser
from mereo.parser.terms.concept_terms import ConceptRegionsConfig
from mereo.parser.terms.evidence_terms import CoarsePixelsConfig, RegionClassificationConfig
from mereo.parser.terms.mask_terms import MaskQueriesLossConfig
from mereo.parser.terms.perceptual_terms import PerceptualLossConfig
from mereo.parser.terms.pixel_terms import AuxiliaryPixelsConfig, PixelCrossEntropyConfig
from mereo.parser.terms.pyramid_terms import SemanticPyramidLossConfig
from mereo.parser.terms.segment_sorting_terms import SegmentSortingLossConfig


@dataclass(frozen=True)
class Losses:
    """The weighted sum that training minimises, and each term before its weight; NaN: the batch has no label for it."""

    total: Tensor
    terms: dict[str, Tensor]


class Objective(nn.Module):
    """`terms` maps a name to a module (answers, batch) -> loss (a tensor, or a `TaskLoss` where labels may be absent);
    `weights` gives each its factor."""

    def __init__(self, terms: Mapping[str, nn.Module], weights: Mapping[str, float] | None = None) -> None:
        super().__init__()
        if not terms:
            raise BadInput("an objective must have at least one loss, but got none; add e.g. pixel_cross_entropy.")
        unknown = sorted(set(weights or {}) - set(terms))
        if unknown:
            raise BadInput(f"weights must belong to a loss, but got {unknown}; losses: {sorted(terms)}.")
        self.terms = nn.ModuleDict(terms)
        self.weights = {name: 1.0 for name in terms} | dict(weights or {})

    def forward(self, answers: SceneAnswers, batch: Batch) -> Losses:
        losses = {name: term(answers, batch) for name, term in self.terms.items()}
        values = {name: loss.value if isinstance(loss, TaskLoss) else loss for name, loss in losses.items()}
        total = torch.stack([self.weights[name] * value for name, value in values.items()]).sum()
        return Losses(total, {name: loss.told if isinstance(loss, TaskLoss) else loss for name, loss in losses.items()})


LossConfig = Annotated[
    PixelCrossEntropyConfig
    | AuxiliaryPixelsConfig
    | CoarsePixelsConfig
    | RegionClassificationConfig
    | ConceptRegionsConfig
    | MaskQueriesLossConfig
    | SemanticPyramidLossConfig
    | PerceptualLossConfig
    | SegmentSortingLossConfig,
    Field(discriminator="loss"),
]


def build_objective(
    losses: tuple[LossConfig, ...], parser: SceneParser, *, pixels_K: Tensor | None = None
) -> Objective:
    """`pixels_K` is the training split's class histogram, needed where a loss balances classes."""
    names = [config.loss for config in losses]
    if len(set(names)) != len(names):
        raise BadInput(f"losses must have different names, but got {names}; keep one of each.")
    terms = {name: term for config in losses for name, term in config.terms(parser, pixels_K).items()}
    return Objective(
        {name: module for name, (module, _) in terms.items()}, {name: weight for name, (_, weight) in terms.items()}
    )


def needs_histogram(losses: tuple[LossConfig, ...]) -> bool:
    return any(getattr(config, "class_balance", 0) > 0 for config in losses)
