"""A mask as a PNG of one bit a pixel: white where it is true."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from mereo.atomic_files import write_bytes
from mereo.shapes import require_shapes


def write_mask_png(path: str | Path, mask_HW: np.ndarray) -> Path:
    require_shapes(mask_HW=mask_HW)
    content = BytesIO()
    Image.fromarray(mask_HW.astype(bool)).save(content, format="PNG")
    write_bytes(path, content.getvalue())
    return Path(path)
