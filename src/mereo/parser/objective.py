"""Objective: answers and targets -> named, weighted losses and their sum. Owns what only training needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from mereo.data.batches import Batch
from mereo.data.class_histogram import class_weights
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.features.conv_norm import ConvNormReLU
from mereo.features.feature_maps import FeatureLayout
from mereo.features.stage import MAX_WIDTH
from mereo.heads.pixel_classes import PixelClassesPrediction
from mereo.losses.pixel_cross_entropy import PixelCrossEntropy
from mereo.parser.scene_parser import SceneAnswers, SceneParser
from mereo.strict import StrictConfig


@dataclass(frozen=True)
class Losses:
    """The weighted sum that training minimises, and each term before its weight."""

    total: Tensor
    terms: dict[str, Tensor]


class Objective(nn.Module):
    """`terms` maps a name to a module (answers, batch) -> loss; `weights` gives each its factor."""

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
        terms = {name: term(answers, batch) for name, term in self.terms.items()}
        total = torch.stack([self.weights[name] * value for name, value in terms.items()]).sum()
        return Losses(total, terms)


class PixelClassesTerm(nn.Module):
    """Cross-entropy of the pixel head."""

    def __init__(self, loss: PixelCrossEntropy) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, answers: SceneAnswers, batch: Batch) -> Tensor:
        return self.loss(answers.prediction(PixelClassesPrediction).logits_BKhw, batch.required("semantic_BHW"))


class AuxiliaryPixelsTerm(nn.Module):
    """A small FCN head on an inner backbone map (deep supervision); gone after training."""

    def __init__(self, loss: PixelCrossEntropy, *, in_channels: int, width: int, num_classes: int, level: int) -> None:
        super().__init__()
        self.loss, self.level = loss, level
        self.classify = nn.Sequential(
            ConvNormReLU(in_channels, width, kernel_size=3), nn.Conv2d(width, num_classes, kernel_size=1)
        )

    def forward(self, answers: SceneAnswers, batch: Batch) -> Tensor:
        logits_BKhw = self.classify(answers.backbone_features.maps[self.level])
        return self.loss(logits_BKhw, batch.required("semantic_BHW"))


class PixelCrossEntropyConfig(StrictConfig):
    loss: Literal["pixel_cross_entropy"] = "pixel_cross_entropy"
    weight: float = Field(1.0, ge=0)
    class_balance: float = Field(0.0, ge=0, le=1, description="class weight = frequency ** -class_balance, mean 1")
    hardest_share: float = Field(1.0, gt=0, le=1)

    def build(self, parser: SceneParser, pixels_K: Tensor | None) -> nn.Module:
        return PixelClassesTerm(_cross_entropy(self, parser.taxonomy, pixels_K))


class AuxiliaryPixelsConfig(StrictConfig):
    loss: Literal["auxiliary_pixels"] = "auxiliary_pixels"
    weight: float = Field(0.4, ge=0)
    class_balance: float = Field(0.0, ge=0, le=1)
    hardest_share: float = Field(1.0, gt=0, le=1)
    width: int = Field(128, ge=1, le=MAX_WIDTH)
    level: int = Field(-2, description="which backbone map, from the finest (0) or the last (-1)")

    def build(self, parser: SceneParser, pixels_K: Tensor | None) -> nn.Module:
        layout = getattr(parser.backbone, "layout", None)
        if not isinstance(layout, FeatureLayout):
            raise BadInput(f"auxiliary_pixels must have a backbone with a layout, but got {layout!r}; set its layout.")
        channels = layout.channels
        if not -len(channels) <= self.level < len(channels):
            raise BadInput(f"level must name one of {len(channels)} backbone maps, but got {self.level}; use -2.")
        return AuxiliaryPixelsTerm(
            _cross_entropy(self, parser.taxonomy, pixels_K),
            in_channels=channels[self.level],
            width=self.width,
            num_classes=parser.taxonomy.num_objects,
            level=self.level,
        )


LossConfig = Annotated[PixelCrossEntropyConfig | AuxiliaryPixelsConfig, Field(discriminator="loss")]


def build_objective(
    losses: tuple[LossConfig, ...], parser: SceneParser, *, pixels_K: Tensor | None = None
) -> Objective:
    """`pixels_K` is the training split's class histogram, needed where a loss balances classes."""
    names = [config.loss for config in losses]
    if len(set(names)) != len(names):
        raise BadInput(f"losses must have different names, but got {names}; keep one of each.")
    return Objective(
        {config.loss: config.build(parser, pixels_K) for config in losses},
        {config.loss: config.weight for config in losses},
    )


def needs_histogram(losses: tuple[LossConfig, ...]) -> bool:
    return any(config.class_balance > 0 for config in losses)


def _cross_entropy(
    config: PixelCrossEntropyConfig | AuxiliaryPixelsConfig, taxonomy: Taxonomy, pixels_K: Tensor | None
) -> PixelCrossEntropy:
    weight_K = None
    if config.class_balance > 0:
        if pixels_K is None:
            raise BadInput("class_balance must have the training split's histogram, but got none; pass pixels_K.")
        weight_K = class_weights(pixels_K, power=config.class_balance)
    return PixelCrossEntropy(
        class_weight_K=weight_K, ignore_label=taxonomy.ignore_index, hardest_share=config.hardest_share
    )
