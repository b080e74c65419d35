"""Class scores of one picture at its working size: one plain pass, or the mean over scales and the mirrored picture.

Pixel classes and perceptual heads give logits; mask queries, pyramids and sorted segments give probabilities, in which
the classes of each pixel sum to 1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mereo.errors import BadInput
from mereo.heads.class_scores import SaysClasses
from mereo.heads.head_traits import traits_of
from mereo.picture_sizes import scaled_size

if TYPE_CHECKING:
    from mereo.parser.scene_parser import SceneAnswers, SceneParser


@dataclass(frozen=True)
class ImageScores:
    """`scores_Khw` are probabilities or logits. `level_hw`: of a pyramid in one plain pass, which level spoke."""

    scores_Khw: Tensor
    are_probabilities: bool
    level_hw: Tensor | None = None


def answering_head(parser: "SceneParser") -> nn.Module | None:
    """The first head that says classes, which gives the parser's answer; None where none says that it does."""
    return next((head for head in parser.heads if traits_of(head).says_classes), None)


def image_scores(
    parser: "SceneParser", image_HWC: np.ndarray, size: tuple[int, int], scales: Sequence[float], flip: bool
) -> ImageScores:
    """Those of the head for one plain pass; else the mean of the probabilities on the largest scale's grid."""
    if tuple(scales) == (1.0,) and not flip:
        return scores_of(parser(prepared_image(parser, image_HWC, size)))
    image_1CHW = _on_device(parser, image_HWC)
    probabilities = _probabilities(parser, image_1CHW, size, scales, flip)
    total_1Khw = next(probabilities)
    for probability_1Khw in probabilities:
        total_1Khw += F.interpolate(probability_1Khw, size=total_1Khw.shape[-2:], mode="bilinear", align_corners=False)
    return ImageScores(total_1Khw[0] / (len(scales) * (2 if flip else 1)), are_probabilities=True)


def prepared_image(parser: "SceneParser", image_HWC: np.ndarray, size: tuple[int, int]) -> Tensor:
    """1 3 H W on the parser's device, at the given size."""
    return resized_image(_on_device(parser, image_HWC), size)


def _on_device(parser: "SceneParser", image_HWC: np.ndarray) -> Tensor:
    # torch only reads them, but warns at read-only arrays (memory maps, other libraries) and refuses negative strides,
    # which a side of one pixel may have in an array that counts as contiguous.
    flags, strides = image_HWC.flags, image_HWC.strides
    is_plain = flags.c_contiguous and flags.writeable and min(strides) >= 0
    pixels_HWC = image_HWC if is_plain else np.array(image_HWC)
    return torch.from_numpy(pixels_HWC).permute(2, 0, 1)[None].to(parser.mean_311.device)


def _probabilities(
    parser: "SceneParser", image_1CHW: Tensor, size: tuple[int, int], scales: Sequence[float], flip: bool
) -> Iterator[Tensor]:
    """One answer a scale and side, the largest scale first. In a mirror left and right are each other's names."""
    mirrored = list(parser.taxonomy.objects.mirrored)
    for scale in sorted(scales, reverse=True):
        scaled_1CHW = resized_image(image_1CHW, scaled_size(size, scale))
        for is_flipped in (False, True) if flip else (False,):
            found = scores_of(parser(scaled_1CHW.flip(-1) if is_flipped else scaled_1CHW))
            probability_Khw = found.scores_Khw if found.are_probabilities else found.scores_Khw.softmax(dim=0)
            yield (probability_Khw.flip(-1)[mirrored] if is_flipped else probability_Khw)[None]


def scores_of(answers: "SceneAnswers") -> ImageScores:
    """For one image, of the first prediction that says classes."""
    for prediction in answers.predictions:
        if isinstance(prediction, SaysClasses):
            found = prediction.class_scores()
            level_hw = None if found.level_Bhw is None else found.level_Bhw[0]
            return ImageScores(found.scores_BKhw[0].float(), found.are_probabilities, level_hw)
    present = ", ".join(type(prediction).__name__ for prediction in answers.predictions)
    raise BadInput(
        f"a parser must have a head whose prediction has class_scores(), but got {present}; add e.g. PixelClasses."
    )


def resized_image(image_BCHW: Tensor, size: tuple[int, int]) -> Tensor:
    """Antialiased, as in training (data/augmentation.py)."""
    if tuple(image_BCHW.shape[-2:]) == size:
        return image_BCHW
    # One channel after the other: a large photograph as floats is far larger than what becomes of it.
    resized = (
        F.interpolate(channel_B1HW.float(), size=size, mode="bilinear", align_corners=False, antialias=True)
        for channel_B1HW in image_BCHW.split(1, dim=1)
    )
    return torch.cat(tuple(resized), dim=1)
