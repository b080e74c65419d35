"""The groups of a parse on disk: the superpixel of every pixel, and the group of every superpixel at each level."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.atomic_files import write_bytes, write_json
from mereo.data.pictures.picture_bytes import picture_bytes

NONE = 65535  # A pixel of no superpixel.


@dataclass(frozen=True)
class GroupFiles:
    superpixels: Path
    groups: Path


def write_groups(groups: GroupedPhotograph, superpixels: Path, levels: Path) -> GroupFiles:
    """A 16-bit grey PNG at the photograph's size, and JSON: `group_of_superpixel` of every level from 2 on."""
    number_HW = groups.on_pixels(np.arange(1, groups.num_superpixels + 1)) - 1
    number_HW = np.where(number_HW < 0, NONE, number_HW).astype(np.uint16)
    write_bytes(superpixels, picture_bytes(number_HW, "PNG"))
    described = described_groups(groups)
    for level in described["levels"]:
        level["group_of_superpixel"] = groups.group_of_superpixel(level["level"]).tolist()
    write_json(levels, described)
    return GroupFiles(superpixels, levels)


def described_groups(groups: GroupedPhotograph) -> dict[str, Any]:
    """How many there are, for JSON."""
    levels = range(2, groups.num_levels + 1)
    return {
        "superpixels": groups.num_superpixels,
        "levels": [{"level": level, "groups": groups.num_groups(level)} for level in levels],
    }
