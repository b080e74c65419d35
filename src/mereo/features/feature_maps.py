"""FeatureMaps: what travels along a parser's path; and Frame: what a stage may know of the picture."""

from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from torch import Tensor

from mereo.errors import BadInput

Evidence = TypeVar("Evidence")
FINEST_STRIDE = 4  # Of heads: finer maps (a MobileNet's) would cost more than they tell.


@dataclass(frozen=True)
class Frame:
    """The picture behind a batch of feature maps. `image_size` is height and width of what the backbone saw."""

    image_size: tuple[int, int]
    superpixels_BHW: Tensor | None = None


@dataclass(frozen=True)
class FeatureMaps:
    """Feature maps of one batch, finest first, each B C h w, with the stride of each in image pixels.

    The last map is the one that the next neck projects and that a head reads. Reasoners append their evidence.
    """

    maps: tuple[Tensor, ...]
    strides: tuple[int, ...]
    evidence: tuple[Any, ...] = field(default=())

    def __post_init__(self) -> None:
        if not self.maps or len(self.maps) != len(self.strides):
            raise BadInput(
                f"feature maps must have one stride each, but got {len(self.maps)} maps and strides {self.strides}; "
                "pass both."
            )

    @property
    def channels(self) -> tuple[int, ...]:
        return tuple(int(feature_map.shape[1]) for feature_map in self.maps)

    @property
    def last(self) -> Tensor:
        return self.maps[-1]

    def with_last(self, features_BCHW: Tensor) -> "FeatureMaps":
        return replace(self, maps=(*self.maps[:-1], features_BCHW))

    def evidence_of(self, kind: type[Evidence]) -> list[Evidence]:
        """In the path's order."""
        return [one for one in self.evidence if isinstance(one, kind)]

    def with_evidence(self, evidence: Any) -> "FeatureMaps":
        return replace(self, evidence=(*self.evidence, evidence))


@dataclass(frozen=True)
class FeatureLayout:
    """Channels and strides that a stage gives, known before any image is seen. Stages are built from it."""

    channels: tuple[int, ...]
    strides: tuple[int, ...]

    def with_last(self, channels: int) -> "FeatureLayout":
        return replace(self, channels=(*self.channels[:-1], channels))

    def levels_from(self, finest_stride: int = FINEST_STRIDE) -> list[int]:
        """The levels of this stride and coarser ones."""
        levels = [level for level, stride in enumerate(self.strides) if stride >= finest_stride]
        if not levels:
            raise BadInput(
                f"a feature map must have stride {finest_stride} or coarser, but got strides {self.strides}; "
                "use a backbone with coarser maps, or lower finest_stride."
            )
        return levels
