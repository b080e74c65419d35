"""The losses on a perceptual head: one cross-entropy a task, each over what carries its labels. Equation 12 of DGM."""

from typing import Literal

from pydantic import Field
from torch import Tensor, nn

from mereo.data.batches import NO_WORD, Batch
from mereo.data.part_slices import NO_ENTRY, PartSlices, part_slices
from mereo.errors import BadInput
from mereo.heads.perceptual import Perceptual, PerceptualPrediction
from mereo.losses.summed_loss import (
    SummedLoss,
    TaskLoss,
    at_size_of,
    nothing_labelled,
    summed_cross_entropy,
    summed_slice_cross_entropy,
)
from mereo.parser.scene_parser import SceneAnswers, SceneParser
from mereo.parser.terms.loss_settings import ClassBalance, NamedTerms, balanced_weights
from mereo.strict import StrictConfig


class ObjectsTerm(nn.Module):
    class_weight_K: Tensor | None

    def __init__(self, *, class_weight_K: Tensor | None, ignore_label: int) -> None:
        super().__init__()
        self.register_buffer("class_weight_K", class_weight_K, persistent=False)
        self.ignore_label = ignore_label

    def forward(self, answers: SceneAnswers, batch: Batch) -> TaskLoss:
        logits_BKhw = answers.prediction(PerceptualPrediction).object_logits_BKhw
        return _of_pixels(logits_BKhw, batch.semantic_BHW, self.ignore_label, self.class_weight_K).mean()


class MaterialsTerm(nn.Module):
    def __init__(self, *, ignore_label: int) -> None:
        super().__init__()
        self.ignore_label = ignore_label

    def forward(self, answers: SceneAnswers, batch: Batch) -> TaskLoss:
        logits_BKhw = _there(answers.prediction(PerceptualPrediction).material_logits_BKhw)
        return _of_pixels(logits_BKhw, batch.material_BHW, self.ignore_label).mean()


class PartsTerm(nn.Module):
    """Within the slice of the true object; needs the labels of objects, too."""

    def __init__(self, slices: PartSlices) -> None:
        super().__init__()
        self.slices = slices

    def forward(self, answers: SceneAnswers, batch: Batch) -> TaskLoss:
        logits_BKhw = _there(answers.prediction(PerceptualPrediction).part_logits_BKhw)
        if batch.parts_BHW is None or batch.semantic_BHW is None:
            return nothing_labelled(logits_BKhw).mean()
        label_BHW = self.slices.labels(batch.semantic_BHW, batch.parts_BHW)
        return summed_slice_cross_entropy(logits_BKhw, label_BHW, self.slices.spans, ignore_label=NO_ENTRY).mean()


class ScenesTerm(nn.Module):
    def forward(self, answers: SceneAnswers, batch: Batch) -> TaskLoss:
        return _of_images(_there(answers.prediction(PerceptualPrediction).scene_logits_BK), batch.scene_B).mean()


class TexturesTerm(nn.Module):
    def forward(self, answers: SceneAnswers, batch: Batch) -> TaskLoss:
        return _of_images(_there(answers.prediction(PerceptualPrediction).texture_logits_BK), batch.texture_B).mean()


class PerceptualLossConfig(StrictConfig):
    """The weights are the paper's."""

    loss: Literal["perceptual"] = "perceptual"
    objects: float = Field(1.0, ge=0)
    parts: float = Field(0.5, ge=0)
    materials: float = Field(1.0, ge=0)
    scenes: float = Field(0.25, ge=0)
    textures: float = Field(1.0, ge=0)
    class_balance: ClassBalance = Field(0.0, description="of objects: weight = frequency ** -class_balance, mean 1")

    def terms(self, parser: SceneParser, pixels_K: Tensor | None) -> NamedTerms:
        """One named term a task of the head."""
        heads = parser.heads_of(Perceptual)
        if not heads:
            raise BadInput("perceptual must have a head of that name, but got none; add it, or leave the loss out.")
        head, taxonomy = heads[0], parser.taxonomy
        terms: dict[str, nn.Module] = {
            "objects": ObjectsTerm(
                class_weight_K=balanced_weights(self.class_balance, pixels_K), ignore_label=taxonomy.ignore_index
            )
        }
        slices = part_slices(taxonomy)
        if head.part is not None and slices is not None:
            terms["parts"] = PartsTerm(slices)
        if head.material is not None and taxonomy.materials is not None:
            terms["materials"] = MaterialsTerm(ignore_label=taxonomy.materials.ignore_index)
        if head.scene is not None:
            terms["scenes"] = ScenesTerm()
        if head.texture is not None:
            terms["textures"] = TexturesTerm()
        return {f"perceptual_{task}": (term, getattr(self, task)) for task, term in terms.items()}


def _of_pixels(
    logits_BKhw: Tensor, label_BHW: Tensor | None, ignore_label: int, class_weight_K: Tensor | None = None
) -> SummedLoss:
    if label_BHW is None:
        return nothing_labelled(logits_BKhw)
    logits_BKHW = at_size_of(logits_BKhw, label_BHW)
    return summed_cross_entropy(logits_BKHW, label_BHW, class_weight_K=class_weight_K, ignore_label=ignore_label)


def _of_images(logits_BK: Tensor, label_B: Tensor | None) -> SummedLoss:
    if label_B is None:
        return nothing_labelled(logits_BK)
    return summed_cross_entropy(logits_BK.float(), label_B, ignore_label=NO_WORD)


def _there(logits: Tensor | None) -> Tensor:
    if logits is None:
        raise BadInput("a task must be one of the head's to have a loss, but got another head; build the loss anew.")
    return logits
