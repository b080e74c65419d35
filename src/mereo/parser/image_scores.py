"""Class scores of one picture at its working size: one plain pass, or the mean over scales and the mirrored picture."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mereo.heads.pixel_classes import PixelClassesPrediction

if TYPE_CHECKING:
    from mereo.parser.scene_parser import SceneParser


def image_scores(
    parser: "SceneParser", image_HWC: np.ndarray, size: tuple[int, int], scales: Sequence[float], flip: bool
) -> tuple[Tensor, bool]:
    """Logits of the head for one plain pass; else the mean of the probabilities on the largest scale's grid."""
    if tuple(scales) == (1.0,) and not flip:
        return _logits_of(parser, prepared_image(parser, image_HWC, size))[0], False
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
            logits_1Khw = _logits_of(parser, scaled_1CHW.flip(-1) if is_flipped else scaled_1CHW)
            yield (logits_1Khw.flip(-1) if is_flipped else logits_1Khw).softmax(dim=1)


def _logits_of(parser: "SceneParser", image_BCHW: Tensor) -> Tensor:
    return parser(image_BCHW).prediction(PixelClassesPrediction).logits_BKhw.float()


def _resized_image(image_BCHW: Tensor, size: tuple[int, int]) -> Tensor:
    """Antialiased, as in training (data/augmentation.py)."""
    if tuple(image_BCHW.shape[-2:]) == size:
        return image_BCHW
    return F.interpolate(image_BCHW.float(), size=size, mode="bilinear", align_corners=False, antialias=True)
