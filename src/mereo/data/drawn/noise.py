"""Soft noise without borders, looked up in tiles that are made once a process."""

from functools import lru_cache

import numpy as np

TILE_TEXELS = 1024
FEATURE_TEXELS = (4, 16, 64, 256)
# Added before truncation, so that negative coordinates are rounded down as well; a multiple of the tile.
_POSITIVE = np.float32(1024 * 128)


@lru_cache(maxsize=len(FEATURE_TEXELS))
def noise_tile(feature_texels: int) -> np.ndarray:
    """A periodic cloud with mean 0.5, whose coarsest blobs are about `feature_texels` wide."""
    generator = np.random.default_rng([7, feature_texels])
    frequency = np.fft.fftfreq(TILE_TEXELS) * TILE_TEXELS
    squared_HW = frequency[:, None] ** 2 + frequency[None, : TILE_TEXELS // 2 + 1] ** 2
    amplitude_HW = ((TILE_TEXELS / feature_texels) ** 2 / 4 + squared_HW) ** -0.95
    amplitude_HW[0, 0] = 0
    phases_HW = generator.uniform(0, 2 * np.pi, amplitude_HW.shape)
    tile_HW = np.fft.irfft2(amplitude_HW * np.exp(1j * phases_HW), s=(TILE_TEXELS, TILE_TEXELS))
    return np.clip(0.5 + 0.2 * tile_HW / tile_HW.std(), 0, 1).astype(np.float32)


@lru_cache(maxsize=1)
def _white_tile() -> np.ndarray:
    return np.random.default_rng(11).random((256, 256), dtype=np.float32)


def noise(u_HW: np.ndarray, v_HW: np.ndarray, *, scale: float, pixel: float) -> np.ndarray:
    """Noise in 0..1 at (u, v) with blobs of size `scale`; `pixel` is the size of a pixel in the same unit.

    It takes the finest tile whose texels are no larger than a pixel, so that nearest-texel look-up is enough.
    """
    wanted = scale / max(pixel, 1e-9)
    feature = next((f for f in FEATURE_TEXELS if f >= wanted), FEATURE_TEXELS[-1])
    factor = np.float32(feature / scale)
    rows = (v_HW * factor + _POSITIVE).astype(np.int32) & (TILE_TEXELS - 1)
    columns = (u_HW * factor + _POSITIVE).astype(np.int32) & (TILE_TEXELS - 1)
    return noise_tile(feature).take(rows * TILE_TEXELS + columns)


def cell_noise(row_HW: np.ndarray, column_HW: np.ndarray, salt: int = 0) -> np.ndarray:
    """One number in 0..1 for each cell of a grid: the tint of a brick, a plank, a window pane."""
    rows = row_HW.astype(np.int32) * 37 + salt
    columns = column_HW.astype(np.int32) * 11 + rows * 5
    return _white_tile().take((rows & 255) * 256 + (columns & 255))
