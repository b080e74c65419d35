"""A COCO panoptic data set, and everything that can be wrong with it: `BAD_JSON` spoils its text, `BAD_SEGMENTS` its
PNGs. Each maps a name to what spoils, and to what must be said.
"""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZE = (32, 40)
SKY, CAR, BUS = 500, 7, 70000
CROWD = 9
CATEGORIES = [
    {"id": 3, "name": "sky", "isthing": 0},
    {"id": 8, "name": "car", "isthing": 1},
    {"id": 1, "name": "bus", "isthing": 1},
]
NAMES = ["bus", "sky", "car"]


def ids_HW(number: int) -> np.ndarray:
    """Sky above cars, a bus in between, a crowd below, and a border that nobody labelled."""
    ids = np.full(SIZE, SKY, np.int64)
    ids[16:28] = CAR
    ids[10:20, 5 + number : 20] = BUS
    ids[28:] = CROWD
    ids[:, 0] = 0
    return ids


def write_ids(path: Path, ids: np.ndarray) -> None:
    Image.fromarray(np.stack([ids & 255, ids >> 8 & 255, ids >> 16], axis=-1).astype(np.uint8)).save(path)


def write_coco(root: Path, *, count: int = 3) -> dict[str, Any]:
    """Images, segments and panoptic.json below `root`; the JSON's content."""
    for folder in ("images", "segments"):
        (root / folder).mkdir(parents=True)
    images, annotations = [], []
    for number in range(count):
        random = np.random.default_rng(number)
        noise_HW3 = random.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        Image.fromarray(noise_HW3).save(root / "images" / f"{number}.jpg")
        write_ids(root / "segments" / f"{number}.png", ids_HW(number))
        images.append({"id": number, "file_name": f"{number}.jpg", "height": SIZE[0], "width": SIZE[1]})
        segments = [
            {"id": SKY, "category_id": 3, "iscrowd": 0},
            {"id": CAR, "category_id": 8, "iscrowd": 0},
            {"id": BUS, "category_id": 1, "iscrowd": 0},
            {"id": CROWD, "category_id": 8, "iscrowd": 1},
        ]
        annotations.append({"image_id": number, "file_name": f"{number}.png", "segments_info": segments})
    content = {"images": images, "annotations": annotations, "categories": CATEGORIES}
    (root / "panoptic.json").write_text(json.dumps(content))
    return content


def source() -> dict[str, str]:
    """The data source of a recipe that lies beside the folder `data`."""
    files = {"annotations": "panoptic.json", "segments": "segments", "images": "images"}
    return {"format": "coco_panoptic", "root": "data", **files}


def _text(change: Callable[[str, np.random.Generator], str | bytes]) -> Callable:
    def spoil(root: Path, random: np.random.Generator) -> None:
        path = root / "panoptic.json"
        text = change(path.read_text(), random)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    return spoil


def _put(path: list[str | int], value: Any) -> Callable:
    """One place of the JSON changed."""

    def spoil(root: Path, random: np.random.Generator) -> None:
        content = copy.deepcopy(json.loads((root / "panoptic.json").read_text()))
        at = content
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value
        # Python writes NaN and Infinity as the words that its reader takes too.
        (root / "panoptic.json").write_text(json.dumps(content))

    return spoil


