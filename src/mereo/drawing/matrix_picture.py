"""A matrix of shares with a name a row and column: blue and orange cells, numbers where there is room, and a scale.

Blue and orange are told apart with any colour blindness. Darkness grows with the square root of the share, so that 2 %
here and 2 % there can be seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from mereo.drawing.lettering import INK, PAPER, font_of, shortened

GREY, FAINT, HATCH = (104, 110, 120), (242, 243, 245), (198, 202, 208)
# From no share to all of it: light, middle, dark.
BLUES = np.array([(247, 250, 253), (104, 160, 210), (9, 58, 124)], dtype=np.float64)
ORANGES = np.array([(254, 250, 245), (240, 152, 72), (133, 42, 2)], dtype=np.float64)
TICKS = (0, 1, 5, 20, 50, 100)


@dataclass(frozen=True)
class MatrixWords:
    """Title and the line below it; what each scale means (and whether it is blue); what a hatched cell means."""

    title: str
    line: str
    bars: tuple[tuple[str, bool], ...]
    absent: str


def draw_matrix(
    share_KK: np.ndarray, is_blue_KK: np.ndarray, *, names: Sequence[str], notes: Sequence[str], words: MatrixWords
) -> np.ndarray:
    """H W 3 uint8. Shares of 0 to 1, NaN for cells that have none; a note stands beside each row's name."""
    layout = _Layout.of(names)
    picture = Image.new("RGB", layout.size, PAPER)
    pen = ImageDraw.Draw(picture)
    _title(pen, layout, words)
    _names(picture, pen, layout, names, notes)
    _cells(picture, pen, layout, share_KK, is_blue_KK)
    _scale(picture, pen, layout, words, has_absent=bool(np.isnan(share_KK).any()))
    return np.asarray(picture).copy()


def share_colours(share: np.ndarray, *, is_blue: bool) -> np.ndarray:
    """The colour of each share (one axis more, uint8).

    >>> share_colours(np.array([0.0, 1.0]), is_blue=False).tolist()
    [[254, 250, 245], [133, 42, 2]]
    """
    position = np.sqrt(np.clip(share, 0, 1))
    channels = (BLUES if is_blue else ORANGES).T
    return np.stack([np.rint(np.interp(position, (0, 0.5, 1), one)) for one in channels], axis=-1).astype(np.uint8)


def percent_in_cell(share: float) -> str:
    """
    >>> percent_in_cell(0.004), percent_in_cell(0.996), percent_in_cell(float("nan"))
    ('', '100', 'n/a')
    """
    if np.isnan(share):
        return "n/a"
    return f"{100 * share:.0f}" if share >= 0.005 else ""


