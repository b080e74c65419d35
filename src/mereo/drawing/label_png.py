"""Label maps as PNG files: class indices as pixel values, with a palette, so that any viewer shows them in colour."""

from pathlib import Path

import numpy as np
from PIL import Image

from mereo.atomic_files import atomic_path
from mereo.errors import BadInput

MAX_PALETTE = 256
MAX_WIDE = 65536


def write_label_png(
    path: str | Path, label_HW: np.ndarray, colours_K3: np.ndarray, *, ignore_index: int | None = None
) -> Path:
    """Mode P with the classes' colours up to 256 classes, 16-bit grey (no palette in PNG) beyond.

    Read back with `np.asarray(Image.open(path))`: the same numbers. Pixels of the ignore index are transparent.
    """
    class_P = label_HW.ravel() if ignore_index is None else label_HW[label_HW != ignore_index]
    highest = int(class_P.max()) if class_P.size else -1 if ignore_index is None else 0
    if highest < 0 or int(label_HW.min()) < 0 or highest >= min(MAX_WIDE, max(len(colours_K3), 1)):
        got = f"{int(label_HW.min())}..{highest}" if label_HW.size else "an empty map"
        raise BadInput(
            f"a label map must hold indices from 0 to {len(colours_K3) - 1}, but got {got} for {path}; "
            "pass the taxonomy it belongs to."
        )
    if len(colours_K3) <= MAX_PALETTE:
        picture = Image.fromarray(label_HW.astype(np.uint8))
        palette = colours_K3.astype(np.uint8).tobytes()
        # Whole if some index lies beyond the classes: viewers make up a colour for places that a palette lacks.
        picture.putpalette(palette if ignore_index is None else palette.ljust(3 * MAX_PALETTE, b"\0"))
    else:
        picture = Image.fromarray(label_HW.astype(np.uint16))
    is_transparent = ignore_index is not None and len(colours_K3) < MAX_PALETTE
    with atomic_path(path) as temporary:
        picture.save(temporary, format="PNG", **({"transparency": ignore_index} if is_transparent else {}))
    return Path(path)
