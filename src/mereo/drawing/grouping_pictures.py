"""A grouped photograph as pictures: each level's groups in colour, and what clicks have chosen.

As figures 5 and 6 of Li, Bao, Zheng, Xu, "Deep grouping model for unified perceptual parsing" (DGM).
"""

from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.data.palette import distinct_colours, hex_to_rgb
from mereo.drawing.level_pictures import shown_size
from mereo.drawing.overlay import outline, tinted
from mereo.regions.grouping_hierarchy import GroupRule
from mereo.shapes import require_shapes

SIDE = 1440
GROUP_ALPHA = 0.6
# What is not chosen: grey, and this much of its light.
SHADE, SHADE_COLOUR = 0.6, np.array((10, 12, 15), dtype=np.float64)
POSITIVE, NEGATIVE, MARK_EDGE = (31, 95, 208), (196, 78, 8), (255, 255, 255)


def draw_photograph(photograph: GroupedPhotograph, *, side: int = SIDE) -> np.ndarray:
    """H W 3 uint8 with a longer side of `side`, as all pictures here: of a small photograph, too, borders are seen."""
    size = shown_size(photograph.size, side)
    picture = Image.fromarray(photograph.image_HWC)
    return np.asarray(picture.resize(size[::-1], Image.Resampling.LANCZOS, reducing_gap=3.0)).copy()


def draw_groups(
    photograph: GroupedPhotograph, level: int, *, rule: GroupRule = "nearest", side: int = SIDE
) -> np.ndarray:
    """One colour a group over the photograph without its own colours, and lines between groups. Colours of different
    levels have nothing to do with each other."""
    picture_HWC = draw_photograph(photograph, side=side)
    grey_HW = np.asarray(Image.fromarray(picture_HWC).convert("L"))
    place_R = places_by_area(photograph, level, rule=rule)
    place_HW = photograph.on_pixels(place_R + 1, grey_HW.shape)  # 0: no superpixel, and white.
    chosen = distinct_colours(int(place_R.max()) + 1)
    colours_K3 = np.array([(255, 255, 255), *map(hex_to_rgb, chosen)], dtype=np.uint8)
    coloured_HWC = tinted(np.repeat(grey_HW[..., None], 3, axis=2), place_HW, colours_K3, alpha=GROUP_ALPHA)
    outline(coloured_HWC, place_HW)
    return coloured_HWC


def places_by_area(photograph: GroupedPhotograph, level: int, *, rule: GroupRule = "nearest") -> np.ndarray:
    """R: the place of each superpixel's group when the largest group comes first: it gets the clearest colour."""
    group_R = photograph.group_of_superpixel(level, rule=rule)
    _, group_R = np.unique(group_R, return_inverse=True)
    superpixel_P = photograph.superpixel_hw[photograph.superpixel_hw >= 0]
    pixels_R = np.bincount(superpixel_P, minlength=len(group_R))
    order = np.argsort(-np.bincount(group_R, weights=pixels_R), kind="stable")
    place_of_group = np.empty(len(order), dtype=np.intp)
    place_of_group[order] = np.arange(len(order))
    places_R: np.ndarray = place_of_group[group_R]
    return places_R


def draw_chosen(
    photograph: GroupedPhotograph,
    chosen_R: np.ndarray,
    clicks: Iterable[tuple[int, int, bool]],
    *,
    side: int = SIDE,
) -> np.ndarray:
    """The chosen superpixels as they are, everything else in grey and shade; clicks are x, y and whether they add."""
    require_shapes(chosen_R=chosen_R)
    picture_HWC = draw_photograph(photograph, side=side)
    height, width = picture_HWC.shape[:2]
    mask_HW = photograph.on_pixels(chosen_R, (height, width))
    spotlight(picture_HWC, mask_HW)
    picture = Image.fromarray(picture_HWC)
    across, down = width / photograph.size[1], height / photograph.size[0]
    for x, y, is_positive in clicks:
        _mark(picture, ((x + 0.5) * across, (y + 0.5) * down), is_positive=is_positive)
    return np.asarray(picture).copy()


def spotlight(picture_HWC: np.ndarray, mask_HW: np.ndarray) -> None:
    """Draw, in place, everything outside of the mask in grey and shade, and a line around the mask."""
    require_shapes(picture_HWC=picture_HWC, mask_HW=mask_HW)
    grey_P1 = np.asarray(Image.fromarray(picture_HWC).convert("L"))[~mask_HW][:, None]
    picture_HWC[~mask_HW] = np.rint(grey_P1 * (1 - SHADE) + SHADE_COLOUR * SHADE).astype(np.uint8)
    outline(picture_HWC, mask_HW)


def _mark(picture: Image.Image, centre_xy: tuple[float, float], *, is_positive: bool) -> None:
    """A disc with a plus or a minus: its shape and its colour both tell."""
    unit = max(picture.size) / 320
    radius, arm, (x, y) = 2.6 * unit, 1.4 * unit, centre_xy
    pen = ImageDraw.Draw(picture)
    box = (x - radius, y - radius, x + radius, y + radius)
    fill = POSITIVE if is_positive else NEGATIVE
    pen.ellipse(box, fill=fill, outline=MARK_EDGE, width=max(1, round(0.5 * unit)))
    thick = max(1, round(0.55 * unit))
    pen.line((x - arm, y, x + arm, y), fill=MARK_EDGE, width=thick)
    if is_positive:
        pen.line((x, y - arm, x, y + arm), fill=MARK_EDGE, width=thick)
