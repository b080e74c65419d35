"""Losses on what reasoners leave on the path: the coarse answer, and the regions of the truth."""

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from mereo.data.batches import Batch
from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureLayout
from mereo.losses.pixel_cross_entropy import PixelCrossEntropy
from mereo.losses.region_classification import RegionClassification
from mereo.parser.scene_parser import SceneAnswers, SceneParser
from mereo.parser.terms.pixel_terms import CrossEntropyConfig, balanced_weights
from mereo.reasoning.coarse_answer import CoarseAnswer, CoarseReasoner
from mereo.strict import StrictConfig


class CoarsePixelsTerm(nn.Module):
    """Cross-entropy of every coarse answer on the path (their mean)."""

    def __init__(self, loss: PixelCrossEntropy) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, answers: SceneAnswers, batch: Batch) -> Tensor:
        label_BHW = batch.required("semantic_BHW")
        terms = [self.loss(one.coarse_logits_BKHW, label_BHW) for one in coarse_answers(answers)]
        return sum(terms[1:], start=terms[0]) / len(terms)


class RegionClassificationTerm(nn.Module):
    """SR-Loss on the features that the first reasoner got, or on the last map of a parser without one."""

    def __init__(self, loss: RegionClassification) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, answers: SceneAnswers, batch: Batch) -> Tensor:
        return self.loss(classified_features(answers), batch.required("semantic_BHW"))


def coarse_answers(answers: SceneAnswers) -> list[CoarseAnswer]:
    return [evidence for evidence in answers.evidence if isinstance(evidence, CoarseAnswer)]


def classified_features(answers: SceneAnswers) -> Tensor:
    coarse = coarse_answers(answers)
    return coarse[0].features_BCHW if coarse else answers.features.last


class CoarsePixelsConfig(CrossEntropyConfig):
    loss: Literal["coarse_pixels"] = "coarse_pixels"
    weight: float = Field(0.4, ge=0)

    def build(self, parser: SceneParser, pixels_K: Tensor | None) -> CoarsePixelsTerm:
        if _first_reasoner(parser) is None:
            raise BadInput(
                "coarse_pixels must have a stage that gives a coarse answer, but got none on the path; add e.g. "
                "class_affinity, or leave the loss out."
            )
        return CoarsePixelsTerm(self.cross_entropy(parser.taxonomy, pixels_K))


class RegionClassificationConfig(StrictConfig):
    loss: Literal["region_classification"] = "region_classification"
    weight: float = Field(0.2, ge=0)
    class_balance: float = Field(0.0, ge=0, le=1, description="class weight = frequency ** -class_balance, mean 1")

    def build(self, parser: SceneParser, pixels_K: Tensor | None) -> RegionClassificationTerm:
        stage = _first_reasoner(parser) or (parser.path[-1] if len(parser.path) else parser.backbone)
        layout = getattr(stage, "layout", None)
        if not isinstance(layout, FeatureLayout):
            raise BadInput(
                f"region_classification must have a stage with a layout, but got {layout!r}; set its layout."
            )
        loss = RegionClassification(
            width=layout.channels[-1],
            num_classes=parser.taxonomy.num_objects,
            class_weight_K=balanced_weights(self.class_balance, pixels_K),
            ignore_label=parser.taxonomy.ignore_index,
        )
        return RegionClassificationTerm(loss)


def _first_reasoner(parser: SceneParser) -> CoarseReasoner | None:
    return next((stage for stage in parser.path if isinstance(stage, CoarseReasoner)), None)
