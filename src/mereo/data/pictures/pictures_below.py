"""The pictures of a folder and of the folders in it: what is found must lie there, wherever links lead."""

import os
from collections.abc import Iterator
from pathlib import Path

from mereo.data.pictures.image_reading import SUFFIXES

# What the studio saves beside photographs: class maps and copies, found nowhere but where the folder itself is named.
LABELS_FOLDER = "mereo_labels"
LINKED_FOLDER = "a link to a folder is not followed; name that folder itself"
LINK_OUT = "a link out of its folder is not followed; name the picture itself"


def pictures_below(folder: str, *, skipped: list[tuple[str, str]], without: str | None = None) -> Iterator[Path]:
    """Folder by folder, sorted; nothing hidden, no labels of the studio, nothing of the folder `without` (absolute).

    What is not followed or cannot be listed goes to `skipped`, with the reason: links may lead out of the folder, or
    around in a circle, and a folder may come from somebody else.
    """
    inside = os.path.realpath(folder)

    def is_left_out(path: str) -> bool:
        return without is not None and is_below(path, without)

    def cannot_list(error: OSError) -> None:
        skipped.append((str(error.filename), f"a folder must be readable, but got {error.strerror}"))

    for parent, folders, files in os.walk(folder, onerror=cannot_list):
        folders[:] = sorted(
            one
            for one in folders
            if not one.startswith(".") and one != LABELS_FOLDER and not is_left_out(os.path.join(parent, one))
        )
        linked = [os.path.join(parent, one) for one in folders if os.path.islink(os.path.join(parent, one))]
        skipped += [(one, LINKED_FOLDER) for one in linked]
        if not is_left_out(parent):
            for file in sorted(files):
                path = os.path.join(parent, file)
                if not file.lower().endswith(SUFFIXES) or file.startswith("."):
                    continue
                if os.path.islink(path) and not is_below(os.path.realpath(path), inside):
                    skipped.append((path, LINK_OUT))
                else:
                    yield Path(path)


def is_below(path: str, folder: str) -> bool:
    """Whether a path is the folder or lies in it; links are taken as they stand.

    >>> is_below("/a/b/c", "/a/b"), is_below("/a/b", "/a/b"), is_below("/a/bc", "/a/b")
    (True, True, False)
    """
    absolute = os.path.abspath(path)
    return absolute == folder or absolute.startswith(folder.rstrip(os.sep) + os.sep)
