"""Pixel classes: the last feature map -> one score a class and pixel. The plain head of FCN, DeepLabV3 and UPerNet."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from mereo.data.taxonomy import Taxonomy
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.heads.class_scores import ClassScores
from mereo.strict import StrictConfig


@dataclass(frozen=True)
class PixelClassesPrediction:
    """Class logits on the feature map's own grid, B K h w."""

    logits_BKhw: Tensor

    @property
    def class_probability_BKhw(self) -> Tensor:
        return self.logits_BKhw.float().softmax(dim=1)

    def class_scores(self) -> ClassScores:
        return ClassScores(self.logits_BKhw, are_probabilities=False)


class PixelClasses(nn.Module):
    """One 1x1 convolution on the last map; `dropout` leaves out whole channels before it, in training alone."""

    says_classes = True

    def __init__(self, layout: FeatureLayout, *, num_classes: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout2d(dropout)
        self.classify = nn.Conv2d(layout.channels[-1], num_classes, kernel_size=1)
        nn.init.normal_(self.classify.weight, std=0.01)
        if self.classify.bias is not None:  # It always has one; type checkers cannot know.
            nn.init.zeros_(self.classify.bias)

    def forward(self, features: FeatureMaps, frame: Frame) -> PixelClassesPrediction:
        return PixelClassesPrediction(self.classify(self.dropout(features.last)))


class PixelClassesConfig(StrictConfig):
    head: Literal["pixel_classes"] = "pixel_classes"
    dropout: float = Field(0.0, ge=0, lt=1)

    def build(self, layout: FeatureLayout, taxonomy: Taxonomy) -> PixelClasses:
        return PixelClasses(layout, num_classes=taxonomy.num_objects, dropout=self.dropout)
