"""The camera's own marks: exposure, tint, vignette, softness and grain. Labels stay as they are."""

import numpy as np
from PIL import Image, ImageFilter

from mereo.data.drawn.colours import Rng


def finished(image_HW3: np.ndarray, rng: Rng, grain_rng: Rng) -> np.ndarray:
    """The picture as 8-bit values. `rng` chooses the settings, `grain_rng` draws the noise of each pixel."""
    height, width = image_HW3.shape[:2]
    exposure, contrast = rng.uniform(0.88, 1.12), rng.uniform(0.9, 1.12)
    warmth, saturation = rng.normal(0, 0.025), rng.uniform(0.85, 1.15)
    vignette, softness, grain = rng.uniform(0, 0.22), rng.uniform(0, 0.65), 0.004 + 0.018 * rng.random() ** 2
    tint = np.array([1 + warmth, 1, 1 - warmth], dtype=np.float32) * np.float32(exposure)
    image_HW3 = image_HW3 * tint
    grey_HW1 = image_HW3.mean(axis=2, keepdims=True)
    image_HW3 = grey_HW1 + np.float32(saturation) * (image_HW3 - grey_HW1)
    image_HW3 = np.float32(0.46) + np.float32(contrast) * (image_HW3 - np.float32(0.46))
    # Highlights roll off softly instead of clipping.
    is_bright = image_HW3 > 0.8
    image_HW3[is_bright] = 0.8 + 0.2 * np.tanh((image_HW3[is_bright] - 0.8) / 0.2)
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    image_HW3 = image_HW3 * (1 - np.float32(vignette) * (x**2 + y**2) / 2)[..., None]
    soft = Image.fromarray(_as_bytes(image_HW3)).filter(ImageFilter.GaussianBlur(softness * (height + width) / 560))
    noise_HW3 = grain_rng.standard_normal((height, width, 1), dtype=np.float32) * np.float32(grain)
    if grain > 0.01:
        noise_HW3 = noise_HW3 + grain_rng.standard_normal((height, width, 3), dtype=np.float32) * np.float32(
            grain * 0.4
        )
    return _as_bytes(np.asarray(soft, dtype=np.float32) / np.float32(255) + noise_HW3)


def _as_bytes(image_HW3: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(image_HW3, 0, 1) * 255).astype(np.uint8)
