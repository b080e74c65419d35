"""A detector's answers, in pixels of what the parser saw, as instances at the photograph's size."""

import numpy as np
import torch
from torch import Tensor
from torchvision.models.detection.roi_heads import paste_masks_in_image

from mereo.data.instances import Instances
from mereo.data.run_lengths import RunLengths, run_lengths
from mereo.heads.mask_rcnn import DetectedThings

MASK_THRESHOLD = 0.5


def instances_at_size(answer: DetectedThings, *, working: tuple[int, int], size: tuple[int, int]) -> Instances:
    """Boxes are scaled; masks are drawn straight at the photograph's size, where their edges are sharpest."""
    height, width = size[0] / working[0], size[1] / working[1]
    boxes_N4 = answer.boxes_N4.float().cpu() * torch.tensor([width, height, width, height])
    probability_Nhw = answer.mask_probability_Nhw.float().cpu()
    return Instances(
        size=size,
        label_N=answer.label_N.cpu().numpy(),
        score_N=answer.score_N.float().cpu().numpy(),
        boxes_N4=boxes_N4.numpy().astype(np.float32),
        masks=tuple(_drawn(mask_hw, box_4, size) for mask_hw, box_4 in zip(probability_Nhw, boxes_N4)),
    )


def _drawn(probability_hw: Tensor, box_4: Tensor, size: tuple[int, int]) -> RunLengths:
    # One at a time: a hundred masks of a photograph would be gigabytes.
    mask_11HW = paste_masks_in_image(probability_hw[None, None], box_4[None], size)
    return run_lengths((mask_11HW[0, 0] >= MASK_THRESHOLD).numpy())
