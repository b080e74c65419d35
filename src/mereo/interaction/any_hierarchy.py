"""A hierarchy for any parse, so that every parser can be clicked on: its own where it groups, else one of its segments.

Of a parser without groups: level 1 are superpixels, 2 the pieces of its segments, 3 its classes, 4 the whole picture.
"""

import numpy as np
from PIL import Image

from mereo.assembly.grouped_photograph import RULES, GroupedPhotograph
from mereo.assembly.parse import Parse
from mereo.assembly.parse_pieces import pieces_of
from mereo.parser.preprocessing import working_size
from mereo.regions.nearest_places import at_size
from mereo.regions.superpixels import superpixels

# Superpixels follow borders that are seen at this size, and cost the same for a photograph of any size.
WORKING_SIDE, MAX_SUPERPIXELS = 480, 512


def hierarchy_of(parse: Parse) -> GroupedPhotograph:
    """Level 1 is the finest, the last level the whole picture. By the rule "nearest" the groups of every level are made
    of whole groups of the level before."""
    return _of_segments(parse) if parse.groups is None else _up_to_the_whole(parse.groups)


def _up_to_the_whole(groups: GroupedPhotograph) -> GroupedPhotograph:
    if all(groups.num_groups(groups.num_levels, rule=rule) == 1 for rule in RULES):
        return groups
    with_whole = {rule: (*levels, np.minimum(levels[0], 0)) for rule, levels in groups.groups.items()}  # -1 stays.
    return GroupedPhotograph(groups.image_HWC, groups.superpixel_hw, with_whole)


def _of_segments(parse: Parse) -> GroupedPhotograph:
    size = working_size(parse.size, WORKING_SIDE)
    small = Image.fromarray(parse.image_HWC).resize(size[::-1], Image.Resampling.BILINEAR, reducing_gap=3.0)
    superpixel_hw = superpixels(np.asarray(small), max_regions=MAX_SUPERPIXELS).astype(np.intp)
    piece_HW, class_index_M = pieces_of(parse)
    piece_R = mostly(superpixel_hw, at_size(piece_HW, size))
    superpixel_R = np.arange(len(piece_R))
    # A class is that of the pieces, not of most pixels: else a piece could fall into two classes.
    levels = (
        superpixel_R,
        _counted_from_0(piece_R),
        _counted_from_0(class_index_M[piece_R]),
        np.zeros_like(superpixel_R),
    )
    return GroupedPhotograph(parse.image_HWC, superpixel_hw, dict.fromkeys(RULES, levels))


def mostly(superpixel_hw: np.ndarray, piece_hw: np.ndarray) -> np.ndarray:
    """R: the piece that covers most of each superpixel; of several the first.

    >>> mostly(np.array([[0, 0, 0, 1, 1]]), np.array([[5, 2, 2, 7, 3]])).tolist()
    [2, 3]
    """
    num_pieces = int(piece_hw.max()) + 1
    pair_P, count_P = np.unique(superpixel_hw.ravel() * num_pieces + piece_hw.ravel(), return_counts=True)
    superpixel_P, piece_P = np.divmod(pair_P, num_pieces)
    order_P = np.lexsort((piece_P, -count_P, superpixel_P))
    _, first_R = np.unique(superpixel_P[order_P], return_index=True)
    return piece_P[order_P[first_R]]


def _counted_from_0(group_R: np.ndarray) -> np.ndarray:
    return np.unique(group_R, return_inverse=True)[1].reshape(-1)
