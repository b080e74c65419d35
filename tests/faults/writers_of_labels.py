"""Writers of painted labels, and of the recipe that trains on them; each with what is there before."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from writers_of_answers import small_parse

from mereo.commands.init import write_recipe_of_described
from mereo.web.saved_labels import LabelRegion, save_labels


@lru_cache(maxsize=4)
def painted(number: int) -> Any:
    """Another photograph for each number."""
    image_HWC = np.full_like(small_parse().image_HWC, number)
    return image_HWC, [LabelRegion(small_parse().taxonomy.object_names[1], image_HWC[..., 0] == number)]


def save_labels_of(folder: Path, number: int) -> None:
    image_HWC, regions = painted(number)
    save_labels(folder, name="a.jpg", image_HWC=image_HWC, parse=small_parse(), regions=regions, keep_parse=False)


def save_labels_of_two(folder: Path) -> None:
    save_labels_of(folder, 0)
    save_labels_of(folder, 1)


WRITERS_OF_LABELS = {
    "first labels": (lambda folder: save_labels_of(folder, 0), lambda folder: None),
    "second labels": (lambda folder: save_labels_of(folder, 1), lambda folder: save_labels_of(folder, 0)),
    "recipe for labels": (lambda folder: write_recipe_of_described(folder / "mereo_labels"), save_labels_of_two),
}
