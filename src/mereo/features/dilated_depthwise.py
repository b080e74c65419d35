"""A dilated depthwise convolution that trains faster on a CPU: the grid falls into interleaved ones, without holes.

With dilation 2 a kernel only ever meets cells of one quarter of the grid: every second row, every second column. On
each of these quarters it is a plain convolution, for which oneDNN has a fast backward pass; for dilated ones it has
none (`benchmarks/depthwise.py`). A network at output stride 16 or 8 has such convolutions in its last blocks.

In bfloat16 this is no matter of time alone: there oneDNN's backward pass of the dilated ones (torch 2.15) takes memory
that nobody wrote into a few of the weights' gradients.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from mereo.features.cpu_training import trains_on_cpu


class DilatedDepthwise(nn.Conv2d):
    """Stride 1, as many pixels out as in; weights, answers and state are those of the `nn.Conv2d` it stands for."""

    def forward(self, features_BCHW: Tensor) -> Tensor:
        if trains_on_cpu(features_BCHW, self.weight):
            rows, columns = self.dilation
            return convolved_by_grids(features_BCHW, self.weight, self.bias, dilation=(rows, columns))
        return super().forward(features_BCHW)


def convolved_by_grids(
    features_BCHW: Tensor, weight_C1YX: Tensor, bias_C: Tensor | None = None, *, dilation: tuple[int, int]
) -> Tensor:
    """A depthwise convolution of odd kernel with zeros around, as `F.conv2d` with padding dilation * (kernel // 2)."""
    batch, channels, height, width = features_BCHW.shape
    rows, columns = dilation
    # The size of one grid; some end in cells beyond the edge, which are zeros.
    high, wide = -(-height // rows), -(-width // columns)
    whole_BHWC = F.pad(features_BCHW.permute(0, 2, 3, 1), (0, 0, 0, wide * columns - width, 0, high * rows - height))
    grids_BhrwcC = whole_BHWC.reshape(batch, high, rows, wide, columns, channels)
    grids_NhwC = grids_BhrwcC.permute(0, 2, 4, 1, 3, 5).reshape(-1, high, wide, channels)
    padding = (weight_C1YX.shape[2] // 2, weight_C1YX.shape[3] // 2)
    answer_NChw = F.conv2d(grids_NhwC.permute(0, 3, 1, 2), weight_C1YX, bias_C, padding=padding, groups=channels)
    answer_BrchwC = answer_NChw.permute(0, 2, 3, 1).reshape(batch, rows, columns, high, wide, channels)
    answer_BHWC = answer_BrchwC.permute(0, 3, 1, 4, 2, 5).reshape(batch, high * rows, wide * columns, channels)
    # Whole in memory again where cells were cut off: a batch norm behind gaps takes ten times as long on a CPU.
    return answer_BHWC[:, :height, :width].contiguous().permute(0, 3, 1, 2)


def is_dilated_depthwise(convolve: nn.Conv2d) -> bool:
    """A kernel of odd size with dilation, one channel each, stride 1, zeros around so that the size stays."""
    kept = tuple(dilation * (side // 2) for dilation, side in zip(convolve.dilation, convolve.kernel_size))
    return (
        max(convolve.dilation) > 1
        and convolve.groups == convolve.in_channels == convolve.out_channels
        and convolve.stride == (1, 1)
        and convolve.padding == kept
        and convolve.padding_mode == "zeros"
        and all(side % 2 for side in convolve.kernel_size)
    )
