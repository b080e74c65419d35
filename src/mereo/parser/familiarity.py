"""Familiarity: how a parser knows a picture unlike those that it was trained on, and what it then says.

A picture's second coarsest backbone map, averaged over its cells, is held against the Gaussian of the training pictures
(metrics/mahalanobis.py). `usual` and `limit` are the median and a high quantile of the distances of held-out pictures.
What is held is small, lies beside the weights in the parser file, and is none of them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureMaps
from mereo.metrics.mahalanobis import FeatureGaussian, mahalanobis_distance
from mereo.parser.asking.answering import answering, seen_size
from mereo.parser.asking.image_scores import prepared_image
from mereo.picture_sizes import scaled_size
from mereo.strict import StrictConfig
from mereo.strict_yaml import validated

if TYPE_CHECKING:
    from mereo.parser.scene_parser import SceneParser

PREFIX = "familiarity."
TENSORS = ("mean_C", "inverse_scale_C", "directions_CR", "variance_R")
# One of so many held-out pictures is warned at: the limit is this quantile of their distances.
LIMIT_QUANTILE = 0.99
# A picture is looked at as a whole, however large it is.
MAX_WHOLE_PIXELS = 2048 * 1024


class FamiliarityNumbers(StrictConfig):
    """What stands in the file's metadata; the arrays are tensors beside the weights."""

    usual: float = Field(ge=0)
    limit: float = Field(ge=0)
    rest_variance: float = Field(gt=0)
    num_pictures: int = Field(ge=2)
    num_held_out: int = Field(ge=1)


@dataclass(frozen=True, eq=False)
class Familiarity:
    """The Gaussian of `num_pictures` training pictures; `usual` and `limit` are of `num_held_out` others."""

    gaussian: FeatureGaussian
    usual: float
    limit: float
    num_pictures: int
    num_held_out: int

    def distance(self, pooled_C: np.ndarray) -> float:
        """Of one picture, as a multiple of the usual one."""
        distance = float(mahalanobis_distance(pooled_C[None], self.gaussian)[0])
        return distance / self.usual if self.usual > 0 else distance

    def warnings(self, times_usual: float) -> tuple[str, ...]:
        """Nothing for a picture within the limit."""
        limit = self.limit / self.usual if self.usual > 0 else self.limit
        return () if times_usual <= limit else (unfamiliar_in_words(times_usual),)

    def tensors(self) -> dict[str, Tensor]:
        return {PREFIX + name: torch.from_numpy(getattr(self.gaussian, name)).float() for name in TENSORS}

    def numbers(self) -> dict[str, Any]:
        return FamiliarityNumbers(
            usual=self.usual,
            limit=self.limit,
            rest_variance=self.gaussian.rest_variance,
            num_pictures=self.num_pictures,
            num_held_out=self.num_held_out,
        ).model_dump(mode="json")


def unfamiliar_in_words(times_usual: float) -> str:
    """
    >>> unfamiliar_in_words(4.12).split("on ")[1]
    '(distance 4.1 times the usual); its answers may be wrong'
    """
    return (
        f"this picture is unlike those that the parser was trained on (distance {times_usual:.1f} times the usual); "
        "its answers may be wrong"
    )


def familiarity_from(tensors: dict[str, Tensor], numbers: Any, *, num_channels: int, path: Any) -> Familiarity:
    """What a parser file holds of it; `num_channels` are those of the map that is pooled."""
    found = validated(FamiliarityNumbers, numbers, source=f"the familiarity in {path}")
    held = {name.removeprefix(PREFIX): value for name, value in tensors.items() if name.startswith(PREFIX)}
    width = held["directions_CR"].shape[-1] if set(held) == set(TENSORS) and held["directions_CR"].ndim == 2 else None
    channels = len(held["mean_C"]) if width is not None and held["mean_C"].ndim == 1 else None
    shapes = {name: tuple(value.shape) for name, value in held.items()}
    expected = dict(zip(TENSORS, ((channels,), (channels,), (channels, width), (width,))))
    are_floats = all(value.is_floating_point() for value in held.values())
    if channels is None or shapes != expected or not are_floats or num_channels != channels:
        raise BadInput(
            f"the familiarity of a parser file must be of its backbone's {num_channels} channels, but got "
            f"{str(shapes)[:160]} in {path}; fit it anew (mereo evaluate --fit-familiarity)."
        )
    arrays = {name: value.double().numpy() for name, value in held.items()}
    if not (arrays["variance_R"] > 0).all():
        raise BadInput(
            f"variances of a parser file's familiarity must be above 0, but got {arrays['variance_R'].min():g} in "
            f"{path}; fit it anew (mereo evaluate --fit-familiarity)."
        )
    gaussian = FeatureGaussian(**arrays, rest_variance=found.rest_variance)
    return Familiarity(gaussian, found.usual, found.limit, found.num_pictures, found.num_held_out)


def pooled_features(backbone_features: FeatureMaps) -> np.ndarray:
    """The mean over the cells of the second coarsest map (or the only one), of the one picture of a batch (C, float64).

    The coarsest one, nearest to the training's labels, told other kinds of pictures apart less well (docs/parsing.md).
    """
    seen_CHW = backbone_features.maps[-2:][0][0]
    # A double only there: some accelerators have none.
    return seen_CHW.float().mean(dim=(-2, -1)).cpu().double().numpy()


def own_size(parser: "SceneParser", image_HWC: np.ndarray) -> tuple[int, int]:
    """At which size familiarity is asked: always the parser's own, whatever size the rest is parsed at."""
    return at_most(seen_size(parser, image_HWC), MAX_WHOLE_PIXELS)


def at_most(size: tuple[int, int], num_pixels: int) -> tuple[int, int]:
    """The size, or a smaller one of the same shape.

    >>> at_most((400, 300), 1200), at_most((4, 3), 1200)
    ((40, 30), (4, 3))
    """
    return scaled_size(size, min(1.0, (num_pixels / (size[0] * size[1])) ** 0.5))


@torch.inference_mode()
def looked_at(parser: "SceneParser", image_HWC: np.ndarray) -> np.ndarray:
    """The pooled features of a photograph at the parser's own size (C), by the backbone alone."""
    with answering(parser):
        return pooled_features(parser.backbone_features(prepared_image(parser, image_HWC, own_size(parser, image_HWC))))


def times_usual(
    parser: "SceneParser", image_HWC: np.ndarray, seen: FeatureMaps | None = None
) -> tuple[float | None, tuple[str, ...]]:
    """The distance and what there is to say; (None, ()) for a parser whose file says nothing about it.

    `seen` are the backbone's features of this photograph at the parser's own size, where they were computed anyway.
    """
    if parser.familiarity is None:
        return None, ()
    distance = parser.familiarity.distance(looked_at(parser, image_HWC) if seen is None else pooled_features(seen))
    return distance, parser.familiarity.warnings(distance)
