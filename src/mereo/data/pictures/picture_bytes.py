"""A picture as the bytes of a file."""

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image


def picture_bytes(picture: Image.Image | np.ndarray, kind: str, **options: Any) -> bytes:
    """`kind` and `options` as Pillow has them. Whoever wants a file writes these bytes: of what Pillow's JPEG writes to
    a full disk itself, the last part may be missing without an error.

    >>> picture_bytes(np.zeros((1, 1, 3), np.uint8), "PNG")[:4]
    b'\\x89PNG'
    """
    content = BytesIO()
    picture = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
    picture.save(content, format=kind, **options)
    return content.getvalue()
