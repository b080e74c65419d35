"""The loss on a pyramid of answers: targets on the pyramid's grids, without what coarser levels have done."""

from typing import Literal

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from mereo.data.batches import Batch
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput
from mereo.heads.semantic_pyramid import SemanticPyramid, SemanticPyramidPrediction
from mereo.losses.checked_labels import checked_labels
from mereo.losses.done_by_coarser import Rule, relabel, semantic_pyramid_loss
from mereo.parser.scene_parser import SceneAnswers, SceneParser
from mereo.parser.terms.loss_settings import ClassBalance, OneTermLoss, balanced_weights
from mereo.regions.cells import pyramid_targets


class SemanticPyramidTerm(nn.Module):
    """Equation 1 on the pyramid's head. Without unities nothing can be done by coarser levels."""

    class_weight_K: Tensor | None

    def __init__(self, *, class_weight_K: Tensor | None, ignore_label: int, rule: Rule) -> None:
        super().__init__()
        self.register_buffer("class_weight_K", class_weight_K, persistent=False)
        self.ignore_label, self.rule = ignore_label, rule

    def forward(self, answers: SceneAnswers, batch: Batch) -> Tensor:
        prediction = answers.prediction(SemanticPyramidPrediction)
        cell_sizes, unity_logits = prediction.cell_sizes, prediction.unity_logits_per_level
        num_classes = prediction.logits_per_level[-1].shape[1]
        # Of each mixed cell one pixel is learned from: a label that no class has could hide among the others.
        label_BHW, _ = checked_labels(
            labels_of_whole_cells(batch.required("semantic_BHW"), prediction),
            num_classes=num_classes,
            ignore_label=self.ignore_label,
        )
        targets = pyramid_targets(label_BHW, cell_sizes, ignore_label=self.ignore_label)
        if unity_logits:
            targets = relabel(
                targets,
                prediction.unity_per_level,
                threshold=prediction.threshold,
                rule=self.rule,
                ignore_label=self.ignore_label,
            )
        return semantic_pyramid_loss(
            prediction.logits_per_level,
            unity_logits,
            targets,
            class_weight_K=self.class_weight_K,
            ignore_label=self.ignore_label,
        )


def labels_of_whole_cells(label_BHW: Tensor, prediction: SemanticPyramidPrediction) -> Tensor:
    """Labels at the size of the picture that the backbone saw (nearest)."""
    finest_BKhw, cell = prediction.logits_per_level[-1], prediction.cell_sizes[-1]
    size = (finest_BKhw.shape[-2] * cell, finest_BKhw.shape[-1] * cell)
    if tuple(label_BHW.shape[-2:]) == size:
        return label_BHW
    # Labels reach 65535, which float32 holds.
    return F.interpolate(label_BHW[:, None].float(), size=size, mode="nearest-exact")[:, 0].to(label_BHW.dtype)


class SemanticPyramidLossConfig(OneTermLoss):
    loss: Literal["semantic_pyramid"] = "semantic_pyramid"
    weight: float = Field(1.0, ge=0)
    class_balance: ClassBalance = 0.0
    rule: Rule = Field(
        "true_positive", description="what is done by coarser: raw (nothing), ground_truth (every true unit)"
    )

    def build(self, parser: SceneParser, pixels_K: Tensor | None) -> SemanticPyramidTerm:
        if not parser.heads_of(SemanticPyramid):
            raise BadInput(
                "semantic_pyramid must have a head of that name, but got none; add it, or leave the loss out."
            )
        taxonomy: Taxonomy = parser.taxonomy
        return SemanticPyramidTerm(
            class_weight_K=balanced_weights(self.class_balance, pixels_K),
            ignore_label=taxonomy.ignore_index,
            rule=self.rule,
        )