@dataclass(frozen=True)
class _Layout:
    """Where things stand, in pixels: few classes have large cells, many still have names that can be read."""

    num: int
    cell: int
    letter: int
    left: int
    top: int
    title: int

    @classmethod
    def of(cls, names: Sequence[str]) -> "_Layout":
        num = len(names)
        cell = int(np.clip(round(1000 / num), 15, 120))
        letter = int(np.clip(round(cell * 0.36), 13, 22))
        longest = min(max(font_of(letter).getlength(name) for name in names), 14 * letter)
        # A large picture is shown reduced: its title and scale must grow with it.
        title = max(17, letter + 1, num * cell // 80)
        # Beside a name stands its share; above the columns the words of the title.
        left = round(longest + 5 * letter + 26)
        return cls(num, cell, letter, left, round(longest + 4.2 * title + 30), title)

    @property
    def size(self) -> tuple[int, int]:
        width = max(self.left + self.num * self.cell + 24, 31 * self.title)
        return width, self.top + self.num * self.cell + round(7.6 * self.title)

    def corner(self, row: int, column: int) -> tuple[int, int]:
        return self.left + column * self.cell, self.top + row * self.cell


def _title(pen: ImageDraw.ImageDraw, layout: _Layout, words: MatrixWords) -> None:
    font, margin = font_of(layout.title + 3), 20
    pen.text((margin, margin), words.title, font=font, fill=INK)
    pen.text((margin, margin + 1.5 * layout.title), words.line, font=font_of(layout.title - 1), fill=GREY)


def _names(
    picture: Image.Image, pen: ImageDraw.ImageDraw, layout: _Layout, names: Sequence[str], notes: Sequence[str]
) -> None:
    font = font_of(layout.letter)
    for index, (name, amount) in enumerate(zip(names, notes, strict=True)):
        name = shortened(name, font, 14 * layout.letter)
        middle = layout.top + (index + 0.5) * layout.cell
        pen.text((layout.left - 5 * layout.letter, middle), name, font=font, fill=INK, anchor="rm")
        pen.text((layout.left - 0.6 * layout.letter, middle), amount, font=font, fill=GREY, anchor="rm")
        upright = Image.new("RGB", (round(font.getlength(name)) + 4, round(1.3 * layout.letter)), PAPER)
        ImageDraw.Draw(upright).text((2, upright.height / 2), name, font=font, fill=INK, anchor="lm")
        upright = upright.transpose(Image.Transpose.ROTATE_90)
        left = layout.left + round((index + 0.5) * layout.cell - upright.width / 2)
        picture.paste(upright, (left, layout.top - upright.height - round(0.5 * layout.letter)))


def _cells(
    picture: Image.Image, pen: ImageDraw.ImageDraw, layout: _Layout, share_KK: np.ndarray, is_blue_KK: np.ndarray
) -> None:
    known_KK = np.nan_to_num(share_KK)
    colour_KK3 = np.where(
        is_blue_KK[..., None], share_colours(known_KK, is_blue=True), share_colours(known_KK, is_blue=False)
    )
    # All cells at once, of many classes there are many; then lines between those that are large.
    left, top = layout.corner(0, 0)
    picture.paste(Image.fromarray(colour_KK3.repeat(layout.cell, axis=0).repeat(layout.cell, axis=1)), (left, top))
    right, bottom = layout.corner(layout.num, layout.num)
    for row in np.flatnonzero(np.isnan(share_KK).all(axis=1)).tolist():
        y = layout.corner(row, 0)[1]
        _hatched(pen, (left, y, right - 1, y + layout.cell - 1))
    for row, column in np.argwhere(np.isnan(share_KK) & ~np.isnan(share_KK).all(axis=1, keepdims=True)).tolist():
        x, y = layout.corner(row, column)
        _hatched(pen, (x, y, x + layout.cell - 1, y + layout.cell - 1))
    if layout.cell >= 20:
        for index in range(1, layout.num + 1):
            x, y = layout.corner(index, index)
            pen.line((x - 1, top, x - 1, bottom), fill=PAPER)
            pen.line((left, y - 1, right, y - 1), fill=PAPER)
    if layout.cell < 1.7 * layout.letter:
        return
    lightness_KK = colour_KK3 @ np.array([0.299, 0.587, 0.114])
    for row, column in np.ndindex(share_KK.shape):
        _number(pen, layout, row, column, float(share_KK[row, column]), is_dark=bool(lightness_KK[row, column] < 140))


def _number(pen: ImageDraw.ImageDraw, layout: _Layout, row: int, column: int, share: float, *, is_dark: bool) -> None:
    text, font = percent_in_cell(share), font_of(layout.letter)
    width = font.getlength(text)
    if not text or width > layout.cell - 4:
        return
    x, y = (corner + (layout.cell - 1) / 2 for corner in layout.corner(row, column))
    if np.isnan(share):
        half = (width / 2 + 2, layout.letter * 0.6)
        pen.rectangle((x - half[0], y - half[1], x + half[0], y + half[1]), fill=FAINT)
    pen.text((x, y), text, font=font, fill=PAPER if is_dark and not np.isnan(share) else INK, anchor="mm")


def _scale(
    picture: Image.Image, pen: ImageDraw.ImageDraw, layout: _Layout, words: MatrixWords, *, has_absent: bool
) -> None:
    """What the colours mean, below the matrix."""
    font = font_of(layout.title - 1)
    unit, top = layout.title, layout.top + layout.num * layout.cell + round(1.2 * layout.title)
    longest = max(font.getlength(word) for word, _ in words.bars)
    left, width = 20 + round(longest) + layout.title, 20 * layout.title
    for line, (word, is_blue) in enumerate(words.bars):
        y = top + line * round(1.5 * unit)
        pen.text((20, y + unit / 2), word, font=font, fill=INK, anchor="lm")
        # The bar runs as the eye does: evenly in darkness.
        shares = (np.arange(width) / (width - 1)) ** 2
        bar_W3 = share_colours(shares, is_blue=is_blue)
        picture.paste(Image.fromarray(np.broadcast_to(bar_W3, (unit, width, 3)).copy()), (left, y))
        pen.rectangle((left - 1, y - 1, left + width, y + unit), outline=HATCH)
    below = top + (len(words.bars) - 1) * 1.5 * unit + unit
    for tick in TICKS:
        x = left + (width - 1) * np.sqrt(tick / 100)
        pen.line((x, below, x, below + 0.35 * unit), fill=GREY)
        label = f"{tick} %" if tick == 100 else str(tick)
        pen.text((x, below + 0.9 * unit), label, font=font, fill=GREY, anchor="mm")
    if has_absent:
        y = round(below + 2.1 * unit)
        _hatched(pen, (left, y, left + 2 * unit, y + unit))
        pen.text((20, y + unit / 2), "n/a", font=font, fill=INK, anchor="lm")
        pen.text((left + 3 * unit, y + unit / 2), words.absent, font=font, fill=GREY, anchor="lm")


def _hatched(pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
    """Lines that meet those of the next box of the same size."""
    x0, y0, x1, y1 = box
    pen.rectangle(box, fill=FAINT)
    for step in range(0, x1 - x0 + y1 - y0 + 2, 8):
        pen.line(
            (max(x0, x0 + step - (y1 - y0)), min(y1, y0 + step), min(x1, x0 + step), max(y0, y0 + step - (x1 - x0))),
            HATCH,
        )
