"""Things of a picture that is parsed in tiles: told apart in a plain pass a tile, and joined across the seams.

The class map is the blended one and stays as it is: a thing keeps those pixels whose class it has there. Pixels of its
class that no tile's thing covers belong to none. Tiles' maps are kept until all are seen, so this is for pictures that
are in memory; where things cannot be told apart, a parse says so.
"""

from typing import TYPE_CHECKING

import numpy as np

from mereo.assembly.parse import NotToldApart
from mereo.assembly.seam_joining import JoinedInstances, TileInstances, join_instances
from mereo.parser.asking.divided_things import has_sorted_segments
from mereo.parser.asking.plain_labels import labels_of_answers
from mereo.parser.asking.segment_parsing import segment_rule_of
from mereo.parser.familiarity import times_usual
from mereo.regions.nearest_places import nearest_places

if TYPE_CHECKING:
    from mereo.parser.scene_parser import SceneAnswers, SceneParser

ROWS_AT_ONCE = 512
AVERAGED = "the answers of several passes were averaged"
READ_IN_BANDS = "the picture was read in bands"


def tells_things_apart(parser: "SceneParser") -> bool:
    """Whether a plain pass of the parser gives instances."""
    return any(parser.taxonomy.is_thing) and (has_sorted_segments(parser) or segment_rule_of(parser) is not None)


def merged_in_words(reason: str) -> NotToldApart:
    """
    >>> merged_in_words(READ_IN_BANDS)
    'things were not told apart, since the picture was read in bands: those of one class are one segment'
    """
    return NotToldApart(f"things were not told apart, since {reason}: those of one class are one segment")


def said_of_bands(parser: "SceneParser", overview_HWC: np.ndarray) -> tuple[float | None, tuple[str, ...]]:
    """How unlike the training pictures a picture is that was read in bands, and what to warn of."""
    unfamiliarity, warnings = times_usual(parser, overview_HWC)
    merged = (merged_in_words(READ_IN_BANDS),) if tells_things_apart(parser) else ()
    return unfamiliarity, (*warnings, *merged)


class ThingsOfTiles:
    """Takes in what plain passes say about tiles of a picture of `size`, the size that tiles are cut from."""

    def __init__(self, parser: "SceneParser", size: tuple[int, int]) -> None:
        self.parser, self.size = parser, size
        self._tiles: list[TileInstances] = []

    def add(self, answers: "SceneAnswers", *, top: int, left: int, size: tuple[int, int]) -> None:
        labels = labels_of_answers(self.parser, answers, size, with_confidence=False)
        if labels.instances_HW is None:
            return
        ids, first = np.unique(labels.instances_HW, return_index=True)
        class_N = labels.semantic_HW.ravel()[first]
        class_of_id = {int(one): int(index) for one, index in zip(ids, class_N) if one}
        # Half the bytes: all tiles are kept.
        small_HW = labels.instances_HW.astype(np.uint16 if ids[-1] < 2**16 else np.int32)
        self._tiles.append(TileInstances(top, left, small_HW, class_of_id))

    def joined(self, semantic_HW: np.ndarray) -> np.ndarray:
        """Instances of the photograph whose class map this is, which may be larger than what tiles are cut from."""
        return agreeing_instances(join_instances(self._tiles, self.size), semantic_HW)


def agreeing_instances(joined: JoinedInstances, semantic_HW: np.ndarray) -> np.ndarray:
    """Each pixel's instance (0: none), where the nearest of `joined` has the class that the pixel has.

    >>> agreeing_instances(JoinedInstances(np.array([[0, 1]]), {1: 2}), np.array([[0, 2, 2, 0]])).tolist()
    [[0, 0, 1, 0]]
    """
    class_of_id = np.full(max(joined.class_of_id, default=0) + 1, -1, dtype=np.int32)
    for one, index in joined.class_of_id.items():
        class_of_id[one] = index
    row_H, column_W = (nearest_places(seen, side) for seen, side in zip(joined.ids_HW.shape, semantic_HW.shape))
    instances_HW = np.zeros(semantic_HW.shape, dtype=np.int32)
    for start in range(0, len(row_H), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        ids_HW = joined.ids_HW[row_H[rows]][:, column_W]
        instances_HW[rows] = np.where(class_of_id[ids_HW] == semantic_HW[rows], ids_HW, 0)
    return instances_HW
