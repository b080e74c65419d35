"""Criss-cross attention: each pixel attends to its row and its column, twice, which reaches every pixel; CCNet's neck.

Huang, Wang, Huang, Huang, Wei, Liu 2019, "CCNet: criss-cross attention for semantic segmentation", sections 3.2 and
3.3. A projection to 512 channels stands before it.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.stage import Stage
from mereo.strict import StrictConfig


def on_the_cross(query_BCHW: Tensor, key_BCHW: Tensor, value_BDHW: Tensor) -> Tensor:
    """B D H W: each pixel's mean over the H + W - 1 pixels of its row and column, itself once. In float32 at least."""
    with torch.autocast(query_BCHW.device.type, enabled=False):
        wide = torch.promote_types(query_BCHW.dtype, torch.float32)
        query_BCHW, key_BCHW, value_BDHW = (tensor.to(wide) for tensor in (query_BCHW, key_BCHW, value_BDHW))
        height, width = query_BCHW.shape[-2:]
        in_row_BHWv = torch.einsum("bchw,bchv->bhwv", query_BCHW, key_BCHW)  # equation 1, along the row
        in_column_BHWg = torch.einsum("bchw,bcgw->bhwg", query_BCHW, key_BCHW)  # equation 1, along the column
        # The pixel itself is counted in its row.
        is_itself_H1g = torch.eye(height, dtype=torch.bool, device=query_BCHW.device)[:, None]
        in_column_BHWg = in_column_BHWg.masked_fill(is_itself_H1g, -torch.inf)
        weight = torch.cat([in_row_BHWv, in_column_BHWg], dim=3).softmax(dim=3)
        row_BHWv, column_BHWg = weight.split([width, height], dim=3)
        from_row_BDHW = torch.einsum("bhwv,bdhv->bdhw", row_BHWv, value_BDHW)
        return from_row_BDHW + torch.einsum("bhwg,bdgw->bdhw", column_BHWg, value_BDHW)  # equation 2


class CrissCrossAttention(Stage):
    """`passes` times over the last map with the same weights. Same width out."""

    def __init__(self, in_layout: FeatureLayout, *, passes: int = 2) -> None:
        super().__init__(in_layout)
        width = in_layout.channels[-1]
        self.passes = passes
        self.query = nn.Conv2d(width, max(1, width // 8), kernel_size=1)
        self.key = nn.Conv2d(width, max(1, width // 8), kernel_size=1)
        self.value = nn.Conv2d(width, width, kernel_size=1)
        # differs from the paper: equation 2 has no gate; the authors' code has, and it starts at 0.
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        # differs from the paper: the answer is not concatenated with the map before the projection. The path has one
        # last map, and the head reads it.
        last_BCHW = features.last
        for _ in range(self.passes):
            gathered_BCHW = on_the_cross(self.query(last_BCHW), self.key(last_BCHW), self.value(last_BCHW))
            last_BCHW = self.gate * gathered_BCHW + last_BCHW  # equation 2
        return features.with_last(last_BCHW)


class CrissCrossAttentionConfig(StrictConfig):
    stage: Literal["criss_cross_attention"] = "criss_cross_attention"
    passes: int = Field(2, ge=1, le=16, description="two reach every pixel")

    def build(self, in_layout: FeatureLayout, class_names: Sequence[str] = ()) -> CrissCrossAttention:
        return CrissCrossAttention(in_layout, passes=self.passes)
