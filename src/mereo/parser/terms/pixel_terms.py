"""Losses on what the pixel head says, and on an inner map of the backbone."""

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from mereo.data.batches import Batch
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.features.conv_norm import ConvNormReLU
from mereo.features.stage import MAX_WIDTH, layout_of
from mereo.heads.pixel_classes import PixelClassesPrediction
from mereo.losses.pixel_cross_entropy import PixelCrossEntropy
from mereo.parser.scene_parser import SceneAnswers, SceneParser
from mereo.parser.terms.loss_settings import ClassBalance, OneTermLoss, balanced_weights


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


class CrossEntropyConfig(OneTermLoss):
    """What every cross-entropy over pixels has."""

    weight: float = Field(1.0, ge=0)
    class_balance: ClassBalance = 0.0
    hardest_share: float = Field(1.0, gt=0, le=1)

    def cross_entropy(self, taxonomy: Taxonomy, pixels_K: Tensor | None) -> PixelCrossEntropy:
        weight_K = balanced_weights(self.class_balance, pixels_K)
        return PixelCrossEntropy(
            class_weight_K=weight_K, ignore_label=taxonomy.ignore_index, hardest_share=self.hardest_share
        )


class PixelCrossEntropyConfig(CrossEntropyConfig):
    loss: Literal["pixel_cross_entropy"] = "pixel_cross_entropy"

    def build(self, parser: SceneParser, pixels_K: Tensor | None) -> nn.Module:
        return PixelClassesTerm(self.cross_entropy(parser.taxonomy, pixels_K))


class AuxiliaryPixelsConfig(CrossEntropyConfig):
    loss: Literal["auxiliary_pixels"] = "auxiliary_pixels"
    weight: float = Field(0.4, ge=0)
    width: int = Field(128, ge=1, le=MAX_WIDTH)
    level: int = Field(-2, description="which backbone map, from the finest (0) or the last (-1)")

    def build(self, parser: SceneParser, pixels_K: Tensor | None) -> nn.Module:
        channels = layout_of(parser.backbone, what="a backbone under auxiliary_pixels").channels
        if not -len(channels) <= self.level < len(channels):
            raise BadInput(f"level must name one of {len(channels)} backbone maps, but got {self.level}; use -2.")
        return AuxiliaryPixelsTerm(
            self.cross_entropy(parser.taxonomy, pixels_K),
            in_channels=channels[self.level],
            width=self.width,
            num_classes=parser.taxonomy.num_objects,
            level=self.level,
        )
