"""Convolutions with group norm: the bricks of pixel decoders, which train on few images a batch."""

import math

from torch import nn

MAX_GROUPS = 32


def group_norm(width: int) -> nn.GroupNorm:
    """32 groups, as in the papers; fewer where the width is no multiple of 32, or where a channel would stand alone.

    A group of one channel on a map of one pixel is one number: normalised, it would always be 0.
    """
    num_groups = math.gcd(MAX_GROUPS, width)
    return nn.GroupNorm(num_groups if num_groups < width else max(1, width // 2), width)


def lateral(in_channels: int, width: int, *, bias: bool = False) -> nn.Sequential:
    """A map of the backbone brought to the decoder's width."""
    convolve = nn.Conv2d(in_channels, width, kernel_size=1, bias=bias)
    nn.init.xavier_uniform_(convolve.weight)
    if convolve.bias is not None:
        nn.init.zeros_(convolve.bias)
    return nn.Sequential(convolve, group_norm(width))


def smoothing(in_channels: int, width: int) -> nn.Sequential:
    convolve = nn.Conv2d(in_channels, width, kernel_size=3, padding=1, bias=False)
    nn.init.xavier_uniform_(convolve.weight)
    return nn.Sequential(convolve, group_norm(width), nn.ReLU())
