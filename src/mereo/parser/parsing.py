"""From one photograph to its Parse: working size, scales and flips, heads' answers, labels at the photograph's size."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mereo.assembly.parse import Parse
from mereo.assembly.upsampled_labels import labels_of_scores
from mereo.errors import BadInput
from mereo.heads.pixel_classes import PixelClassesPrediction
from mereo.parser.preprocessing import working_size

if TYPE_CHECKING:
    from mereo.parser.scene_parser import SceneParser


@torch.inference_mode()
def parse_image(
    parser: "SceneParser",
    image_HWC: np.ndarray,
    *,
    name: str = "image",
    scales: Sequence[float] = (1.0,),
    flip: bool = False,
    working_side: int | None = None,
    with_confidence: bool = False,
) -> Parse:
    is_array = isinstance(image_HWC, np.ndarray)
    if not is_array or image_HWC.shape[2:] != (3,) or image_HWC.dtype != np.uint8 or 0 in image_HWC.shape:
        got = f"{image_HWC.shape} {image_HWC.dtype}" if is_array else type(image_HWC).__name__
        raise BadInput(
            f"an image must be an array H x W x 3 uint8 with pixels in it, but got {got} in {name}; convert it to RGB."
        )
    if not isinstance(scales, Iterable) or not (scales := tuple(scales)) or any(not 0 < s <= 8 for s in scales):
        raise BadInput(f"scales must be one or more numbers in (0, 8], but got {scales!r}; e.g. (0.75, 1.0, 1.25).")
    if working_side is not None and working_side < 1:
        raise BadInput(f"working_side must be at least 1 pixel, but got {working_side}; e.g. 480.")
    size = (image_HWC.shape[0], image_HWC.shape[1])
    was_training = parser.training
    parser.eval()
    try:
        scores_Khw, is_probability = _scores(
            parser, image_HWC, working_size(size, working_side or parser.preprocessing.working_side), scales, flip
        )
        confidence = None
        if with_confidence:
            semantic, confidence = labels_of_scores(
                scores_Khw, size, with_confidence=True, are_logits=not is_probability
            )
        else:
            semantic = labels_of_scores(scores_Khw, size, are_logits=not is_probability)
    finally:
        parser.train(was_training)
    return Parse(image_HWC=image_HWC, semantic=semantic, taxonomy=parser.taxonomy, name=name, confidence=confidence)


def _scores(
    parser: "SceneParser", image_HWC: np.ndarray, size: tuple[int, int], scales: Sequence[float], flip: bool
) -> tuple[Tensor, bool]:
    """Logits of the head for one plain pass; else the mean of the probabilities on the largest scale's grid."""
    device = parser.mean_311.device
    # Read-only arrays (memory maps, other libraries) are fine: torch only reads them.
    image_1CHW = torch.from_numpy(np.array(image_HWC)).permute(2, 0, 1)[None].to(device)
    if tuple(scales) == (1.0,) and not flip:
        return _logits_of(parser, _resized_image(image_1CHW, size))[0], False
    probabilities = _probabilities(parser, image_1CHW, size, scales, flip)
    total_1Khw = next(probabilities)
    for probability_1Khw in probabilities:
        total_1Khw += F.interpolate(probability_1Khw, size=total_1Khw.shape[-2:], mode="bilinear", align_corners=False)
    return total_1Khw[0] / (len(scales) * (2 if flip else 1)), True


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
