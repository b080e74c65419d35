"""Names that change sides in a mirror: the left door of a mirrored car is its right door.

Found by the words themselves: two names of a table that differ in `left` and `right` alone are each other's mirror
image. A name without a partner (`left_hand_traffic`) keeps its meaning.
"""

import re

# Whole words, but an underscore or a digit ends one: back_left_door, "left arm", Left2.
_SIDE = re.compile(r"(?<![^\W\d_])(left|right)(?![^\W\d_])", re.IGNORECASE)
_OTHER_SIDE = {"left": "right", "right": "left", "Left": "Right", "Right": "Left", "LEFT": "RIGHT", "RIGHT": "LEFT"}


def mirrored_indices(names: tuple[str, ...]) -> tuple[int, ...]:
    """For each name the index of what it is called in a mirror: its own, unless it has a partner on the other side.

    >>> mirrored_indices(("hood", "back_left_door", "back_right_door", "left_wing"))
    (0, 2, 1, 3)
    """
    index_of = {name: index for index, name in enumerate(names)}
    return tuple(index_of.get(_in_a_mirror(name), index) for index, name in enumerate(names))


def _in_a_mirror(name: str) -> str:
    return _SIDE.sub(lambda found: _OTHER_SIDE.get(found[0], found[0]), name)
