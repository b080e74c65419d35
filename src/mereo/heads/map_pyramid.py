"""Feature maps -> the pyramid of maps that torchvision's detection parts ask for, its anchors and its pooling.

Lin, Dollar, Girshick, He, Hariharan, Belongie 2017, "Feature Pyramid Networks for Object Detection": "fpn" here.
Ren, He, Girshick, Sun 2015, "Faster R-CNN": one map, all anchors on it: "c4".
"""

from collections import OrderedDict
from typing import Literal

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import ExtraFPNBlock
from torchvision.ops.poolers import LevelMapper

from mereo.errors import BadInput
from mereo.features.feature_maps import FINEST_STRIDE, FeatureLayout, FeatureMaps

PyramidKind = Literal["fpn", "c4"]
COARSEST_STRIDE = 32
# One anchor a stride. With a scale of 8: 32, 64, ... 512 pixels, the published sides.
ANCHOR_STRIDES = (4, 8, 16, 32, 64)
ASPECT_RATIOS = (0.5, 1.0, 2.0)
# Section 4.2: a box of 224 pixels belongs to stride 16, where anchors of scale 8 are 128 pixels.
CANONICAL_SIDE, CANONICAL_LEVEL, CANONICAL_SCALE = 224, 4, 8.0


class MapPyramid(nn.Module):
    """`strides` are those of all maps it gives; regions are pooled from the first `num_pooled` of them.

    "fpn" takes the last map of each stride from 4 to 32: where a network with an output stride of 16 has two maps of
    stride 16, the finer layer's duplicate is dropped, and the path's own output is always the last. Maps are halved
    beyond them until stride 64, for anchors of all sides. "c4" gives the path's last map as it is.
    """

    def __init__(self, layout: FeatureLayout, *, kind: PyramidKind, width: int) -> None:
        super().__init__()
        self.levels = _levels(layout, kind)
        strides = tuple(layout.strides[level] for level in self.levels)
        self.num_pooled = len(strides)
        self.network: FeaturePyramidNetwork | None = None
        if kind == "fpn":
            halvings = sum(stride > strides[-1] for stride in ANCHOR_STRIDES)
            self.network = FeaturePyramidNetwork(
                [layout.channels[level] for level in self.levels], width, extra_blocks=HalvedMaps(halvings)
            )
            strides += tuple(strides[-1] << (halving + 1) for halving in range(halvings))
        self.strides = strides
        self.out_channels = width if kind == "fpn" else layout.channels[-1]

    def forward(self, features: FeatureMaps) -> dict[str, Tensor]:
        maps = OrderedDict((str(number), features.maps[level]) for number, level in enumerate(self.levels))
        return maps if self.network is None else self.network(maps)


class HalvedMaps(ExtraFPNBlock):
    """Every second pixel of the coarsest map, again and again: torchvision's own does it once."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(self, results: list[Tensor], inputs: list[Tensor], names: list[str]) -> tuple[list[Tensor], list[str]]:
        for number in range(self.count):
            results.append(results[-1][..., ::2, ::2])
            names.append(f"halved_{number}")
        return results, names


class StrideAnchors(AnchorGenerator):
    """Anchors at the maps' true strides. torchvision divides image by map, which is wrong for most sizes: it pads."""

    def __init__(self, strides: tuple[int, ...], *, scale: float) -> None:
        sides = (
            tuple((round(scale * stride),) for stride in strides)
            if len(strides) > 1
            else (tuple(round(scale * stride) for stride in ANCHOR_STRIDES),)
        )
        super().__init__(sides, (ASPECT_RATIOS,) * len(sides))
        self.strides = strides

    def forward(self, image_list: ImageList, feature_maps: list[Tensor]) -> list[Tensor]:
        first = feature_maps[0]
        self.set_cell_anchors(torch.promote_types(first.dtype, torch.float32), first.device)
        strides = [[torch.tensor(stride, device=first.device)] * 2 for stride in self.strides]
        anchors = self.grid_anchors([list(feature_map.shape[-2:]) for feature_map in feature_maps], strides)
        return [torch.cat(anchors)] * len(image_list.image_sizes)


def image_list(maps: dict[str, Tensor], size: tuple[int, int]) -> ImageList:
    """torchvision asks only for the images' size; their pixels are long normalised and seen."""
    first_BCHW = next(iter(maps.values()))
    return ImageList(first_BCHW.new_zeros(1, 1, 1, 1).expand(len(first_BCHW), 3, *size), [size] * len(first_BCHW))


def region_pooling(pyramid: MapPyramid, *, side: int, scale: float) -> MultiScaleRoIAlign:
    """Pools `side` x `side` from the map that fits a box's size; strides are told instead of guessed from sizes."""
    strides = pyramid.strides[: pyramid.num_pooled]
    pooling = MultiScaleRoIAlign([str(number) for number in range(len(strides))], side, sampling_ratio=2)
    pooling.scales = [1 / stride for stride in strides]
    # `LevelMapper` wants rising whole levels; a single map needs none but must not be asked to guess.
    finest, coarsest = (stride.bit_length() - 1 for stride in (strides[0], strides[-1]))
    canonical_side = CANONICAL_SIDE * scale / CANONICAL_SCALE
    pooling.map_levels = LevelMapper(finest, coarsest, round(canonical_side), CANONICAL_LEVEL)
    return pooling


def _levels(layout: FeatureLayout, kind: PyramidKind) -> tuple[int, ...]:
    last = layout.strides[-1]
    if not FINEST_STRIDE <= last <= COARSEST_STRIDE:
        raise BadInput(
            f"the path's last map must have a stride from {FINEST_STRIDE} to {COARSEST_STRIDE}, but got {last} of "
            f"{layout.strides}; transfer another parser."
        )
    if kind == "c4":
        return (len(layout.strides) - 1,)
    by_stride = {stride: level for level, stride in enumerate(layout.strides) if FINEST_STRIDE <= stride <= last}
    strides = sorted(by_stride)
    if any(coarse != 2 * fine for fine, coarse in zip(strides, strides[1:])):
        raise BadInput(
            f"maps of a pyramid must double their stride from one to the next, but got {tuple(strides)}; "
            "use the layout c4."
        )
    return tuple(by_stride[stride] for stride in strides)
