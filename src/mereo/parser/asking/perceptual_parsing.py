"""What a perceptual head says of a photograph beside its objects: parts, materials, texture, scene. One plain pass."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from mereo.assembly.part_decision import parts_within_objects
from mereo.assembly.upsampled_labels import labels_of_scores
from mereo.data.part_slices import part_slices
from mereo.data.taxonomy import Taxonomy
from mereo.heads.perceptual import Perceptual, PerceptualPrediction

if TYPE_CHECKING:
    from mereo.parser.scene_parser import SceneAnswers


@dataclass(frozen=True, eq=False)
class PerceptualAnswers:
    """Maps at the photograph's size; None for what the head does not answer.

    `image_texture` is the texture of the whole picture.
    """

    parts_HW: np.ndarray | None = None
    materials_HW: np.ndarray | None = None
    texture_HW: np.ndarray | None = None
    scene: int | None = None
    image_texture: int | None = None


def has_perceptual(parser: object) -> bool:
    heads = getattr(parser, "heads", ())
    return any(isinstance(head, Perceptual) for head in heads)


def perceptual_answers(answers: "SceneAnswers", semantic_HW: np.ndarray, taxonomy: Taxonomy) -> PerceptualAnswers:
    """Parts are decided within the objects of `semantic_HW`, whichever head or however many passes said these."""
    prediction = answers.prediction_or_none(PerceptualPrediction)
    if prediction is None:
        return PerceptualAnswers()
    size = (semantic_HW.shape[0], semantic_HW.shape[1])
    slices, parts_HW = part_slices(taxonomy), None
    if prediction.part_logits_BKhw is not None and slices is not None and taxonomy.parts is not None:
        logits_Khw = prediction.part_logits_BKhw[0].float()
        parts_HW = parts_within_objects(logits_Khw, semantic_HW, slices, ignore_index=taxonomy.parts.ignore_index)
    return PerceptualAnswers(
        parts_HW=parts_HW,
        materials_HW=_labels(prediction.material_logits_BKhw, size),
        texture_HW=_labels(prediction.texture_logits_BKhw, size),
        scene=_likeliest(prediction.scene_logits_BK),
        image_texture=_likeliest(prediction.texture_logits_BK),
    )


def _labels(logits_BKhw: Tensor | None, size: tuple[int, int]) -> np.ndarray | None:
    return None if logits_BKhw is None else labels_of_scores(logits_BKhw[0].float(), size)


def _likeliest(logits_BK: Tensor | None) -> int | None:
    return None if logits_BK is None else int(logits_BK[0].argmax())
