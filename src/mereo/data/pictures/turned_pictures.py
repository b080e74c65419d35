"""Pictures that their EXIF tag turns while their labels carry none: where the sizes agree, nothing else tells."""

from collections.abc import Iterable
from pathlib import Path

from mereo.data.pictures.image_reading import open_picture
from mereo.data.pictures.orientation import exif_orientation


def is_turned(picture: Path) -> bool:
    with open_picture(picture) as opened:
        return exif_orientation(opened) != 1


def is_turned_alone(picture: Path, labels: Iterable[Path]) -> bool:
    """`labels`: those whose own tags their reader follows."""
    return is_turned(picture) and not any(is_turned(label) for label in labels)
