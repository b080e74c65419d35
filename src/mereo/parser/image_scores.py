"""Class scores of one picture at its working size: one plain pass, or the mean over scales and the mirrored picture.

Pixel classes give logits; mask queries give probabilities, in which the classes of each pixel sum to 1.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mereo.heads.mask_queries import MaskQueriesPrediction
from mereo.heads.pixel_classes import PixelClassesPrediction

if TYPE_CHECKING:
    from mereo.parser.scene_parser import SceneParser


def image_scores(
    parser: "SceneParser", image_HWC: np.ndarray, size: tuple[int, int], scales: Sequence[float], flip: bool
) -> tuple[Tensor, bool]:
    """Scores K h w, and whether they are probabilities: those of the head for one plain pass; else the mean of the
    probabilities on the largest scale's grid."""
    if tuple(scales) == (1.0,) and not flip:
        scores_1Khw, is_probability = _scores_of(parser, prepared_image(parser, image_HWC, size))
        return scores_1Khw[0], is_probability
    image_1CHW = _on_device(parser, image_HWC)
    probabilities = _probabilities(parser, image_1CHW, size, scales, flip)
    total_1Khw = next(probabilities)
    for probability_1Khw in probabilities:
        total_1Khw += F.interpolate(probability_1Khw, size=total_1Khw.shape[-2:], mode="bilinear", align_corners=False)
    return total_1Khw[0] / (len(scales) * (2 if flip else 1)), True


def prepared_image(parser: "SceneParser", image_HWC: np.ndarray, size: tuple[int, int]) -> Tensor:
    """1 3 H W on the parser's device, at the given size."""
    return _resized_image(_on_device(parser, image_HWC), size)


def _on_device(parser: "SceneParser", image_HWC: np.ndarray) -> Tensor:
    # Read-only arrays (memory maps, other libraries) are fine: torch only reads them.
    return torch.from_numpy(np.array(image_HWC)).permute(2, 0, 1)[None].to(parser.mean_311.device)


def _probabilities(
    parser: "SceneParser", image_1CHW: Tensor, size: tuple[int, int], scales: Sequence[float], flip: bool
) -> Iterator[Tensor]:
    """One answer a scale and side, the largest scale first."""
    for scale in sorted(scales, reverse=True):
        scaled_1CHW = _resized_image(image_1CHW, (max(1, round(size[0] * scale)), max(1, round(size[1] * scale))))
        for is_flipped in (False, True) if flip else (False,):
            scores_1Khw, is_probability = _scores_of(parser, scaled_1CHW.flip(-1) if is_flipped else scaled_1CHW)
            probability_1Khw = scores_1Khw if is_probability else scores_1Khw.softmax(dim=1)
            yield probability_1Khw.flip(-1) if is_flipped else probability_1Khw


def _scores_of(parser: "SceneParser", image_BCHW: Tensor) -> tuple[Tensor, bool]:
    """Of the first head that says classes, and whether they are probabilities."""
    answers = parser(image_BCHW)
    for prediction in answers.predictions:
        if isinstance(prediction, MaskQueriesPrediction):
            return prediction.class_probability_BKhw, True
        if isinstance(prediction, PixelClassesPrediction):
            break
    return answers.prediction(PixelClassesPrediction).logits_BKhw.float(), False


def _resized_image(image_BCHW: Tensor, size: tuple[int, int]) -> Tensor:
    """Antialiased, as in training (data/augmentation.py)."""
    if tuple(image_BCHW.shape[-2:]) == size:
        return image_BCHW
    return F.interpolate(image_BCHW.float(), size=size, mode="bilinear", align_corners=False, antialias=True)
