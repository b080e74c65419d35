"""A pyramid of answers as pictures: which cells speak, which level answers where, what each level says.

As figure 1 of "Specialize and fuse: pyramidal representation for semantic segmentation" (SaF).
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from mereo.assembly.level_answers import LevelAnswers
from mereo.assembly.parse import Parse
from mereo.drawing.overlay import outline, tinted
from mereo.drawing.unsure_areas import hatch
from mereo.picture_sizes import scaled_size
from mereo.regions.nearest_places import at_size

# From coarse to fine: light to dark, told apart without seeing hues.
LEVEL_COLOURS = ((253, 231, 120), (122, 200, 110), (38, 140, 142), (68, 28, 100))
UNIT, UNDECIDED, MIXED = (22, 92, 170), (250, 250, 250), (232, 150, 80)
PALE_SHARE, ANSWER_ALPHA, LEVEL_ALPHA = 0.72, 0.62, 0.68
LARGE_SIDE, SMALL_SIDE = 960, 480
# Outlines of smaller cells would hide what is in them.
SMALLEST_OUTLINED = 6
MARK, MARK_EDGE = (24, 26, 30), (255, 255, 255)


def level_colours(num_levels: int) -> np.ndarray:
    """L x 3 uint8: the ends of the scale are always the coarsest and the finest level."""
    places = np.linspace(0, len(LEVEL_COLOURS) - 1, num_levels)
    channels = [np.interp(places, range(len(LEVEL_COLOURS)), channel) for channel in zip(*LEVEL_COLOURS)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)


def shown_size(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """Height and width of a picture for the page: cells of four pixels must be seen, also of a small photograph.

    >>> shown_size((90, 120), 480), shown_size((3000, 4000), 480)
    ((360, 480), (360, 480))
    """
    return scaled_size(size, longest / max(size))


def draw_speaking_cells(parse: Parse, answers: LevelAnswers) -> np.ndarray:
    """The answer over the photograph, with an outline around each cell that speaks."""
    size = shown_size(parse.size, LARGE_SIDE)
    picture_HWC = tinted(
        _photograph(parse, size),
        at_size(parse.semantic, size),
        parse.taxonomy.objects.colours_K3,
        alpha=ANSWER_ALPHA,
    )
    outline(picture_HWC, _cells(answers, size))
    return picture_HWC


def draw_levels(parse: Parse, answers: LevelAnswers) -> np.ndarray:
    """Which level answers where, a colour a level, over the photograph without its own colours."""
    size = shown_size(parse.size, LARGE_SIDE)
    grey_HW = np.asarray(Image.fromarray(_photograph(parse, size)).convert("L"))
    grey_HWC = np.repeat(grey_HW[..., None], 3, axis=2)
    colours_L3 = level_colours(answers.num_levels)
    picture_HWC = tinted(grey_HWC, at_size(answers.level_hw, size), colours_L3, alpha=LEVEL_ALPHA)
    outline(picture_HWC, _cells(answers, size))
    return picture_HWC


def draw_semantic_level(parse: Parse, answers: LevelAnswers, level: int) -> np.ndarray:
    """What one level says: full colour where it speaks, pale where finer levels do, hatched where coarser ones do."""
    size = shown_size(parse.size, SMALL_SIDE)
    colour_HW3 = parse.taxonomy.objects.colours_K3[at_size(answers.class_per_level[level], size)]
    pale_HW3 = np.rint(colour_HW3 * (1 - PALE_SHARE) + 255 * PALE_SHARE)
    speaks_HW = at_size(answers.speaks_per_level[level], size)
    picture_HWC = np.where(speaks_HW[..., None], colour_HW3, pale_HW3).astype(np.uint8)
    hatch(picture_HWC, at_size(answers.is_done_per_level[level], size))
    return picture_HWC


def draw_unity_level(parse: Parse, answers: LevelAnswers, level: int) -> np.ndarray:
    """Blue where a cell is taken for a unit, orange where not, pale near the threshold; hatched as the classes."""
    size, threshold = shown_size(parse.size, SMALL_SIDE), answers.threshold
    unity_HW = at_size(answers.unity_per_level[level], size)
    unit_HW1 = np.clip((unity_HW - threshold) / max(1 - threshold, 1e-6), 0, 1)[..., None]
    mixed_HW1 = np.clip((threshold - unity_HW) / max(threshold, 1e-6), 0, 1)[..., None]
    undecided_HW1 = 1 - unit_HW1 - mixed_HW1
    colour_HW3 = unit_HW1 * np.array(UNIT) + undecided_HW1 * np.array(UNDECIDED) + mixed_HW1 * np.array(MIXED)
    picture_HWC = np.rint(colour_HW3).astype(np.uint8)
    hatch(picture_HWC, at_size(answers.is_done_per_level[level], size))
    return picture_HWC


def draw_photograph(parse: Parse) -> np.ndarray:
    return _photograph(parse, shown_size(parse.size, LARGE_SIDE))


def with_mark(
    picture_HWC: np.ndarray, size: tuple[int, int], *, point_xy: tuple[int, int], box_xyxy: Sequence[float]
) -> np.ndarray:
    """A copy with a ring around a pixel of a photograph of `size`, and a frame around the cell that holds it."""
    picture = Image.fromarray(picture_HWC)
    pen = ImageDraw.Draw(picture)
    across, down = picture.width / size[1], picture.height / size[0]
    left, top, right, bottom = (value * scale for value, scale in zip(box_xyxy, (across, down) * 2))
    right, bottom = max(left, right - 1), max(top, bottom - 1)  # A cell may be thinner than a pixel.
    thick = max(1, round(max(picture.size) / 320))
    for colour, grown in ((MARK_EDGE, thick), (MARK, 0)):
        pen.rectangle((left - grown, top - grown, right + grown, bottom + grown), outline=colour, width=thick)
    x, y, radius = (point_xy[0] + 0.5) * across, (point_xy[1] + 0.5) * down, 2 * thick
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=MARK, outline=MARK_EDGE, width=thick)
    return np.asarray(picture).copy()


def _photograph(parse: Parse, size: tuple[int, int]) -> np.ndarray:
    photograph = Image.fromarray(parse.image_HWC)
    return np.asarray(photograph.resize(size[::-1], Image.Resampling.LANCZOS, reducing_gap=3.0)).copy()


def _cells(answers: LevelAnswers, size: tuple[int, int]) -> np.ndarray:
    """H W: a number for each cell that speaks. Cells too small to be outlined are one area."""
    rows, columns = answers.level_hw.shape
    row_hw, column_hw = np.indices((rows, columns))
    number_hw = np.zeros((rows, columns), dtype=np.int64)
    for level in range(answers.num_levels):
        factor = 2 ** (answers.num_levels - 1 - level)
        first = 1 + level * rows * columns
        if factor * min(size[0] / rows, size[1] / columns) >= SMALLEST_OUTLINED:
            cell_hw = first + row_hw // factor * columns + column_hw // factor
        else:
            cell_hw = np.full((rows, columns), first)
        number_hw = np.where(answers.level_hw == level, cell_hw, number_hw)
    return at_size(number_hw, size)
