"""The photograph under its instances: masks in the colours of their classes, boxes, names with scores."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from mereo.atomic_files import atomic_path
from mereo.data.instances import Instances
from mereo.drawing.file_stems import UniqueStems
from mereo.drawing.lettering import drawable, font_of, shortened, text_size, write_with_halo
from mereo.drawing.overlay import outline, outline_pixels

MASK_STRENGTH = 0.45
LOWEST_SCORE = 0.5


def draw_instances(
    image_HWC: np.ndarray,
    instances: Instances,
    *,
    names: Sequence[str],
    colours_K3: np.ndarray,
    lowest_score: float = LOWEST_SCORE,
    most: int = 30,
) -> np.ndarray:
    """H W 3 uint8. Names and colours are of the things. The best `most` with at least `lowest_score`, best on top."""
    order = np.argsort(-instances.score_N, kind="stable")
    shown = [int(index) for index in order if instances.score_N[index] >= lowest_score][:most]
    picture_HWC = np.array(image_HWC)
    for index in reversed(shown):
        mask_HW = instances.masks[index].mask_HW()
        colour_3 = colours_K3[instances.label_N[index]]
        mixed = picture_HWC[mask_HW] * (1 - MASK_STRENGTH) + colour_3 * MASK_STRENGTH
        picture_HWC[mask_HW] = np.rint(mixed).astype(np.uint8)
        outline(picture_HWC, mask_HW)
    picture = Image.fromarray(picture_HWC)
    pen = ImageDraw.Draw(picture)
    thickness = outline_pixels(instances.size)
    for index in reversed(shown):
        left, top, right, bottom = (float(side) for side in instances.boxes_N4[index])
        colour = tuple(int(value) for value in colours_K3[instances.label_N[index]])
        corners = (left, top, max(left, right - 1), max(top, bottom - 1))
        pen.rectangle(corners, outline=(colour[0], colour[1], colour[2]), width=thickness)
    # Words last: no box may cross them.
    for index in reversed(shown):
        label = int(instances.label_N[index])
        text = f"{drawable(names[label], otherwise=f'class {label}')} {instances.score_N[index]:.2f}"
        _write_at(picture, instances.boxes_N4[index], text)
    return np.asarray(picture).copy()


def _write_at(picture: Image.Image, box_4: np.ndarray, text: str) -> None:
    """At the box's upper left corner, moved inside where it would leave the picture."""
    font = font_of(max(9, round(max(picture.size) / 45)))
    text = shortened(text, font, picture.width * 0.9)
    width, height = text_size(text, font)
    left = min(max(0, float(box_4[0])), max(0, picture.width - width))
    top = min(max(0, float(box_4[1]) - height), max(0, picture.height - height))
    write_with_halo(picture, (round(left + width / 2), round(top + height / 2)), text, font)


class InstancePictures:
    """Shown every image, it writes the overlays of the first few as PNGs into a folder."""

    def __init__(self, folder: Path, *, count: int, names: Sequence[str], colours_K3: np.ndarray) -> None:
        self.folder, self.count = folder, count
        self.names, self.colours_K3 = names, colours_K3
        self.written: list[Path] = []
        self._stems = UniqueStems()

    def see(self, name: str, image_HWC: np.ndarray, instances: Instances) -> None:
        if len(self.written) >= self.count:
            return
        drawn_HWC = draw_instances(image_HWC, instances, names=self.names, colours_K3=self.colours_K3)
        path = self.folder / f"{self._stems.take(name)}.png"
        with atomic_path(path) as temporary:
            Image.fromarray(drawn_HWC).save(temporary, format="PNG")
        self.written.append(path)
