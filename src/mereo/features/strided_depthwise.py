"""A depthwise convolution with stride that trains faster on a CPU in bfloat16: it goes in float32.

oneDNN has a fast backward pass of these in float32 and none in bfloat16 (torch 2.15, Intel Xeon). With the numbers cast
there and back one takes a third to a half of the time (`benchmarks/depthwise.py`).
"""

import torch
from torch import Tensor, nn

from mereo.features.cpu_training import trains_on_cpu


class StridedDepthwise(nn.Conv2d):
    """Weights, answers and state are those of the `nn.Conv2d` it stands for."""

    def forward(self, features_BCHW: Tensor) -> Tensor:
        if torch.is_autocast_enabled("cpu") and trains_on_cpu(features_BCHW, self.weight):
            with torch.autocast("cpu", enabled=False):
                answer_BChw = super().forward(features_BCHW.float())
            return answer_BChw.to(torch.get_autocast_dtype("cpu"))
        return super().forward(features_BCHW)


def is_strided_depthwise(convolve: nn.Conv2d) -> bool:
    return max(convolve.stride) > 1 and 1 < convolve.groups == convolve.in_channels == convolve.out_channels
