"""What a Hugging Face config.json says of an architecture, as far as Mereo can build it; defaults are transformers'.

What `backbone` and `head` give are parts of a ParserConfig, not yet checked. Values that Mereo lacks are
refused by their `Literal`, so that no checkpoint is converted into a network that answers otherwise.
"""

from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mereo.features.network_sizes import MAX_WINDOW, FourDepths, FourHeads, FourWidths

FourStages = tuple[Literal["stage1"], Literal["stage2"], Literal["stage3"], Literal["stage4"]]
STAGES: FourStages = ("stage1", "stage2", "stage3", "stage4")
SWIN_NAMES = {
    (96, (2, 2, 6, 2)): "swin_tiny_patch4_window7_224",
    (96, (2, 2, 18, 2)): "swin_small_patch4_window7_224",
    (128, (2, 2, 18, 2)): "swin_base_patch4_window7_224",
    (192, (2, 2, 18, 2)): "swin_large_patch4_window7_224",
}
CONVNEXT_NAMES = {
    (96, (3, 3, 9, 3)): "convnext_tiny",
    (96, (3, 3, 27, 3)): "convnext_small",
    (128, (3, 3, 27, 3)): "convnext_base",
    (192, (3, 3, 27, 3)): "convnext_large",
    (256, (3, 3, 27, 3)): "convnext_xlarge",
}
RESNET_NAMES = {
    ("basic", (2, 2, 2, 2)): "resnet18",
    ("basic", (3, 4, 6, 3)): "resnet34",
    ("bottleneck", (3, 4, 23, 3)): "resnet101",
    ("bottleneck", (3, 8, 36, 3)): "resnet152",
}


