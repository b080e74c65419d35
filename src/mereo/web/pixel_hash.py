"""The same photograph is the same pixels, whatever its file was called or how it was packed."""

import hashlib

import numpy as np

NUM_BYTES = 8


def pixel_hash(image_HWC: np.ndarray) -> str:
    """16 hexadecimal digits.

    >>> pixel_hash(np.zeros((1, 2, 3), np.uint8)) == pixel_hash(np.zeros((2, 1, 3), np.uint8))
    False
    """
    digest = hashlib.blake2b(repr((image_HWC.shape, image_HWC.dtype.str)).encode(), digest_size=NUM_BYTES)
    digest.update(np.ascontiguousarray(image_HWC).data)
    return digest.hexdigest()
