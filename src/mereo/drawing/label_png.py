"""Label maps as PNG files: class indices as pixel values, with a palette, so that any viewer shows them in colour."""

from pathlib import Path

import numpy as np
from PIL import Image

from mereo.atomic_files import atomic_path
from mereo.errors import BadInput

MAX_PALETTE = 256
MAX_WIDE = 65536


def write_label_png(path: str | Path, label_HW: np.ndarray, colours_K3: np.ndarray) -> Path:
    """Mode P with the classes' colours up to 256 classes, 16-bit grey (no palette in PNG) beyond.

    Read back with `np.asarray(Image.open(path))`: the same numbers.
    """
    highest = int(label_HW.max()) if label_HW.size else -1
    if highest < 0 or int(label_HW.min()) < 0 or highest >= min(MAX_WIDE, max(len(colours_K3), 1)):
        got = f"{int(label_HW.min())}..{highest}" if label_HW.size else "an empty map"
        raise BadInput(
            f"a label map must hold indices from 0 to {len(colours_K3) - 1}, but got {got} for {path}; "
            "pass the taxonomy it belongs to."
        )
    if len(colours_K3) <= MAX_PALETTE:
        picture = Image.fromarray(label_HW.astype(np.uint8))
        picture.putpalette(colours_K3.astype(np.uint8).tobytes())
    else:
        picture = Image.fromarray(label_HW.astype(np.uint16))
    with atomic_path(path) as temporary:
        picture.save(temporary, format="PNG")
    return Path(path)