class Described(BaseModel):
    """A part of config.json; keys that change nothing in an answer are many, and passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False, protected_namespaces=())


class SwinDescription(Described):
    model_type: Literal["swin", "maskformer-swin"]
    depths: FourDepths = (2, 2, 6, 2)
    embed_dim: int = Field(96, ge=1, le=4096)
    num_heads: FourHeads = (3, 6, 12, 24)
    window_size: int = Field(7, ge=1, le=MAX_WINDOW)
    num_channels: Literal[3] = 3
    patch_size: Literal[4] = 4
    mlp_ratio: Literal[4] = 4
    qkv_bias: Literal[True] = True
    hidden_act: Literal["gelu"] = "gelu"
    layer_norm_eps: Annotated[float, Field(ge=1e-5, le=1e-5)] = 1e-5
    use_absolute_embeddings: Literal[False] = False
    out_features: FourStages = STAGES

    def backbone(self) -> dict[str, Any]:
        sizes = {
            "family": "swin",
            "depths": self.depths,
            "width": self.embed_dim,
            "heads": self.num_heads,
            "window": self.window_size,
        }
        name = SWIN_NAMES.get((self.embed_dim, self.depths), "swin_tiny_patch4_window7_224")
        return {"name": name, "sizes": sizes, "map_norm_eps": 1e-5}


class ConvNeXtDescription(Described):
    model_type: Literal["convnext"]
    depths: FourDepths = (3, 3, 9, 3)
    hidden_sizes: FourWidths = (96, 192, 384, 768)
    num_channels: Literal[3] = 3
    num_stages: Literal[4] = 4
    patch_size: Literal[4] = 4
    hidden_act: Literal["gelu"] = "gelu"
    layer_scale_init_value: Annotated[float, Field(gt=0)] = 1e-6
    out_features: FourStages = STAGES

    def backbone(self) -> dict[str, Any]:
        sizes = {"family": "convnext", "depths": self.depths, "widths": self.hidden_sizes}
        name = CONVNEXT_NAMES.get((self.hidden_sizes[0], self.depths), "convnext_tiny")
        return {"name": name, "sizes": sizes, "map_norm_eps": 1e-6}


class ResNetDescription(Described):
    model_type: Literal["resnet"]
    depths: FourDepths = (3, 4, 6, 3)
    hidden_sizes: FourWidths = (256, 512, 1024, 2048)
    embedding_size: Literal[64] = 64
    num_channels: Literal[3] = 3
    layer_type: Literal["basic", "bottleneck"] = "bottleneck"
    hidden_act: Literal["relu"] = "relu"
    downsample_in_first_stage: Literal[False] = False
    downsample_in_bottleneck: Literal[False] = False
    out_features: FourStages = STAGES

    def backbone(self) -> dict[str, Any]:
        is_basic = self.layer_type == "basic"
        widths = self.hidden_sizes if is_basic else tuple(width // 4 for width in self.hidden_sizes)
        name = RESNET_NAMES.get((self.layer_type, self.depths), "resnet18" if is_basic else "resnet50")
        return {"name": name, "sizes": {"family": "resnet", "depths": self.depths, "widths": widths}}


BackboneDescription = Annotated[
    SwinDescription | ConvNeXtDescription | ResNetDescription, Field(discriminator="model_type")
]


class CheckpointDescription(Described):
    """What all architectures have: a backbone and class names."""

    backbone_config: BackboneDescription
    id2label: dict[int, str] = Field(min_length=1)

    @property
    def class_names(self) -> tuple[str, ...]:
        """In index order. Names that stand there twice get their index, for a taxonomy tells classes by name."""
        names = [self.id2label[index].strip() for index in sorted(self.id2label)]
        times = Counter(names)
        return tuple(f"{name} ({index})" if times[name] > 1 else name for index, name in enumerate(names))


class DetrDecoderDescription(Described):
    d_model: int = 256
    num_queries: int = 100
    decoder_layers: int = 6
    decoder_attention_heads: int = 8
    decoder_ffn_dim: int = 2048
    dropout: float = 0.1
    activation_function: Literal["relu"] = "relu"


class MaskFormerDescription(CheckpointDescription):
    model_type: Literal["maskformer"]
    fpn_feature_size: int = 256
    mask_feature_size: int = 256
    decoder_config: DetrDecoderDescription = DetrDecoderDescription()

    @model_validator(mode="before")
    @classmethod
    def _with_all_stages(cls, content: Any) -> Any:
        """transformers gives MaskFormer all stages of a Swin, whatever an old config says of them."""
        backbone = content.get("backbone_config") if isinstance(content, dict) else None
        if not isinstance(backbone, dict) or "swin" not in str(backbone.get("model_type")):
            return content
        return content | {"backbone_config": backbone | {"out_features": STAGES}}

    @property
    def widths(self) -> tuple[int, ...]:
        return self.fpn_feature_size, self.mask_feature_size, self.decoder_config.d_model

    def head(self) -> dict[str, Any]:
        decoder = self.decoder_config
        return {
            "head": "maskformer",
            "width": decoder.d_model,
            "num_queries": decoder.num_queries,
            "num_layers": decoder.decoder_layers,
            "num_heads": decoder.decoder_attention_heads,
            "inner_width": decoder.decoder_ffn_dim,
            "dropout": decoder.dropout,
        }


class Mask2FormerDescription(CheckpointDescription):
    model_type: Literal["mask2former"]
    feature_size: int = 256
    mask_feature_size: int = 256
    hidden_dim: int = 256
    num_queries: int = 100
    encoder_layers: int = 6
    decoder_layers: int = Field(10, ge=2, description="the predictions, of which one comes before the first layer")
    num_attention_heads: int = 8
    encoder_feedforward_dim: int = 1024
    dim_feedforward: int = 2048
    dropout: float = 0.0
    activation_function: Literal["relu"] = "relu"
    pre_norm: Literal[False] = False
    enforce_input_projection: Literal[False] = False
    common_stride: Literal[4] = 4
    feature_strides: tuple[Literal[4], Literal[8], Literal[16], Literal[32]] = (4, 8, 16, 32)

    @property
    def widths(self) -> tuple[int, ...]:
        return self.feature_size, self.mask_feature_size, self.hidden_dim

    def head(self) -> dict[str, Any]:
        return {
            "head": "mask2former",
            "width": self.hidden_dim,
            "num_queries": self.num_queries,
            "num_layers": self.decoder_layers - 1,
            "num_pixel_layers": self.encoder_layers,
            "num_heads": self.num_attention_heads,
            "inner_width": self.dim_feedforward,
            "pixel_inner_width": self.encoder_feedforward_dim,
            "dropout": self.dropout,
        }


class UperNetDescription(CheckpointDescription):
    model_type: Literal["upernet"]
    hidden_size: int = 512
    pool_scales: tuple[int, ...] = (1, 2, 3, 6)


AnyDescription = Annotated[
    MaskFormerDescription | Mask2FormerDescription | UperNetDescription, Field(discriminator="model_type")
]


class ConfigFile(Described):
    """config.json as one key, so that its union is told apart by `model_type`."""

    config: AnyDescription
