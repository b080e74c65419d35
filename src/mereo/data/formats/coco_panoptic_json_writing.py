"""The JSON of COCO panoptic, written: categories, images, and for each image its segments with areas and boxes."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mereo.atomic_files import atomic_path
from mereo.data.panoptic_map import PanopticSegment
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput

# COCO's files are named by the image's number in twelve digits.
COCO_DIGITS = 12


@dataclass(frozen=True)
class WrittenSegment:
    """The box ends after the last pixel (x1, y1 exclusive), as everywhere in Mereo."""

    segment: PanopticSegment
    area_pixels: int
    box_xyxy: tuple[int, int, int, int]


@dataclass(frozen=True)
class WrittenImage:
    """One image of a JSON; its ids are in STEM.png."""

    stem: str
    file_name: str
    size: tuple[int, int]
    segments: tuple[WrittenSegment, ...]

    @property
    def image_id(self) -> int | str:
        return image_id_of(self.stem)


def image_id_of(stem: str) -> int | str:
    """COCO's own number where the stem is one; else the stem, which cannot be mistaken for the number of another image.

    >>> image_id_of("000000142238"), image_id_of("frame 7"), image_id_of("7")
    (142238, 'frame 7', '7')
    """
    is_number = len(stem) == COCO_DIGITS and stem.isascii() and stem.isdecimal()
    return int(stem) if is_number else stem


def category_ids(objects: LabelTable) -> tuple[int, ...]:
    """The classes' numbers in a JSON: those of the labels they come from, if each has one and they rise; else indices.

    So answers of a parser trained on COCO have COCO's numbers. Rising, because classes are read in this order.

    >>> names = ("sky", "car")
    >>> category_ids(LabelTable(names, {1: 0, 90: 1, 0: None})), category_ids(LabelTable(names, {9: 0, 3: 1}))
    ((1, 90), (0, 1))
    """
    raw_of_class: list[list[int]] = [[] for _ in objects.names]
    for raw, index in objects.raw_to_index.items():
        if index is not None:
            raw_of_class[index].append(raw)
    numbers = tuple(raws[0] for raws in raw_of_class if len(raws) == 1)
    is_rising = list(numbers) == sorted(numbers) and len(numbers) == len(objects)
    return numbers if is_rising and numbers[0] >= 0 and not objects.is_colour_coded else tuple(range(len(objects)))


def write_panoptic_json(path: str | Path, images: Iterable[WrittenImage], taxonomy: Taxonomy) -> Path:
    """Categories, images, annotations; a line each, and never all of them in memory as text."""
    numbers, images = category_ids(taxonomy.objects), list(images)
    ids: dict[int | str, str] = {}
    for image in images:
        if image.image_id in ids:
            raise BadInput(f"an image's id must occur once, but got {image.image_id!r} twice for {path}; rename one.")
        ids[image.image_id] = image.stem
    with (
        atomic_path(path) as temporary,
        open(temporary, "w", encoding="utf-8", newline="\n") as file,
    ):
        separator = "{"
        for key, entries in (
            ("categories", _categories(taxonomy, numbers)),
            ("images", map(_image, images)),
            ("annotations", (_annotation(image, numbers) for image in images)),
        ):
            file.write(f'{separator}"{key}": [')
            for number, entry in enumerate(entries):
                file.write((",\n" if number else "\n") + json.dumps(entry, ensure_ascii=False, allow_nan=False))
            file.write("\n]")
            separator = ",\n"
        file.write("}\n")
    return Path(path)


def _categories(taxonomy: Taxonomy, numbers: tuple[int, ...]) -> Iterable[dict[str, Any]]:
    for number, name, is_thing, colour in zip(
        numbers, taxonomy.object_names, taxonomy.is_thing, taxonomy.objects.colours_K3, strict=True
    ):
        yield {"id": number, "name": name, "isthing": int(is_thing), "color": colour.tolist()}


def _image(image: WrittenImage) -> dict[str, Any]:
    height, width = image.size
    return {"id": image.image_id, "file_name": as_text(image.file_name), "width": width, "height": height}


def as_text(name: str) -> str:
    """Bytes of a file name that were no UTF-8 (lone surrogates) as escapes: JSON may not hold them."""
    return name.encode("utf-8", errors="backslashreplace").decode("utf-8")


def _annotation(image: WrittenImage, numbers: tuple[int, ...]) -> dict[str, Any]:
    segments_info = []
    for written in image.segments:
        x0, y0, x1, y1 = written.box_xyxy
        segments_info.append(
            {
                "id": written.segment.id,
                "category_id": numbers[written.segment.class_index],
                "area": written.area_pixels,
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "iscrowd": int(written.segment.is_crowd),
            }
        )
    return {"image_id": image.image_id, "file_name": f"{image.stem}.png", "segments_info": segments_info}
