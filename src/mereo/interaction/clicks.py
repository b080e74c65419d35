"""Clicks on a photograph whose superpixels are grouped: each one reaches all that stands in its group.

Li, Bao, Zheng, Xu, "Deep grouping model for unified perceptual parsing" (DGM), section 6, click propagation: from a
pixel to its superpixel, to its group at the chosen level, to all superpixels of that group.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.errors import BadInput
from mereo.freed_memory import image_done
from mereo.parser.asking.answering import plain_answers
from mereo.parser.last_hierarchy import required_hierarchy
from mereo.parser.scene_parser import SceneParser
from mereo.reasoning.deep_grouping import DeepGrouping
from mereo.regions.grouping_hierarchy import GroupRule
from mereo.regions.nearest_places import nearest_places


@dataclass(frozen=True)
class Click:
    """A pixel of the photograph. Positive clicks add what they reach, negative ones take it away.

    `level` is that of the groups that it means; None: the level that is asked for.
    """

    x: int
    y: int
    is_positive: bool = True
    level: int | None = None

    def __post_init__(self) -> None:
        if any(isinstance(value, bool) or not isinstance(value, Integral) for value in (self.x, self.y)):
            raise BadInput(
                f"a click must be at whole numbers of pixels, but got {self.x!r:.40},{self.y!r:.40}; round them down."
            )


def group_photograph(parser: SceneParser, image_HWC: np.ndarray) -> GroupedPhotograph:
    """The parser's hierarchy over one photograph, in one pass at its working size. Clicks then need no parser."""
    require_grouping(parser)
    photograph = GroupedPhotograph.of(image_HWC, required_hierarchy(plain_answers(parser, image_HWC)))
    image_done()
    return photograph


def require_grouping(parser: SceneParser) -> None:
    if not parser.stages_of(DeepGrouping):
        stages = ", ".join(type(stage).__name__ for stage in parser.path) or "no stage"
        raise BadInput(
            f"a parser must have the stage deep_grouping on its path to group a photograph, but got {stages}; train "
            "one with that stage in its recipe's path, and name its run folder as the parser."
        )


def clicked_superpixels(
    photograph: GroupedPhotograph,
    clicks: Sequence[Click],
    *,
    level: int,
    rule: GroupRule = "nearest",
    map_size: tuple[int, int] | None = None,
) -> np.ndarray:
    """R bool: the superpixels in the groups of positive clicks, without those in the groups of negative ones.

    Where clicks of several levels reach, the finest level counts; of one level a negative click wins. So the order of
    clicks says nothing. A pixel of no superpixel reaches nothing.
    `map_size`: height and width of the map that was clicked on (`photograph.on_pixels` at this size); a click reaches
    what the map shows in its cell. Left out: the photograph itself.
    """
    chosen_R = np.zeros_like(photograph.group_of_superpixel(level, rule=rule), dtype=bool)
    height, width = photograph.size
    for click in clicks:
        if not (0 <= click.x < width and 0 <= click.y < height):
            raise BadInput(
                f"a click must lie in the photograph of {width}x{height}, but got {click.x},{click.y}; choose another."
            )
    places: defaultdict[tuple[int, bool], list[tuple[int, int]]] = defaultdict(list)
    for click in clicks:
        places[level if click.level is None else click.level, bool(click.is_positive)].append((click.x, click.y))
    # Coarse ones first, and of one level what is added: what comes later has the last word.
    for its_level, is_positive in sorted(places, reverse=True):
        group_R = photograph.group_of_superpixel(its_level, rule=rule)
        places_N2 = np.array(places[its_level, is_positive], dtype=np.intp)
        superpixel_N = _superpixels_seen(photograph, places_N2, map_size or photograph.size)
        chosen_R[np.isin(group_R, group_R[superpixel_N[superpixel_N >= 0]])] = is_positive
    return chosen_R


def clicked_mask(
    photograph: GroupedPhotograph,
    clicks: Sequence[Click],
    *,
    level: int,
    rule: GroupRule = "nearest",
    map_size: tuple[int, int] | None = None,
) -> np.ndarray:
    """H W bool, at the photograph's size: see `clicked_superpixels`. Without a click nothing is chosen."""
    return photograph.on_pixels(clicked_superpixels(photograph, clicks, level=level, rule=rule, map_size=map_size))


def _superpixels_seen(photograph: GroupedPhotograph, place_N2: np.ndarray, map_size: tuple[int, int]) -> np.ndarray:
    """N: from each pixel (x, y) to the cell of the map in which its middle lies, and from there to the superpixel."""
    (height, width), (map_height, map_width) = photograph.size, map_size
    row_N = nearest_places(map_height, height)[place_N2[:, 1]]
    column_N = nearest_places(map_width, width)[place_N2[:, 0]]
    rows, columns = photograph.superpixel_hw.shape
    row_N, column_N = nearest_places(rows, map_height)[row_N], nearest_places(columns, map_width)[column_N]
    return photograph.superpixel_hw[row_N, column_N]
