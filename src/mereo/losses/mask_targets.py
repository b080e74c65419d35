"""What queries should find in a picture: one mask a class, or one a thing and one a class of stuff."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from mereo.losses.checked_labels import checked_labels
from mereo.shapes import require_shapes

TargetKind = Literal["semantic", "panoptic", "instance"]


@dataclass(frozen=True)
class MaskTargets:
    """M true masks of one picture and their classes. Where `is_labelled_HW` is False nothing is known: no mask lies
    there, and no loss looks there."""

    class_M: Tensor
    mask_MHW: Tensor
    is_labelled_HW: Tensor


def semantic_targets(label_HW: Tensor, *, num_classes: int, ignore_label: int) -> MaskTargets:
    """One mask for each class in the picture.

    >>> targets = semantic_targets(torch.tensor([[2, 2, 0, 255]]), num_classes=3, ignore_label=255)
    >>> targets.class_M.tolist(), targets.mask_MHW.int().tolist(), targets.is_labelled_HW.int().tolist()
    ([0, 2], [[[0, 0, 1, 0]], [[1, 1, 0, 0]]], [[1, 1, 1, 0]])
    """
    label_HW, is_labelled_HW = checked_labels(label_HW, num_classes=num_classes, ignore_label=ignore_label)
    class_M = label_HW[is_labelled_HW].unique()
    return MaskTargets(class_M, label_HW == class_M[:, None, None], is_labelled_HW)


def segment_targets(
    label_HW: Tensor,
    instances_HW: Tensor,
    *,
    is_thing_K: Tensor,
    ignore_label: int,
    kind: Literal["panoptic", "instance"],
) -> MaskTargets:
    """One mask for each instance of a thing; with `panoptic` also one for each class of stuff.

    Pixels of a thing that belong to no instance (a crowd) count as unlabelled. With `instance`, stuff is background.
    """
    require_shapes(label_HW=label_HW, instances_HW=instances_HW, is_thing_K=is_thing_K)
    label_HW, is_labelled_HW = checked_labels(label_HW, num_classes=len(is_thing_K), ignore_label=ignore_label)
    is_thing_HW = is_thing_K[label_HW.masked_fill(~is_labelled_HW, 0)] & is_labelled_HW
    ids_HW = instances_HW.long() * is_thing_HW  # Ids on stuff tell nothing: stuff is one mask.
    is_labelled_HW = is_labelled_HW & (~is_thing_HW | (ids_HW > 0))
    is_wanted_HW = is_labelled_HW if kind == "panoptic" else is_labelled_HW & is_thing_HW
    # A thing is a pair of class and id: data sets may number the things of each class anew.
    key_HW = label_HW * (ids_HW.amax() + 1) + ids_HW
    key_M = key_HW[is_wanted_HW].unique()
    mask_MHW = (key_HW == key_M[:, None, None]) & is_wanted_HW
    return MaskTargets(torch.div(key_M, ids_HW.amax() + 1, rounding_mode="floor"), mask_MHW, is_labelled_HW)
