"""PASCAL-Context objects and PASCAL-Part parts, as Broden+ uses them: MATLAB files, and words for parts.

A part is known by a short name ("lfuleg") that a comment of `part2ind.m` spells out ("left front upper leg"). Broden+
leaves out on which side it is, and its lists know the rest ("leg").
"""

import re
from pathlib import Path

import numpy as np

from mereo.data.formats.broden_files import read_lines, read_mat
from mereo.errors import BadInput

SIDES = {"left", "right", "front", "back", "upper", "lower", "side"}
# Short names that no comment spells out.
SPELLED_OUT = {
    **dict.fromkeys(("lfho", "rfho", "lbho", "rbho"), "hoof"),
    **dict.fromkeys(("fwheel", "bwheel"), "wheel"),
    **dict.fromkeys(("leftmirror", "rightmirror"), "mirror"),
    "roofside": "roof",
}
_LINE = re.compile(r"""\s*pimap\{\d+\}\((?:sprintf\()?'([^']+)'[^;]*;(?:\s*%\s*(\w[\w ]*\w))?""")
_COUNT = re.compile(r"_(?:\d+|%d)$")


def read_part_words(path: Path) -> dict[str, str]:
    """Short name -> word without sides, from the lines `pimap{6}('lfuleg') = 8; % left front upper leg`."""
    words: dict[str, str] = {}
    for line in read_lines(path):
        found = _LINE.match(line)
        if found is None:
            continue
        short = _COUNT.sub("", found.group(1))
        said = found.group(2) if found.group(2) and "multiple" not in found.group(2) else short
        words.setdefault(short, part_word(said))
    return words


def part_word(words: str) -> str:
    """
    >>> part_word("left front upper leg"), part_word("fwheel"), part_word("engine_3")
    ('leg', 'wheel', 'engine')
    """
    words = SPELLED_OUT.get(_COUNT.sub("", words), _COUNT.sub("", words))
    return " ".join(word for word in words.split() if word not in SIDES)


def read_context_labels(path: Path) -> np.ndarray:
    """Raw object labels (H W) of a file of PASCAL-Context."""
    label_HW = read_mat(path).get("LabelMap")
    if not isinstance(label_HW, np.ndarray) or label_HW.ndim != 2 or label_HW.dtype.kind not in "iu":
        raise BadInput(f"a file of PASCAL-Context must hold LabelMap in rows and columns, but got none in {path}.")
    return label_HW


def read_part_map(
    path: Path, *, size: tuple[int, ...], part_words: dict[str, str], part_of_word: dict[str, int]
) -> np.ndarray:
    """Part index of each pixel (H W int32, 0: none) from a file of PASCAL-Part. Later parts lie over earlier ones."""
    part_HW = np.zeros(size, dtype=np.int32)
    try:
        objects = np.atleast_1d(read_mat(path)["anno"]["objects"][()])
        for thing in objects:
            for part in np.atleast_1d(thing["parts"]):
                # A thing without parts holds an empty array here.
                if part.dtype.names is None:
                    continue
                short = _COUNT.sub("", str(part["part_name"]))
                mask_HW = np.asarray(part["mask"]).reshape(size).astype(bool)
                part_HW[mask_HW] = part_of_word.get(part_words.get(short, part_word(short)), 0)
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise BadInput(
            f"a file of PASCAL-Part must hold objects with parts and masks of the picture's size, but got "
            f"{type(error).__name__} in {path}; copy it again."
        ) from error
    return part_HW
