"""What every level of a pyramid says of one photograph, also where another level speaks."""

from dataclasses import dataclass

import numpy as np
import torch

from mereo.assembly.pyramid_fusion import fuse_pyramid
from mereo.errors import BadInput
from mereo.heads.mask_queries import MaskQueriesHead
from mereo.heads.pixel_classes import PixelClasses
from mereo.heads.semantic_pyramid import SemanticPyramid, SemanticPyramidPrediction
from mereo.parser.image_scores import prepared_image
from mereo.parser.preprocessing import working_size
from mereo.parser.scene_parser import SceneParser
from mereo.regions.nearest_places import nearest_places


# Compared as an object: arrays have no one answer to "equal".
@dataclass(frozen=True, eq=False)
class LevelAnswers:
    """One entry a level, coarsest first, each on the level's own grid (h w); `unity_per_level` lacks the finest.

    `probability_per_level` is that of the class; `speaks_per_level` is true where this level's class is the answer,
    `is_done_per_level` where a coarser level answers; what is neither is left to finer levels. `level_hw` says which
    level speaks, on the finest grid.
    """

    class_per_level: tuple[np.ndarray, ...]
    probability_per_level: tuple[np.ndarray, ...]
    unity_per_level: tuple[np.ndarray, ...]
    speaks_per_level: tuple[np.ndarray, ...]
    is_done_per_level: tuple[np.ndarray, ...]
    level_hw: np.ndarray
    cell_sizes: tuple[int, ...]
    threshold: float

    @property
    def num_levels(self) -> int:
        return len(self.class_per_level)

    @property
    def speaking_cells(self) -> tuple[int, ...]:
        """How many cells of each level have the say."""
        return tuple(int(speaks_hw.sum()) for speaks_hw in self.speaks_per_level)

    def classes_on(self, size: tuple[int, int]) -> np.ndarray:
        """L H W: each level's class on pixels of a picture of this size, each pixel from the cell that it lies in."""
        return np.stack([on_pixels(class_hw, size) for class_hw in self.class_per_level])


def on_pixels(value_hw: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """H W: the value of the cell in which the middle of each pixel lies.

    >>> on_pixels(np.array([[1, 2]]), (1, 4)).tolist()
    [[1, 1, 2, 2]]
    """
    rows_H, columns_W = (nearest_places(cells, side) for cells, side in zip(value_hw.shape, size))
    return value_hw[np.ix_(rows_H, columns_W)]


def has_levels(parser: object) -> bool:
    """Whether cells of several sizes answer: a pyramid without unities answers with its finest cells alone."""
    return isinstance(parser, SceneParser) and _answers_by_levels(parser)


@torch.inference_mode()
def level_answers_of(parser: SceneParser, image_HWC: np.ndarray) -> LevelAnswers:
    """In one plain pass at the parser's working size. The parser must be in evaluation mode."""
    if not _answers_by_levels(parser):
        raise BadInput(
            "a parser must have a pyramid of levels with unities to say which one answers, but got one without; "
            "train one with the head semantic_pyramid."
        )
    size = working_size((image_HWC.shape[0], image_HWC.shape[1]), parser.preprocessing.working_side)
    prediction = parser(prepared_image(parser, image_HWC, size)).prediction(SemanticPyramidPrediction)
    probabilities, unities = prediction.probability_per_level, prediction.unity_per_level
    _, level_1hw = fuse_pyramid(probabilities, unities, threshold=prediction.threshold)
    best = [probability_1Khw[0].max(dim=0) for probability_1Khw in probabilities]
    finest_level_hw = level_1hw[0].cpu().numpy()
    # The level that speaks for a pixel speaks for the whole cell, so one pixel of each cell tells.
    levels = [finest_level_hw[:: 2**n, :: 2**n] for n in reversed(range(len(probabilities)))]
    return LevelAnswers(
        class_per_level=tuple(one.indices.cpu().numpy() for one in best),
        probability_per_level=tuple(one.values.cpu().numpy() for one in best),
        unity_per_level=tuple(unity_1hw[0].cpu().numpy() for unity_1hw in unities),
        speaks_per_level=tuple(level_hw == level for level, level_hw in enumerate(levels)),
        is_done_per_level=tuple(level_hw < level for level, level_hw in enumerate(levels)),
        level_hw=finest_level_hw,
        cell_sizes=prediction.cell_sizes,
        threshold=prediction.threshold,
    )


def _answers_by_levels(parser: SceneParser) -> bool:
    """Of several heads the first that says classes gives the answer, as in image_scores."""
    head = next(
        (one for one in parser.heads if isinstance(one, MaskQueriesHead | PixelClasses | SemanticPyramid)), None
    )
    return isinstance(head, SemanticPyramid) and head.unity is not None
