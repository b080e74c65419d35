"""Instances: things of one picture with class, box and mask. From labels, or from a detector; plain numpy.

Labels come as two maps, `semantic_HW` and `instances_HW` (data/sample.py). An instance is the pixels of one
id that carry one class of things: data sets may number the things of each class anew.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mereo.data.run_lengths import RunLengths, run_lengths
from mereo.data.sample import Sample
from mereo.data.taxonomy import Taxonomy
from mereo.errors import BadInput


# Compared as an object: arrays have no one answer to "equal".
@dataclass(frozen=True, eq=False)
class Instances:
    """`label_N` counts among the things only. Boxes are left, top, right, bottom in pixels, the last two exclusive.

    `score_N` is 1 for labels.
    """

    size: tuple[int, int]
    label_N: np.ndarray
    score_N: np.ndarray
    boxes_N4: np.ndarray
    masks: tuple[RunLengths, ...]

    def __len__(self) -> int:
        return len(self.masks)


@dataclass(frozen=True)
class InstanceTargets:
    """What a detector learns from, for one image: `label_N` counts among the things, `boxes_N4` as in `Instances`."""

    label_N: Tensor
    boxes_N4: Tensor
    mask_NHW: Tensor


def thing_indices(taxonomy: Taxonomy) -> tuple[int, ...]:
    """Which classes are things, in index order; at least one must be."""
    if not taxonomy.things:
        raise BadInput(
            f"a taxonomy must name things to have instances, but got none in {taxonomy.name}; "
            "write `thing: true` at classes that can be counted."
        )
    return taxonomy.things


def things_in(semantic_HW: Tensor, instances_HW: Tensor, things: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """The class of each thing (counted among `things`), and which of them a pixel belongs to, -1 where to none.

    Sorted by class, then by id. Pixels without an id (0), crowds for one, belong to none.

    >>> things_in(torch.tensor([[0, 2, 1, 2, 2]]), torch.tensor([[5, 5, 5, 9, 0]]), (1, 2))
    (tensor([0, 1, 1]), tensor([[-1,  1,  0,  2, -1]]))
    """
    things_K = torch.tensor(things, device=semantic_HW.device)
    position_HW = torch.searchsorted(things_K, semantic_HW.long().contiguous()).clamp(max=len(things) - 1)
    is_thing_HW = (things_K[position_HW] == semantic_HW) & (instances_HW > 0)
    id_P = instances_HW[is_thing_HW].long()
    num_ids = int(id_P.max()) + 1 if len(id_P) else 1
    key_N, rank_P = torch.unique(position_HW[is_thing_HW] * num_ids + id_P, return_inverse=True)
    thing_HW = torch.full_like(position_HW, -1)
    thing_HW[is_thing_HW] = rank_P
    return torch.div(key_N, num_ids, rounding_mode="floor"), thing_HW


def instance_targets(semantic_HW: Tensor, instances_HW: Tensor, things: tuple[int, ...]) -> InstanceTargets:
    """All things of one image as boxes and masks, on the maps' device."""
    semantic_HW, instances_HW = semantic_HW.as_subclass(Tensor), instances_HW.as_subclass(Tensor)
    label_N, thing_HW = things_in(semantic_HW, instances_HW, things)
    mask_NHW = thing_HW == torch.arange(len(label_N), device=thing_HW.device)[:, None, None]
    return InstanceTargets(label_N, boxes_around(mask_NHW), mask_NHW)


def boxes_around(mask_NHW: Tensor) -> Tensor:
    """The smallest box around each mask, which must have a pixel.

    >>> boxes_around(torch.tensor([[[0, 0, 0], [0, 1, 1]]]) > 0)
    tensor([[1., 1., 3., 2.]])
    """
    sides = []
    for across in (2, 1):
        has_pixel_NL = mask_NHW.any(dim=3 - across).int()
        sides.append((has_pixel_NL.argmax(dim=1), has_pixel_NL.shape[1] - has_pixel_NL.flip(1).argmax(dim=1)))
    (left_N, right_N), (top_N, bottom_N) = sides
    return torch.stack([left_N, top_N, right_N, bottom_N], dim=1).float()


def labelled_instances(sample: Sample, things: tuple[int, ...]) -> Instances:
    """The things of a labelled sample, at its own size; one mask at a time, since a photograph may be large."""
    semantic_HW, instances_HW = require_instances(sample)
    label_N, thing_HW = things_in(semantic_HW, instances_HW, things)
    boxes, masks = [], []
    for number in range(len(label_N)):
        mask_HW = thing_HW == number
        boxes.append(boxes_around(mask_HW[None])[0].numpy())
        masks.append(run_lengths(mask_HW.numpy()))
    return Instances(
        size=sample.size,
        label_N=label_N.numpy(),
        score_N=np.ones(len(masks), dtype=np.float32),
        boxes_N4=np.array(boxes, dtype=np.float32).reshape(-1, 4),
        masks=tuple(masks),
    )


def require_instances(sample: Sample) -> tuple[Tensor, Tensor]:
    """The two maps that instances come from, or an error that names the sample."""
    if sample.semantic_HW is None or sample.instances_HW is None:
        missing = "classes" if sample.semantic_HW is None else "instances"
        raise BadInput(
            f"every sample must have a label map of classes and one of instances, but got no {missing} in "
            f"{sample.name}; choose data with instances."
        )
    return sample.semantic_HW.as_subclass(Tensor), sample.instances_HW.as_subclass(Tensor)
