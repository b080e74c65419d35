"""Convolution, batch norm, ReLU: the brick of every neck."""

import torch.nn.functional as F
from torch import Tensor, nn

from mereo.features.conv_3x3 import Conv3x3


class PresentBatchNorm2d(nn.BatchNorm2d):
    """Uses its running statistics where a channel has fewer than two values (a pooled map of a single image)."""

    def forward(self, features_BCHW: Tensor) -> Tensor:
        if self.training and features_BCHW.numel() // features_BCHW.shape[1] < 2:
            return F.batch_norm(
                features_BCHW, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps
            )
        return super().forward(features_BCHW)


class ConvNormReLU(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int, *, kernel_size: int = 1, dilation: int = 1) -> None:
        padding = dilation * (kernel_size - 1) // 2
        convolve: nn.Conv2d = (
            Conv3x3(in_channels, out_channels)
            if (kernel_size, dilation) == (3, 1)
            else nn.Conv2d(in_channels, out_channels, kernel_size, padding=padding, dilation=dilation, bias=False)
        )
        nn.init.kaiming_normal_(convolve.weight, mode="fan_out", nonlinearity="relu")
        super().__init__(convolve, PresentBatchNorm2d(out_channels), nn.ReLU(inplace=True))
