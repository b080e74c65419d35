"""The photograph under its parse: class colours, thin outlines between regions, names on the large ones."""

import numpy as np
from PIL import Image

from mereo.assembly.parse import Parse
from mereo.drawing.lettering import write_with_halo
from mereo.drawing.region_names import placed_names
from mereo.drawing.unsure_areas import hatch
from mereo.errors import BadInput

LINE_LIGHT, LINE_DARK = 255.0, 20.0
LIGHT_STRENGTH, DARK_STRENGTH = 0.8, 0.4


def draw_overlay(
    parse: Parse,
    *,
    alpha: float = 0.5,
    has_outlines: bool = True,
    has_names: bool = True,
    unsure_HW: np.ndarray | None = None,
) -> np.ndarray:
    """H W 3 uint8. `alpha` is how much of the class colour covers the photograph: 0 none, 1 all.

    Pixels of the mask `unsure_HW` (see `Parse.unsure`) are hatched.
    """
    region_HW = parse.semantic if parse.instances is None else _joined(parse.semantic, parse.instances)
    picture_HWC = tinted(parse.image_HWC, parse.semantic, parse.taxonomy.objects.colours_K3, alpha=alpha)
    if has_outlines:
        outline(picture_HWC, region_HW)
    if unsure_HW is not None:
        hatch(picture_HWC, unsure_HW)
    if not has_names:
        return picture_HWC
    picture = Image.fromarray(picture_HWC)
    for name in placed_names(parse.semantic, parse.taxonomy.objects.names):
        write_with_halo(picture, name.centre_xy, name.text, name.font)
    return np.asarray(picture).copy()


def tinted(image_HWC: np.ndarray, label_HW: np.ndarray, colours_K3: np.ndarray, *, alpha: float) -> np.ndarray:
    """`image * (1 - alpha) + colour * alpha`, rounded.

    >>> tinted(np.zeros((1, 1, 3), np.uint8), np.array([[0]]), np.array([[200, 100, 51]]), alpha=0.5).tolist()
    [[[100, 50, 26]]]
    """
    if not 0 <= alpha <= 1:
        raise BadInput(f"alpha must be from 0 to 1, but got {alpha}; 0.5 shows photograph and classes alike.")
    # Two look-up tables instead of floats of the picture's size.
    colour_K3 = np.rint(colours_K3.astype(np.float64) * alpha * 256).astype(np.uint16)
    shade = np.rint(np.arange(256) * (1 - alpha) * 256).astype(np.uint16)
    return ((shade[image_HWC] + colour_K3[label_HW] + np.uint16(128)) >> 8).astype(np.uint8)


def outline_pixels(size: tuple[int, int]) -> int:
    """Thickness of an outline, for height and width.

    >>> [outline_pixels(size) for size in [(240, 320), (1000, 1500), (3000, 4000)]]
    [1, 2, 5]
    """
    return max(1, round(max(size) / 800))


def outline(picture_HWC: np.ndarray, region_HW: np.ndarray) -> None:
    """Draw, in place, a light line between regions, and on larger pictures a dark seam around it."""
    thickness = outline_pixels(region_HW.shape)
    edge_HW = _edges(region_HW)
    for _ in range((thickness - 1) // 2):
        edge_HW = _grown(edge_HW)
    if thickness > 1:
        seam_HW = _grown(edge_HW) & ~edge_HW
        picture_HWC[seam_HW] = _mixed(picture_HWC[seam_HW], LINE_DARK, DARK_STRENGTH)
    picture_HWC[edge_HW] = _mixed(picture_HWC[edge_HW], LINE_LIGHT, LIGHT_STRENGTH if thickness > 1 else 0.65)


def _edges(region_HW: np.ndarray) -> np.ndarray:
    """Pixels whose right or lower neighbour is another region: lines one pixel wide."""
    edge_HW = np.zeros(region_HW.shape, dtype=bool)
    edge_HW[:, :-1] |= region_HW[:, 1:] != region_HW[:, :-1]
    edge_HW[:-1] |= region_HW[1:] != region_HW[:-1]
    return edge_HW


def _grown(mask_HW: np.ndarray) -> np.ndarray:
    """One pixel in the four directions."""
    grown_HW = mask_HW.copy()
    grown_HW[1:] |= mask_HW[:-1]
    grown_HW[:-1] |= mask_HW[1:]
    grown_HW[:, 1:] |= mask_HW[:, :-1]
    grown_HW[:, :-1] |= mask_HW[:, 1:]
    return grown_HW


def _mixed(pixels_N3: np.ndarray, grey: float, strength: float) -> np.ndarray:
    return np.rint(pixels_N3 * (1 - strength) + grey * strength).astype(np.uint8)


def _joined(semantic_HW: np.ndarray, instances_HW: np.ndarray) -> np.ndarray:
    """One number for a class and an instance: two touching cars are two regions."""
    return instances_HW.astype(np.int64) * (int(semantic_HW.max()) + 1) + semantic_HW