Spoil = Callable[[Path, np.random.Generator], None]
SEGMENT: list[str | int] = ["annotations", 1, "segments_info", 1]
NO_JSON = "annotations must be JSON, but got .* in .*panoptic.json"
INVALID = "annotations .*panoptic.json must be valid, but got: "
BAD_JSON: dict[str, tuple[Spoil, str]] = {
    "cut": (_text(lambda text, random: text[: int(random.integers(1, len(text) - 1))]), NO_JSON),
    "empty": (_text(lambda text, random: ""), NO_JSON),
    "a bracket too many": (_text(lambda text, random: text + "]"), NO_JSON),
    "commas as in Python": (_text(lambda text, random: text.replace("}]", "},]")), NO_JSON),
    "nested lists": (_text(lambda text, random: "[" * 200_000), NO_JSON),
    "nested mappings": (_text(lambda text, random: '{"a":' * 200_000), NO_JSON),
    "no UTF-8": (_text(lambda text, random: text.replace("sky", "ciel é").encode("latin-1")), NO_JSON),
    "UTF-16": (_text(lambda text, random: text.encode("utf-16")), NO_JSON),
    "noise": (_text(lambda text, random: random.bytes(500)), NO_JSON),
    "a null byte": (_text(lambda text, random: text.replace("sky", "s\0y")), NO_JSON),
    "a number of 5000 digits": (_text(lambda text, random: text.replace("70000", "9" * 5000)), NO_JSON),
    "a key twice": (_text(lambda text, random: '{"images": [], ' + text[1:]), NO_JSON),
    "a list": (_text(lambda text, random: "[1, 2]"), INVALID + r"\(top\)"),
    "null": (_text(lambda text, random: "null"), INVALID + r"\(top\)"),
    "a number of 70 bits": (_put([*SEGMENT, "id"], 2**70), INVALID + "annotations.1.segments_info.1.id"),
    "a number of 60000 bits in words": (_put(["images", 0, "file_name"], 10**4000), INVALID + "images.0.file_name"),
    "NaN as id": (_put([*SEGMENT, "id"], float("nan")), INVALID + "annotations.1.segments_info.1.id"),
    "infinite category": (_put([*SEGMENT, "category_id"], float("inf")), INVALID + "annotations.1.segments_info.1"),
    "half an id": (_put([*SEGMENT, "id"], 7.5), INVALID + "annotations.1.segments_info.1.id"),
    "an id of 25 bits": (_put([*SEGMENT, "id"], 1 << 24), INVALID + "annotations.1.segments_info.1.id"),
    "a negative id": (_put([*SEGMENT, "id"], -7), INVALID + "annotations.1.segments_info.1.id"),
    "an id twice": (_put([*SEGMENT, "id"], SKY), "segment id of 1.png must occur once, but got 500 twice"),
    "an unknown category": (
        _put([*SEGMENT, "category_id"], 99),
        "one of categories, but got 99 for segment 7 of 1.png",
    ),
    "a category twice": (_put(["categories", 1, "id"], 3), "category id must occur once, but got 3 twice"),
    "a category's name twice": (_put(["categories", 1, "name"], "sky"), "category name must occur once"),
    "a category without name": (_put(["categories", 1, "name"], None), INVALID + "categories.1.name"),
    "half a surrogate as name": (_put(["categories", 1, "name"], "\ud800"), NO_JSON),
    "a name that clears the screen": (_put(["categories", 1, "name"], "\x1b[2J"), "class names must be printable"),
    "a colour of 300": (_put(["categories", 1, "color"], [300, 0, 0]), INVALID + "categories.1.color"),
    "no categories": (_put(["categories"], []), "categories"),
    "no annotations": (_put(["annotations"], []), "at least one image, but got none"),
    "an image twice": (_put(["images", 1, "id"], 0), "image id must occur once, but got 0 twice"),
    "an unknown image": (_put(["annotations", 1, "image_id"], 9), "image_id must be one of images, but got 9"),
    "a file that is not there": (_put(["images", 1, "file_name"], "9.jpg"), "must exist, but got none in .*9.jpg"),
    "a file above": (_put(["images", 1, "file_name"], "../secret.jpg"), "must stay inside its folder"),
    "a file of the machine": (_put(["annotations", 1, "file_name"], "/etc/hostname"), "must stay inside its folder"),
    "a file of 10,000 letters": (_put(["images", 1, "file_name"], "x" * 10_000), INVALID + "images.1.file_name"),
    "a file of 300 letters": (_put(["images", 1, "file_name"], "x" * 300), "must exist, but got none in"),
    "a file with a null byte": (_put(["images", 1, "file_name"], "a\0.jpg"), "must stay inside its folder"),
    "a folder as file": (_put(["images", 1, "file_name"], "."), "must exist, but got none in"),
}


def _redrawn(change: Callable[[np.ndarray], np.ndarray]) -> Callable:
    return lambda root, random: write_ids(root / "segments" / "1.png", change(ids_HW(1)))


def _file(write: Callable[[Path], None]) -> Callable:
    return lambda root, random: write(root / "segments" / "1.png")


BAD_SEGMENTS: dict[str, tuple[Spoil, str]] = {
    "missing in the PNG": (
        _redrawn(lambda ids: np.where(ids == CAR, SKY, ids)),
        "every listed segment must have pixels, but got none of id 7 .*1.png",
    ),
    "missing in the JSON": (
        _redrawn(lambda ids: np.where(ids == CAR, 8, ids)),
        r"but got (id )?8 at pixel \(row \d+, column \d+\) in .*1.png",
    ),
    "a row too many": (_redrawn(lambda ids: np.vstack([ids, ids[-1:]])), "but got 40x33 in .*1.png"),
    "grey": (
        _file(lambda path: Image.fromarray(ids_HW(1).astype(np.uint8)).save(path)),
        "this label must have three channels, but got one in .*1.png",
    ),
    "JPEG": (
        _file(lambda path: Image.fromarray(np.zeros((*SIZE, 3), np.uint8)).save(path, "JPEG")),
        "a label must be stored without loss .*but got JPEG in .*1.png",
    ),
    "empty": (_file(lambda path: path.write_bytes(b"") and None), "an image must be .* got an empty file in .*1.png"),
    "cut": (_file(lambda path: path.write_bytes(path.read_bytes()[:60]) and None), "an image must be .*1.png"),
}
