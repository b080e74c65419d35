"""Bricks of the stages written out in float64, for oracles that walk over pixels."""

import math

import torch
import torch.nn.functional as F
from stage_contract import with_random_statistics
from torch import Tensor, nn

from mereo.features.conv_norm import ConvNormReLU
from mereo.features.feature_maps import FeatureMaps, Frame
from mereo.features.stage import Stage


def trained(stage: Stage, *, seed: int = 0) -> Stage:
    """In float64 and evaluation mode, norms as after training, and no scale or gate at its first value."""
    with_random_statistics(stage)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in stage.parameters():
            if parameter.dim() < 2:
                parameter.copy_(torch.rand(parameter.shape, generator=generator) + 0.3)
    return stage.double().eval()


def small_map(channels: int, *, size: tuple[int, int] = (3, 4), batch_size: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(batch_size, channels, *size, generator=generator, dtype=torch.float64)


@torch.no_grad()
def answer_of(stage: Stage, last_BCHW: Tensor) -> FeatureMaps:
    stride = stage.layout.strides[-1]
    height, width = last_BCHW.shape[-2:]
    answer: FeatureMaps = stage(
        FeatureMaps((last_BCHW,), (stride,)), Frame(image_size=(stride * height, stride * width))
    )
    return answer


def linear(convolve: nn.Conv2d, vector_C: Tensor) -> Tensor:
    """A 1x1 convolution on one pixel."""
    answer = convolve.weight[:, :, 0, 0].detach() @ vector_C
    return answer if convolve.bias is None else answer + convolve.bias.detach()


def brick(conv_norm_relu: ConvNormReLU, vector_C: Tensor) -> Tensor:
    """Its 1x1 convolution, norm and ReLU on one pixel."""
    return normed(conv_norm_relu[1], linear(conv_norm_relu[0], vector_C)[:, None])[:, 0].clamp(min=0)


def brick_3x3(conv_norm_relu: ConvNormReLU, features_CHW: Tensor) -> Tensor:
    height, width = features_CHW.shape[1:]
    padded_CHW, weight = F.pad(features_CHW, (1, 1, 1, 1)), conv_norm_relu[0].weight.detach()
    answer = torch.zeros(weight.shape[0], height, width, dtype=torch.float64)
    for y in range(height):
        for x in range(width):
            answer[:, y, x] = (weight * padded_CHW[:, y : y + 3, x : x + 3]).sum(dim=(1, 2, 3))
    return normed(conv_norm_relu[1], answer.flatten(1)).clamp(min=0).view_as(answer)


def normed(norm: nn.BatchNorm2d, features_CP: Tensor) -> Tensor:
    scaled = (features_CP - norm.running_mean[:, None]) / (norm.running_var[:, None] + norm.eps).sqrt()
    return (scaled * norm.weight[:, None] + norm.bias[:, None]).detach()


def softmax(scores: list[float]) -> list[float]:
    exponentials = [math.exp(score - max(scores)) for score in scores]
    return [value / sum(exponentials) for value in exponentials]


def weighted_sum(weights: list[float], vectors: list[Tensor]) -> Tensor:
    return torch.stack([weight * vector for weight, vector in zip(weights, vectors, strict=True)]).sum(dim=0)


def num_parameters(*modules: nn.Module) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())
