"""The photographs of one folder by number: listed, shown small, read. No request ever names a path."""

import itertools
import logging
import os
import re
import stat
import threading
import time
from collections import OrderedDict
from pathlib import Path

import numpy as np

from mereo.data.pictures.image_reading import decode_image, decode_preview
from mereo.data.pictures.picture_bytes import picture_bytes
from mereo.data.pictures.pictures_below import is_below, pictures_below
from mereo.errors import BadInput
from mereo.picture_sizes import MAX_PIXELS
from mereo.text_lines import printable

LOG = logging.getLogger("mereo")
MAX_PHOTOGRAPHS = 10_000
SECONDS_BETWEEN_LOOKS = 3.0
THUMBNAIL_SIDE, JPEG_QUALITY, MAX_THUMBNAILS = 320, 82, 600
# What 64 million pixels of 16 bits in three colours take without compression, and some more.
MAX_BYTES = 512 * 2**20


class NoSuchPhotograph(BadInput):
    """The number was never given, or its file is gone."""


class FolderPhotographs:
    """A photograph keeps its number as long as this object lives; new ones get new numbers, wherever they are listed.

    Listed is what `mereo parse FOLDER` would take, in the order of people (2 before 10), without the folder of saved
    labels. Errors name a photograph as the list does, relative to the folder.
    """

    def __init__(self, folder: Path, *, max_pixels: int = MAX_PIXELS) -> None:
        if not folder.is_dir():
            raise BadInput(f"photographs must lie in a folder, but got none at {str(folder)!r:.300}; check the path.")
        self.folder, self.max_pixels = folder, max_pixels
        self._guard = threading.Lock()
        self._path_of_number: list[Path] = []
        self._number_of_path: dict[Path, int] = {}
        self._listed: list[int] = []
        self._next_look, self._is_cut = 0.0, False
        self._thumbnails: OrderedDict[tuple[int, int, int], bytes] = OrderedDict()
        self._look()

    @property
    def total(self) -> int:
        self._look()
        return len(self._listed)

    def names(self, start: int, count: int) -> list[tuple[int, str]]:
        """Number and name relative to the folder of `count` photographs, or fewer at the end of the list."""
        if start < 0 or count < 0:
            raise BadInput(f"start and count must be 0 or more, but got {start} and {count}; begin with 0.")
        self._look()
        return [(number, self._name(number)) for number in self._listed[start : start + count]]

    def thumbnail(self, number: int) -> bytes:
        """JPEG of pixels alone, upright, at most 320 a side."""
        path = self._path(number)
        facts = self._facts(number, path)
        key = (number, facts.st_mtime_ns, facts.st_size)
        with self._guard:
            if key in self._thumbnails:
                self._thumbnails.move_to_end(key)
                return self._thumbnails[key]
        content = self._content(number, path)
        preview_HWC = decode_preview(content, side=THUMBNAIL_SIDE, name=self._name(number), max_pixels=self.max_pixels)
        written = picture_bytes(preview_HWC, "JPEG", quality=JPEG_QUALITY)
        with self._guard:
            self._thumbnails[key] = written
            while len(self._thumbnails) > MAX_THUMBNAILS:
                self._thumbnails.popitem(last=False)
        return written

    def image(self, number: int) -> tuple[str, np.ndarray]:
        """Name, and H W 3 uint8 upright."""
        path = self._path(number)
        self._facts(number, path)
        name = self._name(number)
        return name, decode_image(self._content(number, path), name=name, max_pixels=self.max_pixels)

    def _look(self) -> None:
        with self._guard:
            if time.monotonic() < self._next_look:
                return
            found = pictures_below(str(self.folder), skipped=[])
            paths = list(itertools.islice(found, MAX_PHOTOGRAPHS + 1))
            if len(paths) > MAX_PHOTOGRAPHS and not self._is_cut:
                LOG.warning("The folder holds more than %d photographs: the first are shown.", MAX_PHOTOGRAPHS)
                self._is_cut = True
            paths = sorted(paths[:MAX_PHOTOGRAPHS], key=lambda path: natural_order(path.relative_to(self.folder)))
            for path in paths:
                if path not in self._number_of_path:
                    self._number_of_path[path] = len(self._path_of_number)
                    self._path_of_number.append(path)
            self._listed = [self._number_of_path[path] for path in paths]
            self._next_look = time.monotonic() + SECONDS_BETWEEN_LOOKS

    def _path(self, number: int) -> Path:
        if not 0 <= number < len(self._path_of_number):
            raise NoSuchPhotograph(
                f"a photograph must be one of the folder's by its number, but got {number}; ask for the list again."
            )
        return self._path_of_number[number]

    def _name(self, number: int) -> str:
        return printable(self._path_of_number[number].relative_to(self.folder).as_posix())

    def _facts(self, number: int, path: Path) -> os.stat_result:
        """Of a regular file in the folder; since it was listed a link, a pipe or nothing may have come in its place."""
        try:
            facts = path.stat()
        except OSError as error:
            raise self._gone(number, error.strerror) from error
        if not stat.S_ISREG(facts.st_mode) or not is_below(os.path.realpath(path), os.path.realpath(self.folder)):
            raise self._gone(number, "something else in its place")
        if facts.st_size > MAX_BYTES:
            raise BadInput(
                f"a photograph must have at most {MAX_BYTES:,} bytes, but got {facts.st_size:,} in "
                f"{self._name(number)}; save it smaller."
            )
        return facts

    def _content(self, number: int, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise self._gone(number, error.strerror) from error

    def _gone(self, number: int, got: str | None) -> NoSuchPhotograph:
        return NoSuchPhotograph(
            f"a photograph must still be there and readable, but got {got} in {self._name(number)}; choose another, or "
            "bring it back."
        )


def natural_order(path: Path) -> list[list[tuple[str, int]]]:
    """Letters by the alphabet and numbers by their size, folder by folder.

    >>> [path.name for path in sorted(map(Path, ["b2.png", "B10.png", "a/3.png", "b1.png"]), key=natural_order)]
    ['3.png', 'b1.png', 'b2.png', 'B10.png']
    """
    return [
        [(letters.casefold(), int(digits or 0)) for letters, digits in re.findall(r"(\D*)(\d*)", part)]
        for part in path.parts
    ]
