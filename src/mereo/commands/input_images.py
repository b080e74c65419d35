"""From what stands on the command line (files, folders, quoted patterns) to the images that are meant, each once."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mereo.data.image_reading import SUFFIXES


@dataclass(frozen=True)
class InputImages:
    """`missing` holds what led to no image at all, with the reason."""

    paths: tuple[Path, ...]
    missing: tuple[tuple[str, str], ...]


def find_images(arguments: Sequence[str], *, without: Path) -> InputImages:
    """In the order of the arguments, folders sorted; nothing from `without`, the output folder."""
    found: dict[str, Path] = {}
    missing: list[tuple[str, str]] = []
    excluded = os.path.abspath(without)
    for argument in arguments:
        paths, reason = _images_of(argument, excluded)
        if not paths:
            missing.append((argument, reason))
        for path in paths:
            found.setdefault(os.path.abspath(path), path)
    return InputImages(tuple(found.values()), tuple(missing))


def _images_of(argument: str, excluded: str) -> tuple[list[Path], str]:
    # A file that is really called a[1].jpg is that file, and no pattern.
    if os.path.isdir(argument):
        return list(_images_below(argument, excluded)), f"the folder holds no {', '.join(SUFFIXES)} file"
    if os.path.lexists(argument):
        return [Path(argument)], ""
    if not glob.has_magic(argument):
        return [], "there is no such file or folder"
    paths: list[Path] = []
    for match in sorted(glob.glob(argument, recursive=True)):
        if os.path.isdir(match):
            paths += _images_below(match, excluded)
        elif not _is_below(match, excluded):
            paths.append(Path(match))
    return paths, "the pattern matches no file"


def _images_below(folder: str, excluded: str) -> Iterator[Path]:
    """Links to folders are not followed: they may lead out of the folder, or around in a circle."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(
            one for one in folders if not one.startswith(".") and not _is_below(os.path.join(parent, one), excluded)
        )
        if not _is_below(parent, excluded):
            for file in sorted(files):
                if file.lower().endswith(SUFFIXES) and not file.startswith("."):
                    yield Path(parent) / file


def _is_below(path: str, folder: str) -> bool:
    absolute = os.path.abspath(path)
    return absolute == folder or absolute.startswith(folder.rstrip(os.sep) + os.sep)
