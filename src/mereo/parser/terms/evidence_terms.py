"""Losses on what reasoners leave on the path: the coarse answer, and the regions of the truth."""

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from mereo.data.batches import Batch
from mereo.errors import BadInput
from mereo.features.stage import layout_of
from mereo.losses.pixel_cross_entropy import PixelCrossEntropy
from mereo.losses.region_classification import RegionClassification
from mereo.parser.scene_parser import SceneAnswers, SceneParser
from mereo.parser.terms.loss_settings import ClassBalance, OneTermLoss, balanced_weights
from mereo.parser.terms.pixel_terms import CrossEntropyConfig
from mereo.reasoning.coarse_answer import CoarseAnswer, CoarseReasoner


class CoarsePixelsTerm(nn.Module):
    """Cross-entropy of every coarse answer on the path (their mean)."""

    def __init__(self, loss: PixelCrossEntropy) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, answers: SceneAnswers, batch: Batch) -> Tensor:
        label_BHW = batch.required("semantic_BHW")
        terms = [self.loss(one.coarse_logits_BKHW, label_BHW) for one in answers.evidence_of(CoarseAnswer)]
        return sum(terms[1:], start=terms[0]) / len(terms)


class RegionClassificationTerm(nn.Module):
    """SR-Loss on the features that the first reasoner got, or on the last map of a parser without one."""

    def __init__(self, loss: RegionClassification) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, answers: SceneAnswers, batch: Batch) -> Tensor:
        return self.loss(classified_features(answers), batch.required("semantic_BHW"))


def classified_features(answers: SceneAnswers) -> Tensor:
    coarse = answers.evidence_of(CoarseAnswer)
    return coarse[0].features_BCHW if coarse else answers.features.last


class CoarsePixelsConfig(CrossEntropyConfig):
    loss: Literal["coarse_pixels"] = "coarse_pixels"
    weight: float = Field(0.4, ge=0)

    def build(self, parser: SceneParser, pixels_K: Tensor | None) -> CoarsePixelsTerm:
        if not parser.stages_of(CoarseReasoner):
            raise BadInput(
                "coarse_pixels must have a stage that gives a coarse answer, but got none on the path; add e.g. "
                "class_affinity, or leave the loss out."
            )
        return CoarsePixelsTerm(self.cross_entropy(parser.taxonomy, pixels_K))


class RegionClassificationConfig(OneTermLoss):
    loss: Literal["region_classification"] = "region_classification"
    weight: float = Field(0.2, ge=0)
    class_balance: ClassBalance = 0.0

    def build(self, parser: SceneParser, pixels_K: Tensor | None) -> RegionClassificationTerm:
        # The first reasoner gives a last map as wide as the one that it got.
        stage = [*parser.stages_of(CoarseReasoner)[:1], *reversed(parser.path), parser.backbone][0]
        loss = RegionClassification(
            width=layout_of(stage, what="a stage under region_classification").channels[-1],
            num_classes=parser.taxonomy.num_objects,
            class_weight_K=balanced_weights(self.class_balance, pixels_K),
            ignore_label=parser.taxonomy.ignore_index,
        )
        return RegionClassificationTerm(loss)
