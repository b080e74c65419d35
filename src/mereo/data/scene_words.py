"""Scene words of a folder's pictures, from a CSV; and which of them are held out, street by street.

Pictures of one street look alike: a word is only measured fairly on streets that were not trained on. Where a data set
has no such split, the names of its files make one: the same everywhere, and no list has to travel.
"""

import csv
import re
from collections.abc import Collection, Mapping, Set
from pathlib import Path

from mereo.counter_random import counter_seed
from mereo.data.pictures.image_reading import SUFFIXES
from mereo.data.taxonomy import LabelTable
from mereo.errors import BadInput

ONE_OF = 3


def read_scene_words(
    path: Path, table: LabelTable, *, split: str, ignored: Collection[str] = (), stems: Set[str] = frozenset()
) -> dict[str, int]:
    """Stem -> index of its scene. A picture without a line, or with an ignored word, has none.

    With `stems`, the split's pictures, at least one of them must have a line: else the column names something else.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "bytes that are no UTF-8 text"
        raise BadInput(f"scenes must be a readable CSV file, but got {reason} in {path}; check the path.") from error
    rows = csv.DictReader(text.splitlines())
    columns = set(rows.fieldnames or [])
    if not {"image", "scene"} <= columns:
        raise BadInput(
            f"scenes must have the columns image and scene, but got {sorted(columns)} in {path}; mend its first line."
        )
    index_of = {name: index for index, name in enumerate(table.names)}
    scenes: dict[str, int] = {}
    for row in rows:
        word = (row["scene"] or "").strip()
        if not word or word in ignored or (row.get("split") or split) != split:
            continue
        if word not in index_of:
            raise BadInput(
                f"a scene must be one of {', '.join(table.names)}, but got {word!r} for {row['image']} in {path}, "
                f"line {rows.line_num}; add it to the taxonomy's scenes or to ignored_scenes."
            )
        image = (row["image"] or "").strip()
        scenes[image.rsplit(".", 1)[0] if image.lower().endswith(SUFFIXES) else image] = index_of[word]
    if scenes and stems and not stems & set(scenes):
        raise BadInput(
            f"scenes must name images of the split {split!r} by stem, but got none of them "
            f"in {path.name} (first there: {next(iter(scenes))}, first image: {min(stems)}); mend the column image."
        )
    return scenes


def held_out_stems(word_of_stem: Mapping[str, int], pattern: str) -> set[str]:
    """The pictures of about every third sequence, chosen by a hash of its name. `pattern` says which one a stem belongs
    to: by what its groups match at the stem's start.

    Of each word one sequence is never held out, so that nothing is asked that could not be learned.

    >>> words = {f"street{number}_{picture}": 0 for number in range(6) for picture in (1, 2)}
    >>> sorted(held_out_stems(words, "(.*)_"))
    ['street0_1', 'street0_2', 'street2_1', 'street2_2', 'street4_1', 'street4_2']
    """
    sequence_of = {stem: sequence_name(stem, pattern) for stem in word_of_stem}
    number_of = {name: counter_seed("held out scenes", name) for name in sequence_of.values()}
    kept: dict[int, str] = {}
    for stem, word in word_of_stem.items():
        name = sequence_of[stem]
        if word not in kept or number_of[name] > number_of[kept[word]]:
            kept[word] = name
    held_out = {name for name, number in number_of.items() if number % ONE_OF == 0} - set(kept.values())
    return {stem for stem, name in sequence_of.items() if name in held_out}


def sequence_name(stem: str, pattern: str) -> str:
    """
    >>> sequence_name("boston_street__p1010736", "(.*__)")
    'boston_street__'
    """
    found = re.match(pattern, stem)
    if found is None:
        raise BadInput(
            f"scene_sequence must match the start of every stem, but got {stem!r:.200} for {pattern!r:.200}; mend the "
            "pattern in the description."
        )
    return "".join(group or "" for group in found.groups())
