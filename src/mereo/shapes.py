"""Tensor names end in their axes (`features_BCHW`); `require_shapes` executes these names.

>>> import torch
>>> require_shapes(features_BCHW=torch.zeros(2, 8, 4, 4), label_BHW=torch.zeros(2, 4, 4))
>>> require_shapes(features_BCHW=torch.zeros(2, 8, 4, 4), label_BHW=torch.zeros(3, 4, 4))
Traceback (most recent call last):
...
mereo.errors.BadInput: axis B must have one size everywhere, but got 2 in features_BCHW and 3 in label_BHW;
pass tensors of one batch.
"""

import re
from typing import Any

from mereo.errors import BadInput


def require_shapes(**named_tensors: Any) -> None:
    """Check that each tensor has the axes in its name's suffix and that one letter has one size in all of them.

    Lower-case letters are axes of their own (`h`, `w`: a coarser grid than `H`, `W`); a digit is an axis of that size.
    """
    seen: dict[str, tuple[int, str]] = {}
    for name, tensor in named_tensors.items():
        axes = re.fullmatch(r".*_([A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*)", name)
        if axes is None:
            raise BadInput(f"tensor name must end in its axes, but got {name!r}; write e.g. features_BCHW.")
        letters, shape = axes.group(1), tuple(tensor.shape)
        if len(letters) != len(shape):
            raise BadInput(
                f"{name} must have {len(letters)} axes ({letters}), but got shape {shape}; check its layout."
            )
        for letter, size in zip(letters, shape):
            if letter.isdecimal():
                if size != int(letter):
                    raise BadInput(f"{name} must have {letter} along its axis {letter}, but got shape {shape}; fix it.")
                continue
            known_size, known_name = seen.setdefault(letter, (size, name))
            if known_size != size:
                raise BadInput(
                    f"axis {letter} must have one size everywhere, but got {known_size} in {known_name} "
                    f"and {size} in {name}; pass tensors of one batch."
                )


def require_image(image_HWC: Any, *, name: str = "") -> None:
    """A photograph as every parser takes it: H x W x 3 uint8, with pixels in it. `name` says whose."""
    import numpy  # Names of axes are checked where no array is ever made.

    if not isinstance(image_HWC, numpy.ndarray):
        got = type(image_HWC).__name__
    elif image_HWC.ndim == 3 and image_HWC.shape[2] == 3 and image_HWC.dtype == numpy.uint8 and image_HWC.size:
        return
    else:
        got = f"{image_HWC.shape} {image_HWC.dtype}"
    where = f" in {name}" if name else ""
    raise BadInput(
        f"an image must be an array H x W x 3 uint8 with pixels in it, but got {got}{where}; convert it to RGB."
    )


def require_point(x: int, y: int, size: tuple[int, ...]) -> None:
    """A pixel of a picture of `size` (height, width)."""
    height, width = size
    if not (0 <= x < width and 0 <= y < height):
        raise BadInput(f"a point must lie in the picture of {width}x{height}, but got {x},{y}; choose another.")
