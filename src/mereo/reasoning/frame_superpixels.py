"""A frame's superpixels as a reasoner needs them: on pixels and on cells, with their number in every image."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mereo.errors import BadInput
from mereo.features.feature_maps import Frame
from mereo.regions.nearest_places import nearest_places
from mereo.regions.working_superpixels import working_superpixels


@dataclass(frozen=True, eq=False)
class FrameSuperpixels:
    """The superpixels of a batch: `label_BHW` on pixels, `label_Bhw` on cells; `counts`, one an image."""

    label_BHW: Tensor
    label_Bhw: Tensor
    counts: tuple[int, ...]

    @property
    def most(self) -> int:
        return max(self.counts)

    @property
    def is_present_BR(self) -> Tensor:
        device = self.label_BHW.device
        count_B1 = torch.tensor(self.counts, device=device)[:, None]
        return torch.arange(self.most, device=device) < count_B1

    def label_at(self, size: tuple[int, int] | torch.Size) -> Tensor:
        """B h w: the superpixel at the middle of every cell of another grid."""
        if tuple(size) == tuple(self.label_Bhw.shape[1:]):
            return self.label_Bhw
        rows, columns = (torch.from_numpy(nearest_places(n, m)) for n, m in zip(self.label_BHW.shape[1:], size))
        device = self.label_BHW.device
        return self.label_BHW[:, rows.to(device)[:, None], columns.to(device)]


def frame_superpixels(frame: Frame, *, stride: int) -> FrameSuperpixels:
    """Those of a frame, each image's made to fit cells of `stride` pixels."""
    label_BHW = frame.superpixels_BHW
    if label_BHW is None or tuple(label_BHW.shape[1:]) != frame.image_size:
        got = "none" if label_BHW is None else f"{tuple(label_BHW.shape)} for {frame.image_size}"
        raise BadInput(
            f"a frame must have superpixels of the picture's size for this stage, but got {got}; parse with a "
            "SceneParser, or pass Frame(superpixels_BHW=...)."
        )
    size = (-(-frame.image_size[0] // stride), -(-frame.image_size[1] // stride))
    found = [working_superpixels(label_HW, size) for label_HW in label_BHW.cpu().numpy()]
    return FrameSuperpixels(
        label_BHW=torch.from_numpy(np.stack([one.label_HW for one in found])).to(label_BHW.device),
        label_Bhw=torch.from_numpy(np.stack([one.label_hw for one in found])).to(label_BHW.device),
        counts=tuple(one.num_regions for one in found),
    )
