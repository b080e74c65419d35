"""From what stands on the command line (files, folders, quoted patterns) to the images that are meant, each once."""

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mereo.data.pictures.image_reading import SUFFIXES
from mereo.data.pictures.pictures_below import is_below, pictures_below
from mereo.errors import BadInput, few_of
from mereo.text_lines import printable


@dataclass(frozen=True)
class InputImages:
    """`missing` holds what led to no image at all, with the reason."""

    paths: tuple[Path, ...]
    missing: tuple[tuple[str, str], ...]

    def require_any(self) -> None:
        if not self.paths:
            tried = few_of([f"{printable(what)}: {reason}" for what, reason in self.missing])
            raise BadInput(
                f"paths must lead to at least one image ({', '.join(SUFFIXES)}), but got none ({tried}); check the "
                "names, and put patterns in quotes."
            )


def find_images(arguments: Sequence[str], *, without: Path) -> InputImages:
    """In the order of the arguments, folders sorted; nothing from `without`, the output folder.

    What is named is read, wherever a link leads. What is only found in a folder must lie in it: links may lead out of
    it, or around in a circle, and a folder may come from somebody else.
    """
    found: dict[str, Path] = {}
    missing: list[tuple[str, str]] = []
    excluded = os.path.abspath(without)
    for argument in arguments:
        paths, skipped = _images_of(argument, excluded)
        missing += skipped
        for path in paths:
            found.setdefault(os.path.abspath(path), path)
    return InputImages(tuple(found.values()), tuple(missing))


def _images_of(argument: str, excluded: str) -> tuple[list[Path], list[tuple[str, str]]]:
    """The images that an argument means, and what is not followed, with reasons; or the reason why there is none."""
    skipped: list[tuple[str, str]] = []
    # A file that is really called a[1].jpg is that file, and no pattern.
    if os.path.isdir(argument):
        paths = list(pictures_below(argument, without=excluded, skipped=skipped))
        reason = f"the folder holds no {', '.join(SUFFIXES)} file"
    elif os.path.lexists(argument):
        return [Path(argument)], []
    elif not glob.has_magic(argument):
        return [], [(_shortened(argument), "there is no such file or folder")]
    else:
        paths, reason = [], "the pattern matches no file"
        for match in _matches(argument):
            if os.path.isdir(match):
                paths += pictures_below(str(match), without=excluded, skipped=skipped)
            elif not is_below(str(match), excluded):
                paths.append(match)
    return paths, skipped if paths or skipped else [(_shortened(argument), reason)]


def _matches(pattern: str) -> list[Path]:
    """Like the shell: names that start with a dot only where the pattern has the dot; `**` follows no links."""
    steps = Path(pattern).parts
    plain = next(at for at, step in enumerate(steps) if glob.has_magic(step))
    root, wanted = Path(*steps[:plain]), steps[plain:]
    is_dotted = any(step.startswith(".") for step in wanted)
    try:
        matches = sorted(root.glob(os.path.join(*wanted)))
    except (ValueError, OSError):  # Such as `a**b`, and names that no file can have.
        return []
    return [match for match in matches if is_dotted or not _is_hidden(match.parts[len(root.parts) :])]


def _is_hidden(steps: Sequence[str]) -> bool:
    return any(step.startswith(".") for step in steps)


def _shortened(argument: str) -> str:
    """No file has a name of thousands of letters; a line about it need not have them either."""
    return argument if len(argument) <= 300 else f"{argument[:140]}...{argument[-140:]}"
