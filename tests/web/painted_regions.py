"""Regions that somebody painted on small photographs, saved and read back."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mereo.assembly.parse import Parse
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.web.label_folder import LABELS_FOLDER
from mereo.web.saved_labels import LabelRegion, save_labels

# Of ids that are no indices: the parser learned from other files than those that are written here.
STREET = Taxonomy("street", LabelTable(("sky", "road", "car"), {7: 0, 9: 1, 11: 2, 0: None}), (False, False, True))
SIZE = (48, 64)


def photograph(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def parse_of(image_HWC: np.ndarray, taxonomy: Taxonomy = STREET) -> Parse:
    label_HW = np.zeros(image_HWC.shape[:2], dtype=np.int64)
    label_HW[30:] = 1
    return Parse(image_HWC, label_HW, taxonomy)


def region(name: str, rows: slice = slice(None), columns: slice = slice(None)) -> LabelRegion:
    mask_HW = np.zeros(SIZE, dtype=bool)
    mask_HW[rows, columns] = True
    return LabelRegion(name, mask_HW)


REGIONS = (region("sky", slice(0, 24)), region("road", slice(12, 36)), region("car", slice(20, 30), slice(0, 32)))


def save(folder: Path, *, name: str = "a.jpg", seed: int = 0, **others: Any) -> dict[str, Any]:
    image_HWC = photograph(seed)
    options = {"regions": REGIONS, "keep_parse": False, "parse": parse_of(image_HWC)} | others
    return save_labels(folder, name=name, image_HWC=image_HWC, **options)["saved"]


def label_of(folder: Path, saved: dict[str, Any]) -> np.ndarray:
    with Image.open(folder / LABELS_FOLDER / "labels" / f"{saved['name']}.png") as picture:
        return np.asarray(picture)
