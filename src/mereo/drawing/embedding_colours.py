"""Embeddings as colours: vectors that point the same way look alike.

Of the three directions along which the vectors of a picture spread most, the first is dark to light, which every reader
sees; the second is blue to yellow, which readers with red-green blindness see; the third is green to red. In Oklab
(Ottosson 2020), where equal distances look about equal.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from mereo.regions.principal_directions import PrincipalDirections, principal_directions
from mereo.shapes import require_shapes

LIGHTNESS, LIGHTNESS_RANGE = 0.66, 0.25
CHROMA_RANGE = 0.14
# This percentile of the distances from the mean has the full colour: a few far pixels may not make all others grey.
FULL_AT_PERCENT = 99
# A direction of little spread does not get the colours of a large one: its noise would look like something.
LEAST_SCALE = 0.3


@dataclass(frozen=True, eq=False)
class EmbeddingColours:
    """`scale_3` is how far from the mean a vector has the full colour of each direction."""

    directions: PrincipalDirections
    scale_3: np.ndarray

    def places(self, vector_ND: np.ndarray) -> np.ndarray:
        """N 3: -1 to 1 along each direction."""
        place_N3: np.ndarray = (self.directions.places(vector_ND) / self.scale_3).clip(-1, 1)
        return place_N3

    def of(self, vector_ND: np.ndarray) -> np.ndarray:
        """N 3 uint8."""
        return place_colours(self.places(vector_ND))

    def picture(self, embedding_Dhw: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """H W 3 uint8, enlarged bilinearly."""
        require_shapes(embedding_Dhw=embedding_Dhw)
        place_hw3 = self.places(embedding_Dhw.reshape(len(embedding_Dhw), -1).T).reshape(*embedding_Dhw.shape[1:], 3)
        place_13hw = torch.from_numpy(place_hw3).permute(2, 0, 1)[None].float()
        place_13HW = F.interpolate(place_13hw, size=size, mode="bilinear", align_corners=False)
        return place_colours(place_13HW[0].permute(1, 2, 0).numpy())


def embedding_colours(embedding_Dhw: np.ndarray) -> EmbeddingColours:
    """Of one picture's embeddings: pictures are not to be compared by their colours."""
    vector_ND = embedding_Dhw.reshape(len(embedding_Dhw), -1).T
    directions = principal_directions(vector_ND)
    scale_3 = np.percentile(np.abs(directions.places(vector_ND)), FULL_AT_PERCENT, axis=0)
    return EmbeddingColours(directions, np.maximum(scale_3, max(LEAST_SCALE * scale_3.max(), 1e-6)))


def place_colours(place_X3: np.ndarray) -> np.ndarray:
    """Colours (uint8) of places from -1 to 1 on the last axis; the axes before it are any.

    >>> place_colours(np.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])).tolist()
    [[74, 74, 74], [225, 225, 225], [179, 141, 0], [113, 140, 232]]
    """
    lightness = LIGHTNESS + LIGHTNESS_RANGE * place_X3[..., 0]
    yellow, red = CHROMA_RANGE * place_X3[..., 1], CHROMA_RANGE * place_X3[..., 2]
    return _rgb_of_oklab(np.stack([lightness, red, yellow], axis=-1))


def _rgb_of_oklab(oklab_X3: np.ndarray) -> np.ndarray:
    """What no screen shows is moved to the nearest red, green and blue."""
    to_cones = np.array(
        [
            [1.0, 0.3963377774, 0.2158037573],
            [1.0, -0.1055613458, -0.0638541728],
            [1.0, -0.0894841775, -1.2914855480],
        ]
    )
    from_cones = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = ((oklab_X3 @ to_cones.T) ** 3 @ from_cones.T).clip(0, 1)
    unit = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(255 * unit).astype(np.uint8)
