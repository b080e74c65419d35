"""Where the pictures and labels of Broden+'s four data sets lie, by the number that its records give them."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mereo.data.formats.broden_meta import meta_file, number, read_rows
from mereo.errors import BadInput

DATA_FOLDER = "broden_dataset"


@dataclass(frozen=True)
class BrodenFiles:
    """`root` holds `meta_file/` and `broden_dataset/`. Each list is read when it is asked for first."""

    root: Path

    def image(self, data_set: str, index: int) -> Path:
        # Only the list that is asked for is read: a user may have one data set of the four.
        lists: dict[str, Callable[[], list[Path]]] = {
            "ade20k": lambda: self.ade20k,
            "pascal": lambda: self.pascal,
            "os": lambda: self.opensurfaces,
            "dtd": lambda: self.textures,
        }
        found = lists[data_set]()
        if not 0 <= index < len(found):
            raise BadInput(f"a record's file_index must be below {len(found)} in {data_set}, but got {index}.")
        return found[index]

    @cached_property
    def ade20k(self) -> list[Path]:
        path = meta_file(self.root, "index_ade20k.mat")
        content = read_mat(path)
        try:
            index = content["index"]
            folders = [str(folder) for folder in np.atleast_1d(index["folder"][()])]
            files = [str(file) for file in np.atleast_1d(index["filename"][()])]
        except (TypeError, ValueError, IndexError, KeyError) as error:
            raise BadInput(
                f"ADE20K's index must hold folder and filename, but got neither in {path}; copy it."
            ) from error
        data = self.root / DATA_FOLDER / "ade20k"
        return [_inside(data, f"{folder}/{file}") for folder, file in zip(folders, files, strict=True)]

    @cached_property
    def ade20k_scene_words(self) -> dict[str, str]:
        """File stem -> scene word, where it has one."""
        lines = read_lines(meta_file(self.root, "scene_categories.txt"))
        return {
            words[0]: words[1] for line in lines if len(words := line.split()) > 1 and words[1] not in ("misc", "-")
        }

    @cached_property
    def pascal(self) -> list[Path]:
        """The pictures of those that have part annotations, sorted: records count through these."""
        folder = self.pascal_parts
        stems = sorted(path.stem for path in folder.glob("*.mat"))
        return [self.pascal_images / f"{stem}.jpg" for stem in stems]

    @property
    def pascal_folder(self) -> Path:
        return self.root / DATA_FOLDER / "pascal"

    @property
    def pascal_parts(self) -> Path:
        return self.pascal_folder / "part" / "Annotations_Part"

    @cached_property
    def pascal_images(self) -> Path:
        releases = sorted(path for path in self.pascal_folder.glob("VOC*") if path.is_dir())
        return (releases[-1] if releases else self.pascal_folder) / "JPEGImages"

    @cached_property
    def opensurfaces(self) -> list[Path]:
        folder = self.root / DATA_FOLDER / "opensurfaces"
        path = folder / "photos.csv"
        return [folder / "photos" / f"{number(row['photo_id'], path)}.jpg" for row in read_rows(path, ("photo_id",))]

    @cached_property
    def textures(self) -> list[Path]:
        data = self.root / DATA_FOLDER / "dtd"
        releases = sorted(path for path in data.glob("dtd-*") if path.is_dir())
        images = (releases[-1] if releases else data) / "images"
        lines = read_lines(meta_file(self.root, "labels_joint_anno.txt"))
        return [_inside(images, line.split()[0]) for line in lines if line.strip()]


def read_mat(path: Path) -> dict[str, Any]:
    """Arrays, names and numbers of a MATLAB file (up to version 7)."""
    from scipy.io import loadmat

    try:
        content: dict[str, Any] = loadmat(path, squeeze_me=True, chars_as_strings=True)
    except Exception as error:  # The reader has no error of its own for a file that is none.
        raise BadInput(
            f"a MATLAB file must be readable, but got {type(error).__name__} in {path}; copy it again."
        ) from error
    return content


def read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "bytes that are no UTF-8 text"
        raise BadInput(
            f"a list of Broden+ must be a readable text file, but got {reason} in {path}; copy it."
        ) from error


def _inside(folder: Path, name: str) -> Path:
    """A name found in a file must lie in its folder."""
    path = Path(os.path.normpath(folder / name))
    if not path.is_relative_to(folder):
        raise BadInput(f"a file of Broden+ must lie in {folder}, but got {name!r:.200}; mend the list.")
    return path
