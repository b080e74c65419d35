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
