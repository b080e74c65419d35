"""Tiny random models of transformers, saved as their checkpoints are; built in a moment."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    ConvNextConfig,
    DetrConfig,
    Mask2FormerConfig,
    Mask2FormerForUniversalSegmentation,
    MaskFormerConfig,
    MaskFormerForInstanceSegmentation,
    PreTrainedModel,
    ResNetConfig,
    SwinConfig,
    UperNetConfig,
    UperNetForSemanticSegmentation,
)

STAGES = ["stage1", "stage2", "stage3", "stage4"]
NAMES = {0: "sky", 1: "road", 2: "car"}


def swin() -> SwinConfig:
    """The last stages are smaller than a window, and one block is shifted."""
    return SwinConfig(
        embed_dim=16, depths=[1, 2, 2, 1], num_heads=[1, 2, 2, 4], window_size=4, image_size=64, out_features=STAGES
    )


def resnet(layer_type: str = "bottleneck") -> ResNetConfig:
    return ResNetConfig(hidden_sizes=[32, 64, 96, 128], depths=[1, 2, 1, 1], layer_type=layer_type, out_features=STAGES)


def convnext() -> ConvNextConfig:
    return ConvNextConfig(hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 2, 1], out_features=STAGES)


def maskformer(backbone: Any, **others: Any) -> MaskFormerForInstanceSegmentation:
    decoder = DetrConfig(
        d_model=64, decoder_layers=2, decoder_attention_heads=4, decoder_ffn_dim=48, num_queries=7, num_labels=3
    )
    config = MaskFormerConfig(
        backbone_config=backbone,
        decoder_config=decoder,
        fpn_feature_size=64,
        mask_feature_size=64,
        id2label=NAMES,
        **others,
    )
    return with_random_weights(MaskFormerForInstanceSegmentation(config))


def mask2former(backbone: Any, **others: Any) -> Mask2FormerForUniversalSegmentation:
    config = Mask2FormerConfig(
        backbone_config=backbone,
        feature_size=64,
        mask_feature_size=64,
        hidden_dim=64,
        encoder_feedforward_dim=40,
        encoder_layers=2,
        decoder_layers=5,
        num_attention_heads=4,
        dim_feedforward=48,
        num_queries=7,
        id2label=NAMES,
        **others,
    )
    return with_random_weights(Mask2FormerForUniversalSegmentation(config))


def upernet(backbone: Any, **others: Any) -> UperNetForSemanticSegmentation:
    config = UperNetConfig(backbone_config=backbone, hidden_size=16, id2label=NAMES, **others)
    return with_random_weights(UperNetForSemanticSegmentation(config))


def with_random_weights(model: PreTrainedModel) -> Any:
    """Fresh weights have zeros, ones and tiny numbers, behind which a wrong mapping could hide."""
    generator = torch.Generator().manual_seed(0)

    def drawn(value: Tensor) -> Tensor:
        return torch.randn(value.shape, generator=generator)

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1:
                fan_in = parameter[0].numel()
                parameter.copy_(drawn(parameter) / fan_in**0.5)
            elif name.endswith("weight") or "layer_scale" in name:
                parameter.copy_(1 + drawn(parameter) / 10)
            else:
                parameter.copy_(drawn(parameter) / 10)
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.copy_(drawn(module.running_mean) / 4)
                module.running_var.copy_(drawn(module.running_var).abs() + 0.5)
    return model.eval()


def saved(model: PreTrainedModel, folder: Path, **others: Any) -> Path:
    model.save_pretrained(folder, **others)
    return folder


MODELS = {
    "maskformer-resnet": lambda: maskformer(resnet()),
    "maskformer-resnet-basic": lambda: maskformer(resnet("basic")),
    "maskformer-swin": lambda: maskformer(swin()),
    "mask2former-swin": lambda: mask2former(swin()),
    "mask2former-resnet": lambda: mask2former(resnet()),
    "mask2former-convnext": lambda: mask2former(convnext()),
    "upernet-swin": lambda: upernet(swin()),
    "upernet-resnet": lambda: upernet(resnet()),
    "upernet-convnext": lambda: upernet(convnext()),
}
