"""A reliability diagram: how often a parser is right, against how often it says it will be; and how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from mereo.drawing.lettering import INK, PAPER, drawable, font_of
from mereo.errors import BadInput
from mereo.metrics.calibration import UNITS, expected_calibration_error
from mereo.shapes import require_shapes

SIZE = (980, 1080)
PLOT, BARS = (110, 150, 950, 770), (110, 850, 950, 1000)
GREY, LINE = (104, 110, 120), (221, 224, 228)
COLOURS = ((9, 88, 160), (213, 94, 0))  # The newest curve blue, what it was before orange.
SMOOTH = 3  # Lines are drawn larger and reduced: Pillow's own are stairs.
RARE_SHARE = 1e-4  # Bins with fewer pixels say little: hollow dots.


@dataclass(frozen=True, eq=False)
class ReliabilityCurve:
    """Counts of `reliability_counts` and what a reader should call them."""

    name: str
    counts_B3: np.ndarray


def draw_reliability(curves: Sequence[ReliabilityCurve]) -> np.ndarray:
    """H W 3 uint8. One curve, or two: now and before."""
    if not 1 <= len(curves) <= len(COLOURS):
        raise BadInput(f"curves must be one or two, but got {len(curves)}; draw the others apart.")
    for curve in curves:
        require_shapes(counts_B3=curve.counts_B3)
    lines = Image.new("RGB", (SIZE[0] * SMOOTH, SIZE[1] * SMOOTH), PAPER)
    pen = _Pen(ImageDraw.Draw(lines))
    _grid(pen)
    for curve, colour in reversed(list(zip(curves, COLOURS))):
        _curve(pen, curve, colour, is_newest=curve is curves[0])
    picture = lines.resize(SIZE, Image.Resampling.LANCZOS)
    _words(ImageDraw.Draw(picture), curves)
    return np.asarray(picture).copy()


def points_of(counts_B3: np.ndarray) -> list[tuple[float, float, float]]:
    """Mean confidence, share of right pixels and share of all pixels of each bin that has pixels.

    >>> points_of(np.array([[0, 0, 0], [10, 6, 9 * UNITS]]))
    [(0.9, 0.6, 1.0)]
    """
    total = max(1, int(counts_B3[:, 0].sum()))
    return [
        (units / UNITS / pixels, right / pixels, pixels / total)
        for pixels, right, units in counts_B3.tolist()
        if pixels
    ]


@dataclass(frozen=True)
class _Pen:
    pen: ImageDraw.ImageDraw

    def line(self, *xy: float, fill: tuple[int, int, int], width: float) -> None:
        self.pen.line([one * SMOOTH for one in xy], fill=fill, width=round(width * SMOOTH), joint="curve")

    def box(self, box: tuple[float, float, float, float], *, fill: tuple[int, int, int]) -> None:
        self.pen.rectangle([one * SMOOTH for one in box], fill=fill)

    def dot(self, x: float, y: float, radius: float, *, fill: tuple[int, int, int], rim: tuple[int, int, int]) -> None:
        box = [(x - radius) * SMOOTH, (y - radius) * SMOOTH, (x + radius) * SMOOTH, (y + radius) * SMOOTH]
        self.pen.ellipse(box, fill=fill, outline=rim, width=round(2.5 * SMOOTH))


def _place(x: float, y: float) -> tuple[float, float]:
    """Fractions to pixels of the plot."""
    left, top, right, bottom = PLOT
    return left + x * (right - left), bottom - y * (bottom - top)


def _grid(pen: _Pen) -> None:
    for tick in np.linspace(0, 1, 6).tolist():
        pen.line(*_place(0, tick), *_place(1, tick), fill=LINE, width=1.3)
        pen.line(*_place(tick, 0), *_place(tick, 1), fill=LINE, width=1.3)
    # Exactly as sure as right: dashes, so that it is no measurement.
    for start in np.arange(0, 1, 0.025).tolist():
        pen.line(*_place(start, start), *_place(start + 0.0125, start + 0.0125), fill=GREY, width=1.8)
    pen.line(BARS[0], BARS[3], BARS[2], BARS[3], fill=LINE, width=1.3)


def _curve(pen: _Pen, curve: ReliabilityCurve, colour: tuple[int, int, int], *, is_newest: bool) -> None:
    points = points_of(curve.counts_B3)
    path = [one for confidence, right, _ in points for one in _place(confidence, right)]
    if len(points) > 1:
        pen.line(*path, fill=colour, width=3.2 if is_newest else 2.2)
    for confidence, right, share in points:
        pen.dot(*_place(confidence, right), 6, fill=colour if share >= RARE_SHARE else PAPER, rim=colour)
    num_bins, width = len(curve.counts_B3), (BARS[2] - BARS[0]) / len(curve.counts_B3)
    share_B = curve.counts_B3[:, 0] / max(1, curve.counts_B3[:, 0].sum())
    for index in range(num_bins):
        left = BARS[0] + index * width
        top = BARS[3] - (BARS[3] - BARS[1]) * float(share_B[index])
        if not share_B[index]:
            continue
        if is_newest:
            pen.box((left + 2, top, left + width - 2, BARS[3]), fill=colour)
        else:
            pen.line(left, top, left + width, top, fill=colour, width=3)


def _words(pen: ImageDraw.ImageDraw, curves: Sequence[ReliabilityCurve]) -> None:
    large, font, small = font_of(27), font_of(22), font_of(19)
    pen.text((30, 24), "Can its confidence be trusted?", font=large, fill=INK)
    x = 30.0
    for curve, colour in zip(curves, COLOURS):
        error = expected_calibration_error(curve.counts_B3)
        amount = "n/a" if np.isnan(error) else f"{100 * error:.2f} %"
        text = f"{drawable(curve.name, otherwise='curve')}: calibration error {amount}"
        pen.ellipse((x, 82, x + 16, 98), fill=colour)
        pen.text((x + 26, 90), text, font=small, fill=INK, anchor="lm")
        x += 26 + small.getlength(text) + 40
    for tick in np.linspace(0, 1, 6).tolist():
        left, y = _place(0, tick)
        pen.text((left - 12, y), f"{100 * tick:.0f}", font=small, fill=GREY, anchor="rm")
        pen.text((_place(tick, 0)[0], PLOT[3] + 18), f"{100 * tick:.0f}", font=small, fill=GREY, anchor="mm")
        pen.text((_place(tick, 0)[0], BARS[3] + 18), f"{100 * tick:.0f}", font=small, fill=GREY, anchor="mm")
    pen.text((PLOT[0] + 14, PLOT[1] + 12), "right pixels, %", font=font, fill=INK)
    pen.text((PLOT[2] - 8, PLOT[3] - 14), "confidence, %", font=font, fill=INK, anchor="rs")
    for (x, y), text in ((_place(0.24, 0.7), "above the dashes: too modest"), (_place(0.8, 0.3), "below: too sure")):
        half = small.getlength(text) / 2 + 6
        pen.rectangle((x - half, y - 13, x + half, y + 13), fill=PAPER)
        pen.text((x, y), text, font=small, fill=GREY, anchor="mm")
    pen.text((BARS[0] + 14, BARS[1] - 6), "share of all pixels, %", font=font, fill=INK)
    pen.text((BARS[2] - 8, BARS[3] + 52), "confidence, %", font=font, fill=INK, anchor="rs")
    if any(share < RARE_SHARE for curve in curves for _, _, share in points_of(curve.counts_B3)):
        pen.text((BARS[0], BARS[3] + 51), "hollow dots: few pixels", font=small, fill=GREY, anchor="ls")
    for share in (0.5, 1.0):
        y = BARS[3] - (BARS[3] - BARS[1]) * share
        pen.text((BARS[0] - 12, y), f"{100 * share:.0f}", font=small, fill=GREY, anchor="rm")
