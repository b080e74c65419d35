"""One label of a small data set spoilt: `BAD_LABELS` maps a name to what spoils it, and to what must be said of it."""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from small_run import write_rectangles

STEM = "3"
SIZE = (32, 40)
COLOURS = ("#000000", "#ff0000", "#00ff00")
SPLITS = ("train", "val")


@dataclass(frozen=True)
class SpoiltFile:
    """Where the spoilt label lies, and its sound values."""

    folder: Path
    split: str
    values_HW: np.ndarray

    @property
    def path(self) -> Path:
        return self.folder / self.split / "labels" / f"{STEM}.png"

    def save(self, picture: Image.Image, file_format: str = "PNG") -> None:
        """Whatever the format, the name stays .png."""
        stream = io.BytesIO()
        picture.save(stream, file_format)
        self.path.write_bytes(stream.getvalue())


def data_set(folder: Path, split: str) -> SpoiltFile:
    """Six pairs in train and six in val, all sound; the label that may be spoilt."""
    write_rectangles(folder, size=SIZE)
    values_HW = np.asarray(Image.open(folder / split / "labels" / f"{STEM}.png"))
    return SpoiltFile(folder, split, values_HW.copy())


def colour_coded(spoilt: SpoiltFile) -> np.ndarray:
    """The data set anew with labels in colours; the spoilt label's colours."""
    colour_of = {index: tuple(bytes.fromhex(colour[1:])) for index, colour in enumerate(COLOURS)} | {255: (255,) * 3}
    rgb_HW3 = np.zeros((*SIZE, 3), np.uint8)
    for split in SPLITS:
        for path in (spoilt.folder / split / "labels").iterdir():
            values_HW = np.asarray(Image.open(path))
            rgb_HW3 = np.array([[colour_of[int(value)] for value in row] for row in values_HW], dtype=np.uint8)
            Image.fromarray(rgb_HW3).save(path)
    description = spoilt.folder / "mereo.yaml"
    text = description.read_text()
    for name, colour in zip(("blue", "red", "green"), COLOURS):
        text = text.replace(f"- {name}\n", f"- {{name: {name}, ids: ['{colour}']}}\n")
    description.write_text(text.replace("- 255\n", "- '#ffffff'\n"))
    return rgb_HW3


def _value(value: int, dtype: type = np.uint8, file_format: str = "PNG") -> Callable:
    """At one pixel, by chance; the message must name that pixel and that value."""

    def spoil(spoilt: SpoiltFile, random: np.random.Generator) -> str:
        row, column = (int(random.integers(0, side)) for side in SIZE)
        values_HW = spoilt.values_HW.astype(dtype)
        values_HW[row, column] = value
        spoilt.save(Image.fromarray(values_HW), file_format)
        at = rf"but got {value} at pixel \(row {row}, column {column}\) in .*{{file}}"
        return f"label ids must be in the label table .*{at}"

    return spoil


def _off_by(rows: int, columns: int) -> Callable:
    def spoil(spoilt: SpoiltFile, random: np.random.Generator) -> str:
        height, width = SIZE[0] + rows, SIZE[1] + columns
        spoilt.save(Image.fromarray(np.zeros((height, width), np.uint8)))
        return rf"label must have the image's size 40x32 .*but got {width}x{height} in .*{{file}}"

    return spoil


def _as_format(file_format: str, told: str) -> Callable:
    def spoil(spoilt: SpoiltFile, random: np.random.Generator) -> str:
        spoilt.save(Image.fromarray(spoilt.values_HW), file_format)
        return f"a label must be stored without loss .*but got {told} in .*{{file}}"

    return spoil


def _mode(mode: str) -> Callable:
    def spoil(spoilt: SpoiltFile, random: np.random.Generator) -> str:
        spoilt.save(Image.new(mode, SIZE[::-1]), "TIFF")
        return f"a label must hold whole numbers or RGB colours, but got mode '{mode}' in .*{{file}}"

    return spoil


