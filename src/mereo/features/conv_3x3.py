"""A 3x3 convolution that trains faster on a CPU: the gradient of its weights as nine matrix products.

torch leaves that gradient to oneDNN, which reaches half the speed of a matrix product on it (measured with AVX2,
channels last: `benchmarks/conv_3x3.py`). It is most of the time of a wide neck at stride 4.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from mereo.features.cpu_training import trains_on_cpu

# Below, the room for the border costs more than the products save.
SMALLEST_SIDE = 24


class Conv3x3(nn.Conv2d):
    """3x3, padding 1, no bias; same weights, same answers and same state as `nn.Conv2d`."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1, bias=False)

    def forward(self, features_BCHW: Tensor) -> Tensor:
        if self._is_plain_cpu_training(features_BCHW):
            answer_BOHW: Tensor = _ConvolveWithProducts.apply(features_BCHW, self.weight)  # type: ignore[no-untyped-call]
            return answer_BOHW
        return super().forward(features_BCHW)

    def _is_plain_cpu_training(self, features_BCHW: Tensor) -> bool:
        return (
            trains_on_cpu(features_BCHW, self.weight)
            and self.weight.requires_grad
            and min(features_BCHW.shape[2:]) >= SMALLEST_SIDE
            and not torch.is_autocast_enabled("cpu")
        )


class _ConvolveWithProducts(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features_BCHW: Tensor, weight_OC33: Tensor) -> Tensor:
        ctx.save_for_backward(features_BCHW, weight_OC33)
        return F.conv2d(features_BCHW, weight_OC33, padding=1)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, gradient_BOHW: Tensor) -> tuple[Tensor | None, Tensor | None]:
        features_BCHW, weight_OC33 = ctx.saved_tensors
        needs_features, needs_weight = ctx.needs_input_grad
        of_features = of_weight = None
        if needs_features:
            of_features = feature_gradient(features_BCHW, weight_OC33, gradient_BOHW)
        if needs_weight:
            of_weight = weight_gradient(features_BCHW, gradient_BOHW)
        return of_features, of_weight


def feature_gradient(features_BCHW: Tensor, weight_OC33: Tensor, gradient_BOHW: Tensor) -> Tensor:
    """torch's own. It reads the features' layout alone, not their values."""
    one, none = [1, 1], [0, 0]
    only_features = [True, False, False]
    answer: Tensor = torch.ops.aten.convolution_backward(
        gradient_BOHW, features_BCHW, weight_OC33, None, one, one, one, False, none, 1, only_features
    )[0]
    return answer


def weight_gradient(features_BCHW: Tensor, gradient_BOHW: Tensor) -> Tensor:
    """O C 3 3. Both maps on one grid with room for the border, a row of numbers per cell: a shift of the kernel is then
    a shift of the first row, nothing is copied, and cells that a shift carries over an edge meet a gradient of zero."""
    in_channels, out_channels = features_BCHW.shape[1], gradient_BOHW.shape[1]
    features_NC = F.pad(features_BCHW.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1)).reshape(-1, in_channels)
    gradient_NO = F.pad(gradient_BOHW.permute(0, 2, 3, 1), (0, 0, 0, 2, 0, 2)).reshape(-1, out_channels)
    grid_width = features_BCHW.shape[3] + 2
    num_rows = len(features_NC) - 2 * grid_width - 2
    gradient_ON = gradient_NO[:num_rows].t()
    of_weight_33OC = features_BCHW.new_empty(3, 3, out_channels, in_channels)
    for y in range(3):
        for x in range(3):
            first = y * grid_width + x
            torch.mm(gradient_ON, features_NC[first : first + num_rows], out=of_weight_33OC[y, x])
    return of_weight_33OC.permute(2, 3, 0, 1)
