"""A map of segments as pictures: dots over their density, coloured by what surrounds each; and thumbnails in place."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from mereo.drawing.lettering import INK, PAPER

WIDTH, LEAST_HEIGHT, MARGIN = 1400, 640, 80
# The density is smoothed over this share of the map, and shown in bands: an even wash has no edges to see.
SMOOTHING, BANDS = 0.02, 7
LIGHT, DARK = np.array([252, 252, 250]), np.array([150, 170, 196])
# Dots are drawn four times as large and reduced: round, not stepped.
OVERSAMPLING = 4
THUMBNAIL_SIDE, FRAME, GAP = 68, 4, 2
MAX_THUMBNAILS = 160
# The density is counted on a grid so many times coarser.
COARSER = 4


def map_size(position_N2: np.ndarray) -> tuple[int, int]:
    """Height and width of the map in pixels: as high as its places need, both multiples of the density's grid.

    >>> map_size(np.array([[0.0, 0.0], [1.0, 0.5]]))
    (780, 1400)
    """
    height = 2 * MARGIN + (WIDTH - 2 * MARGIN) * float(position_N2[:, 1].max(initial=0.0))
    return COARSER * round(max(LEAST_HEIGHT, height) / COARSER), WIDTH


def places_on_map(position_N2: np.ndarray) -> np.ndarray:
    """Pixels (x, y) for positions from 0 to 1, in the middle of the map."""
    height, width = map_size(position_N2)
    place_N2 = (WIDTH - 2 * MARGIN) * position_N2
    return place_N2 + (np.array([width, height]) - place_N2.max(axis=0, initial=0.0)) / 2


def density_of(position_N2: np.ndarray) -> np.ndarray:
    """Density on the map's own pixels, 1 where it is densest (H W)."""
    x_N, y_N = places_on_map(position_N2).T
    height, width = map_size(position_N2)
    bins = (height // COARSER, width // COARSER)
    count_hw, _, _ = np.histogram2d(y_N, x_N, bins=bins, range=[[0, height], [0, width]])
    density_hw = ndimage.gaussian_filter(count_hw, SMOOTHING * WIDTH / COARSER)
    density_HW = ndimage.zoom(density_hw, COARSER, order=1)
    return density_HW / max(density_HW.max(), 1e-12)


def main_surroundings(share_NK: np.ndarray, class_index: int) -> np.ndarray:
    """The class that there is most of around each segment, its own aside; -1 where there is none."""
    others_NK = share_NK.copy()
    others_NK[:, class_index] = 0
    return np.where(others_NK.max(axis=1) > 0, others_NK.argmax(axis=1), -1)


def draw_dots(position_N2: np.ndarray, main_N: np.ndarray, colours_K3: np.ndarray) -> np.ndarray:
    """H W 3 uint8: a dot a segment, in the colour of what is most around it, over the density of all."""
    picture = Image.fromarray(_wash(position_N2))
    dots = Image.new("RGBA", (picture.width * OVERSAMPLING, picture.height * OVERSAMPLING), (0, 0, 0, 0))
    pen = ImageDraw.Draw(dots)
    radius = OVERSAMPLING * float(np.clip(110 / np.sqrt(len(position_N2)), 3.2, 8.0))
    for (x, y), main in zip(places_on_map(position_N2) * OVERSAMPLING, main_N.tolist()):
        colour = tuple(colours_K3[main].tolist()) if main >= 0 else (150, 150, 150)
        pen.ellipse(
            (x - radius, y - radius, x + radius, y + radius), fill=colour, outline=(*INK, 150), width=OVERSAMPLING
        )
    dots = dots.resize(picture.size, Image.Resampling.LANCZOS)
    picture.paste(dots, (0, 0), dots)
    return np.asarray(picture).copy()


def draw_thumbnails(
    position_N2: np.ndarray, main_N: np.ndarray, thumbnails: Sequence[bytes], colours_K3: np.ndarray
) -> np.ndarray:
    """H W 3 uint8: as many thumbnails as have room, spread over the map; a frame has the colour of what is around."""
    picture = Image.fromarray(_wash(position_N2))
    pen = ImageDraw.Draw(picture)
    place_N2 = places_on_map(position_N2)
    for x, y in place_N2:
        pen.ellipse((x - 2, y - 2, x + 2, y + 2), fill=(120, 132, 150))
    for number in spread(place_N2, distance=THUMBNAIL_SIDE + 2 * FRAME + GAP, most=MAX_THUMBNAILS):
        small = Image.open(io.BytesIO(thumbnails[number])).convert("RGB")
        small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
        left, top = (round(float(value)) for value in place_N2[number] - np.array(small.size) / 2)
        colour = tuple(colours_K3[main_N[number]].tolist()) if main_N[number] >= 0 else (150, 150, 150)
        right, bottom = left + small.width - 1, top + small.height - 1
        pen.rectangle((left - FRAME, top - FRAME, right + FRAME, bottom + FRAME), fill=colour)
        pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), fill=PAPER)
        picture.paste(small, (left, top))
    return np.asarray(picture).copy()


def spread(place_N2: np.ndarray, *, distance: float, most: int) -> list[int]:
    """Numbers of places of which no two lie within a square of that side of each other: the farthest from all first.

    >>> spread(np.array([[0.0, 0], [1, 0], [10, 0]]), distance=5, most=9)
    [2, 0]
    """
    chosen: list[int] = []
    # From the place farthest from the middle on, always the one farthest from all that are chosen.
    far_N = np.abs(place_N2 - place_N2.mean(axis=0)).max(axis=1)
    while len(chosen) < most:
        number = int(far_N.argmax())
        if chosen and far_N[number] < distance:
            break
        apart_N = np.abs(place_N2 - place_N2[number]).max(axis=1)
        far_N = apart_N if not chosen else np.minimum(far_N, apart_N)
        chosen.append(number)
    return chosen


def _wash(position_N2: np.ndarray) -> np.ndarray:
    band_HW = np.ceil(density_of(position_N2) ** 0.6 * BANDS - 0.35).clip(0, BANDS) / BANDS
    return np.rint(LIGHT + (DARK - LIGHT) * band_HW[..., None]).astype(np.uint8)
