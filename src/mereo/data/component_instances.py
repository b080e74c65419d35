"""Component instances: where labels tell no things apart, every connected piece of a thing's class is taken for one."""

from collections.abc import Sequence
from typing import Final, Literal

import cc3d
import numpy as np

from mereo.shapes import require_shapes

CONNECTIVITY: Final = 8
# Where true instances come from: the labels' own, or the pieces of the classes that are things.
InstanceSource = Literal["labelled", "components"]


def component_instances(label_HW: np.ndarray, things: Sequence[int]) -> np.ndarray:
    """`instances_HW`: 1, 2, ... on the 8-connected pieces of the classes `things`, 0 elsewhere.

    Things that touch become one, and what something in front cuts in two becomes two: weak labels.

    >>> component_instances(np.array([[7, 7, 0, 7], [0, 0, 0, 7]]), [7]).tolist()
    [[1, 1, 0, 2], [0, 0, 0, 2]]
    """
    require_shapes(label_HW=label_HW)
    thing_HW = np.where(np.isin(label_HW, list(things)), label_HW.astype(np.int64) + 1, 0).astype(np.uint32)
    instances_HW: np.ndarray = cc3d.connected_components(thing_HW, connectivity=CONNECTIVITY).astype(np.int32)
    return instances_HW
