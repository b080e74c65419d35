"""The loss on concept regions: a parser with concept tokens learns which components of the labels they are."""

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from mereo.data.batches import Batch
from mereo.errors import BadInput
from mereo.losses.concept_regions import ConceptRegions, Union
from mereo.parser.scene_parser import SceneAnswers, SceneParser
from mereo.parser.terms.loss_settings import OneTermLoss
from mereo.reasoning.concept_tokens import ConceptEvidence, ConceptTokens


class ConceptRegionsTerm(nn.Module):
    """The concept regions of every concept_tokens stage on the path against the components of the classes (mean)."""

    def __init__(self, loss: ConceptRegions) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, answers: SceneAnswers, batch: Batch) -> Tensor:
        label_BHW = batch.required("semantic_BHW")
        terms = [self.loss(one.weight_BKHW, label_BHW) for one in answers.evidence_of(ConceptEvidence)]
        return sum(terms[1:], start=terms[0]) / len(terms)


class ConceptRegionsConfig(OneTermLoss):
    loss: Literal["concept_regions"] = "concept_regions"
    weight: float = Field(0.25, ge=0, description="beta")
    total: int = Field(64, ge=1, description="L, concepts that an image may show")
    dice_weight: float = Field(1.0, ge=0, description="rho")
    cosine_weight: float = Field(1.0, ge=0, description="gamma")
    union: Union = Field("noisy_or", description="clamped_sum: as printed, but at most 1")
    min_fraction: float = Field(0.05, ge=0, le=1, description="of the largest component's area")
    opens: bool = Field(False, description="3x3 opening of the labels before components are sought")

    def build(self, parser: SceneParser, pixels_K: Tensor | None) -> ConceptRegionsTerm:
        if not parser.stages_of(ConceptTokens):
            raise BadInput(
                "concept_regions must have a concept_tokens stage on the path, but got none; add it, or leave the "
                "loss out."
            )
        loss = ConceptRegions(
            total=self.total,
            dice_weight=self.dice_weight,
            cosine_weight=self.cosine_weight,
            union=self.union,
            min_fraction=self.min_fraction,
            opens=self.opens,
            ignore_label=parser.taxonomy.ignore_index,
        )
        return ConceptRegionsTerm(loss)
