"""Superpixels found once: kept on disk by the content of the picture, whatever its file is called."""

import hashlib
import json
import logging
import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from mereo.atomic_files import write_bytes
from mereo.cache_folder import cache_folder
from mereo.errors import BadEnvironment
from mereo.regions.superpixels import ALGORITHM_VERSION, Method, superpixels
from mereo.shapes import require_image

LOG = logging.getLogger("mereo")
COMPRESSION_LEVEL = 6


def cached_superpixels(image_HW3: np.ndarray, *, max_regions: int = 512, method: Method = "watershed") -> np.ndarray:
    """What `superpixels` gives, from the cache if these very pixels were asked for before.

    A file that is damaged or not ours is made anew, and a cache that cannot be written only costs time.
    """
    require_image(image_HW3)
    key = _key(image_HW3, max_regions=max_regions, method=method)
    path = cache_folder() / "superpixels" / key.hex()
    label_HW = _read(path, key, size=image_HW3.shape[:2])
    if label_HW is None:
        label_HW = superpixels(image_HW3, max_regions=max_regions, method=method)
        try:
            write_bytes(path, _packed(label_HW, key))
        except BadEnvironment:
            _warn_once(path.parent)
    return label_HW


def _key(image_HW3: np.ndarray, *, max_regions: int, method: str) -> bytes:
    asked = json.dumps([ALGORITHM_VERSION, method, max_regions, image_HW3.shape])
    digest = hashlib.blake2b(asked.encode(), digest_size=16)
    digest.update(image_HW3.tobytes())
    return digest.digest()


def _packed(label_HW: np.ndarray, key: bytes) -> bytes:
    """The key, then zlib's stream of each row's difference to the row above: nearly all 0 in superpixels."""
    differences_HW = np.diff(label_HW, axis=0, prepend=np.zeros_like(label_HW[:1])).astype("<i4")
    return key + zlib.compress(differences_HW.tobytes(), COMPRESSION_LEVEL)


def _read(path: Path, key: bytes, *, size: tuple[int, ...]) -> np.ndarray | None:
    """None where there is no such file or a broken one. No more is unpacked than a map of this size holds."""
    num_bytes = 4 * size[0] * size[1]
    try:
        content = path.read_bytes()
        stream = zlib.decompressobj()
        unpacked = stream.decompress(content[len(key) :], num_bytes + 1)
    except (OSError, zlib.error):
        return None
    if content[: len(key)] != key or len(unpacked) != num_bytes or not stream.eof:
        return None
    return np.frombuffer(unpacked, dtype="<i4").reshape(size).cumsum(axis=0, dtype=np.int32)


@lru_cache(maxsize=8)
def _warn_once(folder: Path) -> None:
    LOG.warning(
        "superpixels are found again each time, since %s cannot be written; free space, or set MEREO_CACHE.", folder
    )
