"""Object context pooling: pixels gather from pixels that seem to be of the same object; OCNet's base-OC.

Yuan, Wang 2018, "OCNet: object context network for scene parsing", section 3. A projection to 512 channels stands
before it.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from mereo.features.conv_norm import ConvNormReLU
from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.features.softmax_attention import attended
from mereo.features.stage import Stage
from mereo.strict import StrictConfig


class ObjectContextPooling(Stage):
    """The last map beside its object context, joined by a 1x1 convolution. Same width out."""

    def __init__(self, in_layout: FeatureLayout) -> None:
        super().__init__(in_layout)
        width = in_layout.channels[-1]
        key_width = max(1, width // 2)
        # differs from the authors' code, where queries and keys share one transform: the paper has two.
        self.query = ConvNormReLU(width, key_width)
        self.key = ConvNormReLU(width, key_width)
        self.value = nn.Conv2d(width, key_width, kernel_size=1)
        self.widen = nn.Conv2d(key_width, width, kernel_size=1)
        self.join = ConvNormReLU(2 * width, width)

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        last_BCHW = features.last
        return features.with_last(self.join(torch.cat([self.widen(self.context(last_BCHW)), last_BCHW], dim=1)))

    def context(self, features_BCHW: Tensor) -> Tensor:
        """c_p = sum_i w_pi phi(x_i) with w_pi = exp(q(x_p) . k(x_i)) / sum_j exp(q(x_p) . k(x_j))."""
        query_BCP, key_BCP, value_BCP = (
            transform(features_BCHW).flatten(2) for transform in (self.query, self.key, self.value)
        )
        # differs from the paper: products divided by the root of their length, as in the authors' code.
        gathered_BCP, _ = attended(query_BCP * query_BCP.shape[1] ** -0.5, key_BCP, value_BCP)
        return gathered_BCP.unflatten(2, features_BCHW.shape[-2:])


class ObjectContextPoolingConfig(StrictConfig):
    stage: Literal["object_context_pooling"] = "object_context_pooling"

    def build(self, in_layout: FeatureLayout, class_names: Sequence[str] = ()) -> ObjectContextPooling:
        return ObjectContextPooling(in_layout)
