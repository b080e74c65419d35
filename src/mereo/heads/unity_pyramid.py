"""Unity pyramid: does a cell hold a single class? One number a cell, on every level but the finest.

"Specialize and fuse: pyramidal representation for semantic segmentation" (SaF), section 3.2.
"""

from torch import Tensor, nn

from mereo.features.conv_norm import ConvNormReLU


class UnityPyramid(nn.Module):
    """`features_BCHW` of the finest level -> logits B h w, coarsest first. A cell sees its own features alone."""

    def __init__(self, channels: int, *, num_levels: int, width: int = 128) -> None:
        super().__init__()
        self.reduce = ConvNormReLU(channels, width)
        sides = [2 ** (num_levels - 1 - level) for level in range(num_levels - 1)]
        self.classify = nn.ModuleList([nn.Conv2d(width, 1, kernel_size=side, stride=side) for side in sides])

    def forward(self, features_BCHW: Tensor) -> tuple[Tensor, ...]:
        reduced_BCHW = self.reduce(features_BCHW)
        return tuple(classify(reduced_BCHW)[:, 0] for classify in self.classify)
