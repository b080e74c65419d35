"""A mask as a PNG of one bit a pixel: white where it is true."""

from pathlib import Path

import numpy as np

from mereo.atomic_files import write_bytes
from mereo.data.pictures.picture_bytes import picture_bytes
from mereo.shapes import require_shapes


def mask_png(mask_HW: np.ndarray) -> bytes:
    require_shapes(mask_HW=mask_HW)
    return picture_bytes(mask_HW.astype(bool), "PNG")


def write_mask_png(path: str | Path, mask_HW: np.ndarray) -> Path:
    write_bytes(path, mask_png(mask_HW))
    return Path(path)
