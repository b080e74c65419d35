"""Swin blocks that pad a map to whole windows before they shift it, as the authors' code and its checkpoints do.

Liu et al. 2021, "Swin transformer: hierarchical vision transformer using shifted windows", section 3.2. timm's blocks
shift first: where a map is no multiple of the window, other pixels then share a window.
"""

import torch.nn.functional as F
from timm.models.swin_transformer import SwinTransformerBlock
from torch import Tensor, nn


class WholeWindowsBlock(SwinTransformerBlock):
    def _attn(self, x: Tensor) -> Tensor:
        """On a map that is already whole timm's own code pads nothing."""
        height, width = x.shape[1:3]
        below, right = (-side % window for side, window in zip((height, width), self.window_size))
        return super()._attn(F.pad(x, (0, 0, 0, right, 0, below)))[:, :height, :width]


def pad_to_whole_windows(network: nn.Module) -> None:
    """Turn every Swin block of the network into one that pads first. Weights stay as they are."""
    for module in network.modules():
        if type(module) is SwinTransformerBlock:
            module.__class__ = WholeWindowsBlock
