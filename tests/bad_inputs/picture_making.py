"""What the makers of pictures share: the shape of a good image, smooth and noisy pixels, and saving to bytes."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 24, 40
# What a JPEG or a lossy WEBP may change in a smooth picture.
LOSSY = 12


@dataclass(frozen=True)
class GoodImage:
    suffix: str
    content: bytes
    shown_HW3: np.ndarray
    tolerance: int = 0


def smooth_HW3(random: np.random.Generator, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Two colours that run into each other: no two rows, columns or channels alike, and JPEG keeps it."""
    start, end = random.integers(20, 100, 3), random.integers(150, 235, 3)
    share_HW1 = (np.arange(height)[:, None] / height * 0.7 + np.arange(width)[None, :] / width * 0.3)[..., None]
    return np.rint(start + (end - start) * share_HW1).astype(np.uint8)


def noise_HW3(random: np.random.Generator) -> np.ndarray:
    return random.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def saved(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, file_format, **options)
    return stream.getvalue()


def as_grey(grey_HW: np.ndarray) -> np.ndarray:
    return np.repeat(grey_HW[..., None], 3, axis=-1).astype(np.uint8)


def on_white(rgb_HW3: np.ndarray, alpha_HW: np.ndarray) -> np.ndarray:
    share_HW1 = alpha_HW[..., None] / 255
    return np.rint(rgb_HW3 * share_HW1 + 255 * (1 - share_HW1)).astype(np.uint8)