def _colours_for_numbers(spoilt: SpoiltFile, random: np.random.Generator) -> str:
    rgb_HW3 = np.repeat(spoilt.values_HW[..., None], 3, axis=-1)
    row, column = (int(random.integers(0, side)) for side in SIZE)
    rgb_HW3[row, column] = (1, 2, 3)
    spoilt.save(Image.fromarray(rgb_HW3))
    return rf"one number a pixel, but got colour #010203 at pixel \(row {row}, column {column}\) in .*{{file}}"


def _unknown_colour(spoilt: SpoiltFile, random: np.random.Generator) -> str:
    rgb_HW3 = colour_coded(spoilt)
    rgb_HW3[7, 9] = (254, 0, 0)
    spoilt.save(Image.fromarray(rgb_HW3))
    return r"but got colour #fe0000 at pixel \(row 7, column 9\) in .*{file}"


def _bytes(content: Callable[[bytes, np.random.Generator], bytes], told: str) -> Callable:
    def spoil(spoilt: SpoiltFile, random: np.random.Generator) -> str:
        spoilt.path.write_bytes(content(spoilt.path.read_bytes(), random))
        return f"an image must .*but got {told}.* in .*{{file}}"

    return spoil


def _pipe(spoilt: SpoiltFile, random: np.random.Generator) -> str:
    spoilt.path.unlink()
    os.mkfifo(spoilt.path)
    return "an image must be a regular file, but got a device, pipe or socket in .*{file}"


def _circle(spoilt: SpoiltFile, random: np.random.Generator) -> str:
    spoilt.path.unlink()
    spoilt.path.symlink_to(spoilt.path.name)
    return "must be a readable file, but got Too many levels of symbolic links in .*{file}"


Spoil = Callable[[SpoiltFile, np.random.Generator], str]
BAD_LABELS: dict[str, Spoil] = {
    "id behind the last class": _value(3),
    "id far out": _value(254),
    "wide id that wraps around to a class": _value(256, np.uint16),
    "wide id": _value(65535, np.uint16),
    "negative id": _value(-1, np.int32, "TIFF"),
    "colour where numbers are meant": _colours_for_numbers,
    "colour outside the map": _unknown_colour,
    "a row too many": _off_by(1, 0),
    "a column too few": _off_by(0, -1),
    "turned": _off_by(8, -8),
    "JPEG": _as_format("JPEG", "JPEG"),
    "WEBP": _as_format("WEBP", "WEBP"),
    "CMYK": _mode("CMYK"),
    "float": _mode("F"),
    "empty": _bytes(lambda content, random: b"", "an empty file"),
    "text": _bytes(lambda content, random: b"label\n" * 9, "text"),
    "cut": _bytes(lambda content, random: content[: int(len(content) * random.uniform(0.5, 0.8))], ""),
    "pipe": _pipe,
    "link in a circle": _circle,
}


def _unpaired(spoilt: SpoiltFile, random: np.random.Generator) -> str:
    spoilt.path.unlink()
    return "images and semantic must be paired by stem, but got 1 of 6 stems have no file for 'semantic': 3 in"


def _label_without_image(spoilt: SpoiltFile, random: np.random.Generator) -> str:
    spoilt.save(Image.fromarray(spoilt.values_HW))
    spoilt.path.with_name("7.png").write_bytes(spoilt.path.read_bytes())
    return "images and semantic must be paired by stem, but got 1 of 7 files have no image for 'semantic': 7 in"


def _two_of_one_stem(spoilt: SpoiltFile, random: np.random.Generator) -> str:
    spoilt.path.with_suffix(".tif").write_bytes(spoilt.path.read_bytes())
    return "a stem must name one file, but got 3.png and 3.tif in"


def _all_ignored(spoilt: SpoiltFile, random: np.random.Generator) -> str:
    for path in (spoilt.folder / spoilt.split / "labels").iterdir():
        Image.fromarray(np.full(SIZE, 255, np.uint8)).save(path)
    return "must hold at least one labelled pixel, but got none"


# What is wrong with a split as a whole: nothing of it can be counted.
BAD_SPLITS: dict[str, Spoil] = {
    "label missing": _unpaired,
    "label without image": _label_without_image,
    "two labels of one stem": _two_of_one_stem,
    "all ignored": _all_ignored,
}
