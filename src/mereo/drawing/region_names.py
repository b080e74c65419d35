"""Where a region's name goes: inside it, where there is most room for a line of text; never over another name."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import ImageFont
from scipy import ndimage

from mereo.drawing.lettering import drawable, font_of, in_words, shortened, text_size

# Places are sought on a coarse grid: names need no pixel accuracy, and a distance map of 12 megapixels takes seconds.
GRID_SIDE = 384
SMALLEST_SHARE = 0.004
MAX_NAMES = 40
# Room is measured in half texts: 1 is a place where the text fits. The first region of a class gets its name although
# letters stick out (a person, a pole), but not where they would hide it. Ten windows need no ten names: the next ones
# get theirs only where it (nearly) fits.
SMALLEST_ROOM = 0.55
SMALLEST_ROOM_AGAIN = 0.8


@dataclass(frozen=True)
class PlacedName:
    """A line of text and the pixel of its middle."""

    text: str
    centre_xy: tuple[int, int]
    font: ImageFont.FreeTypeFont

    @property
    def box_xyxy(self) -> tuple[float, float, float, float]:
        (x, y), (width, height) = self.centre_xy, text_size(self.text, self.font)
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def font_pixels(size: tuple[int, int]) -> int:
    """Letters that can be read at 320 pixels, and when 4000 pixels are shown on a screen.

    >>> font_pixels((240, 320)), font_pixels((480, 640)), font_pixels((3000, 4000))
    (11, 15, 88)
    """
    return round(max(11, 0.022 * max(size), 7 + 0.012 * max(size)))


def placed_names(label_HW: np.ndarray, names: tuple[str, ...]) -> list[PlacedName]:
    """Names for the large regions (connected pixels of one label), the largest region first.

    Labels outside 0..len(names)-1 get no name.
    """
    height, width = label_HW.shape
    step = max(1, -(-max(height, width) // GRID_SIDE))
    grid_hw = label_HW[step // 2 :: step, step // 2 :: step]
    if grid_hw.size == 0:  # Thinner than half a step.
        grid_hw = label_HW[::step, ::step]
    font = font_of(font_pixels((height, width)))
    is_free_hw = np.ones(grid_hw.shape, dtype=bool)
    placed: list[PlacedName] = []
    named: set[int] = set()
    for label, box, region_hw in _large_regions(grid_hw, len(names)):
        text = drawable(in_words(names[label]), otherwise=f"class {label}")
        text = shortened(text, font, 0.5 * width)
        text_width, text_height = text_size(text, font)
        is_too_short = text.endswith("...") and len(text) < 8
        if is_too_short or text_width > width or text_height > height:
            continue
        half_h, half_w = text_height / step / 2, text_width / step / 2
        least_room = SMALLEST_ROOM_AGAIN if label in named else SMALLEST_ROOM * half_h / max(half_h, half_w)
        place = _roomiest_place(region_hw, is_free_hw[box], box, half_h, half_w, least_room)
        if place is None:
            continue
        centre_xy = (
            int(np.clip((place[1] + 0.5) * step, text_width / 2, width - text_width / 2)),
            int(np.clip((place[0] + 0.5) * step, text_height / 2, height - text_height / 2)),
        )
        name = PlacedName(text, centre_xy, font)
        if any(_overlap(name, other) for other in placed):
            continue
        placed.append(name)
        named.add(label)
        # Middles of later names keep a text's height from this one; their widths are checked above.
        reach_h, reach_w = int(2 * half_h) + 1, int(half_w) + 1
        is_free_hw[
            max(0, place[0] - reach_h) : place[0] + reach_h + 1, max(0, place[1] - reach_w) : place[1] + reach_w + 1
        ] = False
        if len(placed) == MAX_NAMES:
            break
    return placed


def _large_regions(grid_hw: np.ndarray, num_labels: int) -> Iterator[tuple[int, tuple[slice, slice], np.ndarray]]:
    """Label, box and mask (within the box) of every large region, largest first."""
    found = []
    for label in np.unique(grid_hw).tolist():
        if not 0 <= label < num_labels:
            continue
        region_hw, count = ndimage.label(grid_hw == label)
        areas = np.bincount(region_hw.ravel(), minlength=count + 1)
        for region, box in enumerate(ndimage.find_objects(region_hw), start=1):
            if areas[region] >= SMALLEST_SHARE * grid_hw.size:
                found.append((int(areas[region]), label, box, region_hw[box] == region))
    found.sort(key=lambda one: (-one[0], one[1], one[2][0].start, one[2][1].start))
    for _, label, box, mask_hw in found:
        yield label, box, mask_hw


def _roomiest_place(
    region_hw: np.ndarray,
    is_free_hw: np.ndarray,
    box: tuple[slice, slice],
    half_h: float,
    half_w: float,
    least_room: float,
) -> tuple[int, int] | None:
    """Row and column farthest from the region's edge, measured in half text heights and half text widths."""
    # The picture's own edge counts as an edge, hence the border of zeros.
    padded_hw = np.pad(region_hw, 1)
    room_hw = ndimage.distance_transform_edt(padded_hw, sampling=(1 / half_h, 1 / half_w))[1:-1, 1:-1]
    # Beyond one and a half texts more room is no better, and the middle of the region looks right.
    weight_h, weight_w = (_towards_middle(region_hw, axis) for axis in (0, 1))
    score_hw = np.minimum(room_hw, 1.5) - 0.2 * (weight_h[:, None] + weight_w[None, :])
    score_hw = np.where(region_hw & is_free_hw, score_hw, -np.inf)
    row, column = np.unravel_index(int(score_hw.argmax()), score_hw.shape)
    if not np.isfinite(score_hw[row, column]) or room_hw[row, column] < least_room:
        return None
    return int(row) + box[0].start, int(column) + box[1].start


def _towards_middle(region_hw: np.ndarray, axis: int) -> np.ndarray:
    """For each row (or column): 0 at the region's centre of mass, 1 at the far end of its box."""
    weight = region_hw.sum(axis=1 - axis).astype(np.float64)
    position = np.arange(len(weight))
    centre = float((weight * position).sum() / weight.sum())
    return np.abs(position - centre) / max(1.0, len(weight) / 2)


def _overlap(one: PlacedName, other: PlacedName) -> bool:
    """Also true for names that nearly touch: they would read as one."""
    a, b = one.box_xyxy, other.box_xyxy
    gap = 0.3 * one.font.size
    return a[0] < b[2] + gap and b[0] < a[2] + gap and a[1] < b[3] and b[1] < a[3]
