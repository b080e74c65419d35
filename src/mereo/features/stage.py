"""Stage: what every neck and reasoner on a parser's path is."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal

from torch import nn

from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame

MAX_WIDTH = 1 << 14  # Channels. Wider is a slip of the finger, or a file that wants our memory.


@dataclass(frozen=True)
class SuperpixelWish:
    """Which superpixels a stage wants to find in its `Frame` (regions/superpixels.py)."""

    method: Literal["watershed", "slic", "felzenszwalb"] = "watershed"
    max_regions: int = 512


class Stage(nn.Module):
    """`FeatureMaps -> FeatureMaps`. Built for one `FeatureLayout`; says in `layout` what it gives."""

    superpixel_wish: SuperpixelWish | None = None

    def __init__(self, layout: FeatureLayout) -> None:
        super().__init__()
        self.layout = layout

    @abstractmethod
    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps: ...
