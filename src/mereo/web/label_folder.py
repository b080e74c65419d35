"""A plain folder of labels that grows photograph by photograph, and can be trained on from the second one on.

taxonomy.yaml, images/NAME.png, labels/NAME.png (class indices), train.txt and val.txt, mereo.yaml, written in this
order: who is killed leaves no name in a list whose files are not there, and no label whose classes nobody knows.
"""

import math
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mereo.atomic_files import write_bytes, write_text
from mereo.data.formats.file_pairing import stems_of_list
from mereo.data.formats.folder_description import DESCRIPTION_FILE, load_description
from mereo.data.formats.folder_inspection import VAL_SHARE
from mereo.data.label_reading import read_label
from mereo.data.pictures.image_reading import SUFFIXES
from mereo.data.pictures.picture_bytes import picture_bytes
from mereo.data.pictures.pictures_below import LABELS_FOLDER
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.data.taxonomy_file import load_taxonomy, taxonomy_to_dict
from mereo.drawing.file_stems import safe_stem
from mereo.drawing.label_png import MAX_PALETTE, write_label_png
from mereo.errors import BadInput
from mereo.folder_lock import LockedFolder, folder_lock
from mereo.picture_sizes import MAX_PIXELS
from mereo.strict_yaml import dump_yaml
from mereo.web.errors_without_paths import errors_without_paths
from mereo.web.pixel_hash import pixel_hash

IMAGES, LABELS, TAXONOMY_FILE = "images", "labels", "taxonomy.yaml"
SPLITS = ("train", "val")
# Photographs compress little more at higher levels, and take five times as long.
PNG_LEVEL = 1
LOCK = LockedFolder(
    what=LABELS_FOLDER,
    does="saves labels",
    lock_file="labels.lock",
    otherwise="save again in a moment",
    without_locks="save labels from one studio at a time",
)
# Threads of one process wait for each other; another process is refused at once.
_ONE_AT_A_TIME = threading.Lock()


# Compared as an object: arrays have no one answer to "equal".
@dataclass(frozen=True, eq=False)
class PutLabel:
    """`stem`: the name that it lies under. `replaced`: whether it took the place of an earlier one."""

    stem: str
    label_HW: np.ndarray
    replaced: bool
    num_photographs: int


def put_label(
    folder: Path,
    *,
    name: str,
    image_HWC: np.ndarray,
    painted_HW: np.ndarray,
    beneath_HW: np.ndarray | None,
    keep: bool,
    taxonomy: Taxonomy,
) -> PutLabel:
    """What is painted lies over the label that was there (with `keep`), and that over `beneath_HW`, if there is one.

    The name is `name` made safe, and a hash of the pixels: the same photograph again goes to its own label, whatever it
    is called now. Once in train or val a photograph stays there.
    """
    own = _with_ids_of_indices(taxonomy)
    with _ONE_AT_A_TIME, errors_without_paths({str(folder): LABELS_FOLDER}), _held(folder):
        _require_same_classes(folder, own)
        _require_own_description(folder)
        stem = _stem(folder, name, image_HWC)
        path = folder / LABELS / f"{stem}.png"
        was_there = path.exists()
        layers = [painted_HW, *([_label_there(path, own, painted_HW.shape)] if was_there and keep else [])]
        label_HW = _over([*layers, *([] if beneath_HW is None else [beneath_HW])], own.ignore_index)
        if not (folder / TAXONOMY_FILE).exists():
            write_text(folder / TAXONOMY_FILE, _taxonomy_text(own))
        if not (folder / IMAGES / f"{stem}.png").exists():
            write_bytes(folder / IMAGES / f"{stem}.png", _png_of_pixels(image_HWC))
        ignored = own.ignore_index
        colours_K3 = own.objects.colours_K3
        if ignored >= MAX_PALETTE:  # With a colour for it too, the file has the 16 bits that it needs.
            colours_K3 = np.concatenate([colours_K3, np.zeros_like(colours_K3[:1])])
        write_label_png(path, label_HW, colours_K3, ignore_index=ignored)
        lists = _lists_with(folder, stem)
        for split, stems in lists.items():
            write_text(folder / f"{split}.txt", "".join(f"{one}\n" for one in stems))
        if not (folder / DESCRIPTION_FILE).exists() or _is_as_written(folder):
            write_text(folder / DESCRIPTION_FILE, _description_text(folder, tuple(lists)))
        return PutLabel(stem, label_HW, was_there, sum(map(len, lists.values())))


def classes_of_labels(folder: Path) -> tuple[str, ...] | None:
    """That labels in this folder were begun with; None where there are none, or nobody can say."""
    try:
        return tuple(load_taxonomy(folder / TAXONOMY_FILE).object_names)
    except (BadInput, OSError):
        return None


