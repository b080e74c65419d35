"""Stage: what every neck and reasoner on a parser's path is; and what is asked of modules that need not be one."""

from dataclasses import dataclass
from typing import Literal

from torch import nn

from mereo.errors import BadInput
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

    def forward(self, features: FeatureMaps, frame: Frame) -> FeatureMaps:
        raise NotImplementedError


def wish_of(stage: nn.Module) -> SuperpixelWish | None:
    return getattr(stage, "superpixel_wish", None)


def layout_or_none(module: nn.Module) -> FeatureLayout | None:
    """Of a backbone or a stage; None where it does not say."""
    layout = getattr(module, "layout", None)
    return layout if isinstance(layout, FeatureLayout) else None


def layout_of(module: nn.Module, *, what: str) -> FeatureLayout:
    layout = layout_or_none(module)
    if layout is None:
        raise BadInput(
            f"{what} must say in `layout` which maps it gives, but got none from {type(module).__name__}; "
            "give it a FeatureLayout."
        )
    return layout
