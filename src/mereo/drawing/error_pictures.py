"""Truth, answer and mistakes of one labelled photograph as small pictures that can be compared side by side."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from mereo.data.pictures.picture_bytes import picture_bytes
from mereo.drawing.overlay import outline, tinted
from mereo.picture_sizes import size_within
from mereo.regions.nearest_places import at_size
from mereo.shapes import require_shapes

MAX_SIDE = 640
CLASS_ALPHA = 0.75
# The same orange-red that stands for mistakes everywhere; dark grey pixels have no label.
MISTAKE, UNLABELLED = np.array([213, 70, 0]), np.array([38, 41, 46])


@dataclass(frozen=True)
class ErrorPictures:
    """JPEG files. `size` is width and height."""

    photograph: bytes
    truth: bytes
    answer: bytes
    mistakes: bytes
    size: tuple[int, int]


def error_pictures(
    image_HWC: np.ndarray,
    label_HW: np.ndarray,
    predicted_HW: np.ndarray,
    *,
    colours_K3: np.ndarray,
    ignore_index: int,
    max_side: int = MAX_SIDE,
) -> ErrorPictures:
    """At most `max_side` pixels long, so that many can be held and shown."""
    require_shapes(image_HWC=image_HWC, label_HW=label_HW, predicted_HW=predicted_HW)
    height, width = label_HW.shape
    size = size_within((width, height), max_side)
    label_hw, predicted_hw = (at_size(map_HW, size[::-1]) for map_HW in (label_HW, predicted_HW))
    image_hwC = image_HWC
    if size != (width, height):
        image_hwC = np.asarray(Image.fromarray(image_HWC).resize(size, Image.Resampling.LANCZOS))
    is_ignored_hw = label_hw == ignore_index
    return ErrorPictures(
        photograph=_jpeg(image_hwC),
        truth=_jpeg(_labels(image_hwC, label_hw, is_ignored_hw, colours_K3)),
        answer=_jpeg(_labels(image_hwC, predicted_hw, np.zeros_like(is_ignored_hw), colours_K3)),
        mistakes=_jpeg(draw_mistakes(image_hwC, label_hw, predicted_hw, ignore_index=ignore_index)),
        size=size,
    )


def draw_mistakes(
    image_HWC: np.ndarray, label_HW: np.ndarray, predicted_HW: np.ndarray, *, ignore_index: int
) -> np.ndarray:
    """H W 3 uint8: the photograph in pale grey where the answer is right, orange where it is wrong.

    >>> label_HW, predicted_HW = np.array([[0, 0, 9]]), np.array([[0, 1, 1]])
    >>> draw_mistakes(np.zeros((1, 3, 3), np.uint8), label_HW, predicted_HW, ignore_index=9)[0].tolist()
    [[150, 150, 150], [192, 63, 0], [34, 37, 41]]
    """
    grey_HW = (image_HWC.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32))[..., None]
    picture_HWC = np.repeat(150 + grey_HW * 0.4, 3, axis=2)
    # The photograph stays visible within a mistake, so that a reader sees what was mistaken.
    for is_drawn_HW, colour in ((label_HW != predicted_HW, MISTAKE), (label_HW == ignore_index, UNLABELLED)):
        picture_HWC[is_drawn_HW] = (0.9 + 0.1 * grey_HW[is_drawn_HW] / 255) * colour
    return np.rint(picture_HWC).astype(np.uint8)


def _labels(
    image_HWC: np.ndarray, label_HW: np.ndarray, is_ignored_HW: np.ndarray, colours_K3: np.ndarray
) -> np.ndarray:
    known_HW = np.where(is_ignored_HW, 0, label_HW)
    picture_HWC = tinted(image_HWC, known_HW, colours_K3, alpha=CLASS_ALPHA)
    picture_HWC[is_ignored_HW] = UNLABELLED
    outline(picture_HWC, np.where(is_ignored_HW, -1, label_HW))
    return picture_HWC


def _jpeg(picture_HWC: np.ndarray) -> bytes:
    """No colour subsampling: thin regions would fray."""
    return picture_bytes(picture_HWC, "JPEG", quality=85, subsampling=0)