def _label_there(path: Path, taxonomy: Taxonomy, size: tuple[int, ...]) -> np.ndarray:
    """Refused where it cannot be kept: nobody's work is written over unless they say so."""
    label_HW = read_label(path, taxonomy.objects, max_pixels=max(MAX_PIXELS, math.prod(size)))
    if label_HW.shape != size:
        raise BadInput(
            f"a label must have the photograph's size {size[1]}x{size[0]} to be kept, but got "
            f"{label_HW.shape[1]}x{label_HW.shape[0]} in {path}; move it away, or save without keeping it."
        )
    return label_HW


def _over(layers_HW: Sequence[np.ndarray], ignored: int) -> np.ndarray:
    """The topmost first: of each pixel what the first of them says that says anything."""
    label_HW = layers_HW[0]
    for beneath_HW in layers_HW[1:]:
        label_HW = np.where(label_HW == ignored, beneath_HW, label_HW)
    return label_HW


def _with_ids_of_indices(taxonomy: Taxonomy) -> Taxonomy:
    """Its objects alone, under their indices: whatever ids the parser once learned from."""
    table = taxonomy.objects
    raw_to_index: dict[int, int | None] = {index: index for index in range(len(table))}
    raw_to_index[table.ignore_index] = None
    objects = LabelTable(table.names, raw_to_index=raw_to_index, colours=table.colours)
    return Taxonomy(taxonomy.name, objects, is_thing=taxonomy.is_thing)


def _taxonomy_text(taxonomy: Taxonomy) -> str:
    return f"# Classes of the labels; written by Mereo's studio.\n{dump_yaml(taxonomy_to_dict(taxonomy))}"


def _description_text(folder: Path, splits: tuple[str, ...]) -> str:
    content = {
        "name": safe_stem(folder.resolve().parent.name),
        "taxonomy": TAXONOMY_FILE,
        "images": IMAGES,
        "semantic": LABELS,
        "split_lists": {split: f"{split}.txt" for split in splits},
    }
    return f"# What lies where; written by Mereo's studio.\n{dump_yaml(content)}"


def _is_as_written(folder: Path) -> bool:
    """Whether the description is ours to change: nobody has edited it."""
    text = (folder / DESCRIPTION_FILE).read_text(encoding="utf-8")
    return text in {_description_text(folder, splits) for splits in (SPLITS[:1], SPLITS[1:], SPLITS)}


def _require_same_classes(folder: Path, taxonomy: Taxonomy) -> None:
    if not (folder / TAXONOMY_FILE).exists():
        return
    there = load_taxonomy(folder / TAXONOMY_FILE).objects
    if there.names != taxonomy.objects.names or there.raw_to_index != taxonomy.objects.raw_to_index:
        differing = sorted(set(there.names) ^ set(taxonomy.objects.names))[:3] or ["other ids"]
        raise BadInput(
            f"labels in {LABELS_FOLDER} must all be of the same classes, but got those of another parser "
            f"({', '.join(differing)}); paint with the parser that they were begun with, or rename that folder."
        )


def _require_own_description(folder: Path) -> None:
    if not (folder / DESCRIPTION_FILE).exists():
        return
    there = load_description(folder).description
    lists = {split: f"{split}.txt" for split in SPLITS}
    is_ours = there.images == IMAGES and there.label_patterns == {"semantic": LABELS} and bool(there.split_lists)
    if not is_ours or not (there.split_lists or {}).items() <= lists.items():
        raise BadInput(
            f"{LABELS_FOLDER} must be a folder that the studio made, but got another description in "
            f"{DESCRIPTION_FILE}; rename that folder."
        )


def _stem(folder: Path, name: str, image_HWC: np.ndarray) -> str:
    pixels = pixel_hash(image_HWC)
    same = sorted((folder / IMAGES).glob(f"*-{pixels}.png"))
    if same:
        return same[0].stem
    safe = safe_stem(name)
    safe = safe[: -len(Path(safe).suffix)] if safe.lower().endswith(SUFFIXES) else safe
    # A line of a list that begins with # is a comment, and white space around a line is no part of it.
    safe = re.sub(r"^[#\s.]+|\s+$", "", safe)
    return f"{safe or 'image'}-{pixels}"


def _png_of_pixels(image_HWC: np.ndarray) -> bytes:
    """Nothing but pixels: no EXIF, no place, no maker."""
    return picture_bytes(image_HWC, "PNG", compress_level=PNG_LEVEL)


def _lists_with(folder: Path, stem: str) -> dict[str, list[str]]:
    """The splits that have photographs, without those whose files somebody took away."""
    images, labels = ({path.stem for path in (folder / kind).iterdir()} for kind in (IMAGES, LABELS))
    lists = {}
    for split in SPLITS:
        path = folder / f"{split}.txt"
        listed = stems_of_list(path) if path.exists() else []
        lists[split] = [one for one in listed if one in images and one in labels]
    if not any(stem in listed for listed in lists.values()):
        wanted = max(1, round(VAL_SHARE * (1 + sum(map(len, lists.values())))))
        lists["val" if lists["train"] and len(lists["val"]) < wanted else "train"].append(stem)
    return {split: listed for split, listed in lists.items() if listed}


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{LABELS_FOLDER} must be a folder, but got a file; rename it.")
    with folder_lock(folder, LOCK):
        yield
