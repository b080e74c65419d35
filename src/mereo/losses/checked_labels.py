"""What every loss on class indices asks of its labels before it looks at them."""

import torch
from torch import Tensor

from mereo.errors import BadInput


def checked_labels(label: Tensor, *, num_classes: int, ignore_label: int) -> tuple[Tensor, Tensor]:
    """Labels as int64, and where there is one.

    >>> label, is_labelled = checked_labels(torch.tensor([0, 255]), num_classes=2, ignore_label=255)
    >>> label.tolist(), is_labelled.tolist()
    ([0, 255], [True, False])
    """
    label = label.long()
    is_labelled = label != ignore_label
    is_outside = is_labelled & ((label < 0) | (label >= num_classes))
    if not torch.compiler.is_compiling() and bool(is_outside.any()):
        raise BadInput(
            f"labels must lie in 0..{num_classes - 1} or be {ignore_label}, but got {int(label[is_outside][0])}; "
            "run `mereo data check`."
        )
    return label, is_labelled
