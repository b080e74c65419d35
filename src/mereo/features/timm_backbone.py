"""Any timm model as a backbone: CNN with a wanted output stride, Swin, ConvNeXt, plain ViT."""

import difflib
import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import timm
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from mereo.errors import BadEnvironment, BadInput, MereoError
from mereo.features.backbone_weights import read_backbone_weights, require_all_taken
from mereo.features.faster_depthwise import with_faster_depthwise
from mereo.features.feature_maps import FeatureLayout, FeatureMaps
from mereo.features.network_sizes import NetworkSizes, SwinSizes
from mereo.features.whole_windows import pad_to_whole_windows
from mereo.files_of_settings import FROM_HUB, FileReadOnce
from mereo.strict import StrictConfig

# How timm's families of transformers are asked to take images of any size; each knows at most one of these.
ANY_SIZE_OPTIONS: tuple[dict[str, Any], ...] = ({"dynamic_img_size": True}, {"strict_img_size": False}, {})
ODD_SIZES = ((33, 47), (1, 1))


class TimmBackbone(nn.Module):
    """`image_BCHW` (normalised) -> FeatureMaps, finest first, each of size ceil(image / stride), from 1x1 pixel up.

    `weights` is None (random), "hub" (timm downloads its pretrained weights), or the path of a safetensors file of the
    whole timm model. Networks that only take multiples of their stride see a padded image; its margin is cut off again.

    `options` are passed to timm (depths and widths unlike those of the named model). `map_norm_eps` puts a LayerNorm
    with this epsilon behind every map; `pads_windows_first` is for Swin (`whole_windows.py`).
    """

    def __init__(
        self,
        name: str,
        *,
        output_stride: int | None = None,
        weights: str | Path | None = None,
        options: Mapping[str, Any] | None = None,
        map_norm_eps: float | None = None,
        pads_windows_first: bool = False,
    ) -> None:
        super().__init__()
        self.network: Any = _create(name, output_stride, weights, options or {})
        if pads_windows_first:
            pad_to_whole_windows(self.network)
        with_faster_depthwise(self.network)
        self.is_channels_last = getattr(getattr(self.network, "output_fmt", None), "value", "NCHW") == "NHWC"
        info = self.network.feature_info
        self.layout = FeatureLayout(tuple(info.channels()), tuple(info.reduction()))
        pretrained: dict[str, Any] = getattr(self.network, "pretrained_cfg", None) or {}
        self.mean: tuple[float, ...] = tuple(pretrained.get("mean", (0.485, 0.456, 0.406)))
        self.std: tuple[float, ...] = tuple(pretrained.get("std", (0.229, 0.224, 0.225)))
        self.norms = None
        if map_norm_eps is not None:
            self.norms = nn.ModuleList([nn.LayerNorm(channels, eps=map_norm_eps) for channels in self.layout.channels])
        strides, fault = self.layout.strides, None
        self.size_multiple = 1
        # Swin that pads its own maps needs whole patches alone; a wider margin would be seen from inside.
        for multiple in (1, strides[0], math.lcm(*strides)) if pads_windows_first else (1, math.lcm(*strides)):
            self.size_multiple = multiple
            fault = self._fault()
            if fault is None:
                break
        if fault is not None:
            raise BadInput(f"backbone {name} must take images of any size, but got: {fault}; choose another one.")

    def forward(self, image_BCHW: Tensor) -> FeatureMaps:
        height, width = image_BCHW.shape[-2:]
        below, right = -height % self.size_multiple, -width % self.size_multiple
        padded_BCHW = F.pad(image_BCHW, (0, right, 0, below)) if below or right else image_BCHW
        cut = [
            feature_map[..., : -(-height // stride), : -(-width // stride)]
            for feature_map, stride in zip(self._maps(padded_BCHW), self.layout.strides)
        ]
        return FeatureMaps(tuple(cut), self.layout.strides)

    def _maps(self, image_BCHW: Tensor) -> list[Tensor]:
        maps = self.network(image_BCHW)
        if self.norms is not None:
            maps = [self._normed(feature_map, norm) for feature_map, norm in zip(maps, self.norms)]
        return [feature_map.permute(0, 3, 1, 2) for feature_map in maps] if self.is_channels_last else maps

    def _normed(self, feature_map: Tensor, norm: nn.Module) -> Tensor:
        if self.is_channels_last:
            return norm(feature_map)
        return norm(feature_map.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    @torch.no_grad()
    def _fault(self) -> str | None:
        """What goes wrong at small odd sizes, padded to `size_multiple`: the network itself knows more than a list."""
        was_training = self.network.training
        self.network.eval()
        try:
            for odd_size in ODD_SIZES:
                height, width = (-(-side // self.size_multiple) * self.size_multiple for side in odd_size)
                sizes = [tuple(feature_map.shape[-2:]) for feature_map in self._maps(torch.zeros(1, 3, height, width))]
                if sizes != [(-(-height // stride), -(-width // stride)) for stride in self.layout.strides]:
                    return f"maps of {sizes} for an image of {height}x{width} at strides {self.layout.strides}"
        except (RuntimeError, AssertionError, ValueError, IndexError) as error:
            return _one_line(error)
        finally:
            self.network.train(was_training)
        return None


def _create(name: str, output_stride: int | None, weights: str | Path | None, sizes: Mapping[str, Any]) -> Any:
    if not timm.is_model(name):
        raise BadInput(f"backbone must be a timm model, but got {name!r:.80}; {_nearest(name[:80])}")
    options: dict[str, Any] = {"features_only": True, **sizes}
    if name.startswith("hrnet"):
        options["feature_location"] = (
            ""  # Its four branches; timm would add the wide blocks of the ImageNet classifier.
        )
    if output_stride:
        options["output_stride"] = output_stride
    if weights is None:
        return _built(name, options, output_stride)
    if weights == FROM_HUB:
        if not timm.is_model_pretrained(name):
            raise BadInput(f"backbone {name} must have weights in timm's hub, but got none; leave weights out.")
        return _built(name, options | {"pretrained": True}, output_stride, weights)
    tensors = read_backbone_weights(weights)
    # A copy: timm takes the classifier out of the dictionary.
    overlay = {"pretrained": True, "pretrained_cfg_overlay": {"state_dict": dict(tensors)}}
    network = _built(name, options | overlay, output_stride, weights)
    require_all_taken(network.state_dict(), tensors, name=name, path=weights)
    # timm keeps the file's tensors in its description of the network: a second copy of all weights.
    getattr(network, "pretrained_cfg", {}).pop("state_dict", None)
    return network


def _built(
    name: str, options: dict[str, Any], output_stride: int | None, weights: str | Path | None = None
) -> nn.Module:
    try:
        return _asked_of_timm(name, options)
    except MereoError:
        raise
    except Exception as error:  # timm and its hub raise whatever they met; all of it is explained and raised again.
        raise _explained(error, name, options, output_stride, weights) from error


def _asked_of_timm(name: str, options: dict[str, Any]) -> nn.Module:
    is_fixed_size = getattr(timm.get_pretrained_cfg(name), "fixed_input_size", False)
    timm_log = logging.getLogger("timm")
    level = timm_log.level
    timm_log.setLevel(logging.ERROR)  # It warns of the classifier's weights, which a backbone leaves out on purpose.
    try:
        for any_size in ANY_SIZE_OPTIONS if is_fixed_size else ():
            try:
                return timm.create_model(name, **options, **any_size)
            except TypeError as error:
                if not any(option in str(error) for option in any_size):
                    raise
        return timm.create_model(name, **options)
    finally:
        timm_log.setLevel(level)


def _explained(
    error: Exception, name: str, options: dict[str, Any], output_stride: int | None, weights: str | Path | None
) -> MereoError:
    """Who is to blame: the weights, if the same network can be built without them; else the network or its stride."""
    if weights is not None:
        try:
            _built(name, {key: value for key, value in options.items() if "pretrained" not in key}, output_stride)
        except BadInput as without_weights:
            return without_weights
        if weights == FROM_HUB:
            return BadEnvironment(
                f"weights of {name} must be downloadable, but got: {_one_line(error)}; "
                "pass a safetensors file as `weights` instead, or leave it out."
            )
        return BadInput(
            f"backbone weights must fit {name}, but got: {_one_line(error)} in {weights}; "
            "pass the weights of this timm model."
        )
    if output_stride is not None:
        return BadInput(
            f"backbone {name} must take the wanted output_stride, but got a refusal of {output_stride} "
            f"({_one_line(error)}); choose 8, 16 or 32, or leave output_stride out."
        )
    return BadInput(f"backbone {name} must give feature maps, but got: {_one_line(error)}; choose another one.")


def _one_line(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:160]


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name, timm.list_models(), n=3, cutoff=0.5)
    return f"did you mean {', '.join(close)}?" if close else "see timm.list_models()."


class TimmBackboneConfig(StrictConfig):
    name: str
    output_stride: Literal[8, 16, 32] | None = Field(None, description="8, 16 or 32; left out: the network's own")
    weights: FileReadOnce = Field(None, description='"hub", a safetensors file, or left out: random')
    sizes: NetworkSizes | None = Field(None, description="left out: those of the named model")
    map_norm_eps: float | None = Field(None, gt=0, description="a LayerNorm behind each map; left out: none")

    def build(self) -> TimmBackbone:
        if self.sizes is not None and not self.name.startswith(self.sizes.family):
            raise BadInput(
                f"sizes of a backbone must be of its family, but got {self.sizes.family} for {self.name}; "
                "name a model of that family, or leave sizes out."
            )
        return TimmBackbone(
            self.name,
            output_stride=self.output_stride,
            weights=self.weights,
            options=None if self.sizes is None else self.sizes.timm_options(),
            map_norm_eps=self.map_norm_eps,
            pads_windows_first=isinstance(self.sizes, SwinSizes),
        )
