"""The legend: a strip of colours, names and shares, as wide as the picture above it."""

import numpy as np
from PIL import Image, ImageDraw

from mereo.assembly.parse import Parse
from mereo.drawing.lettering import INK, PAPER, drawable, font_of, in_words, shortened
from mereo.drawing.region_names import font_pixels

GREY = (104, 110, 120)


def class_shares(parse: Parse) -> list[tuple[int, float]]:
    """Class index and share of the picture, the largest first; classes that are absent are left out."""
    area_K = np.bincount(parse.semantic.ravel(), minlength=parse.taxonomy.num_objects)
    order = np.argsort(-area_K, kind="stable")
    return [(int(index), float(area_K[index] / parse.semantic.size)) for index in order if area_K[index]]


def percent(share: float) -> str:
    """A share as people write it; halves are rounded up, as the page's own script does.

    >>> percent(0.3149), percent(0.0149), percent(0.0004), percent(1.0)
    ('31 %', '1.5 %', '< 0.1 %', '100 %')
    """
    if share < 0.001:
        return "< 0.1 %"
    digits = 1 if share < 0.0995 else 0
    return f"{100 * share + 1e-9:.{digits}f} %"


def draw_legend(parse: Parse, *, width: int) -> np.ndarray:
    """H W 3 uint8: entries in columns, read row by row, from the largest class to the smallest."""
    letter = font_pixels((1, min(width, 4096)))
    font = font_of(letter)
    gap, swatch = round(letter * 0.55), round(letter * 0.95)
    entries: list[tuple[int, str, str]] = []
    for index, amount in class_shares(parse):
        name = drawable(in_words(parse.taxonomy.object_names[index]), otherwise=f"class {index}")
        entries.append((index, shortened(name, font, max(1.0, 0.5 * width)), percent(amount)))
    widths = [swatch + gap + font.getlength(name) + gap + font.getlength(share) for _, name, share in entries]
    column = max(widths) + 2.2 * gap
    num_columns = max(1, min(len(entries), int((width - 2 * gap) // column)))
    column = max(column, min((width - 2 * gap) / num_columns, column * 1.5))
    row_height = round(letter * 1.6)
    num_rows = -(-len(entries) // num_columns)
    strip = Image.new("RGB", (width, num_rows * row_height + 2 * gap), PAPER)
    pen = ImageDraw.Draw(strip)
    for position, (index, name, share) in enumerate(entries):
        left = round(gap * 1.2 + column * (position % num_columns))
        middle = gap + row_height * (position // num_columns) + row_height / 2
        colour = tuple(parse.taxonomy.objects.colours_K3[index].tolist())
        square = (left, middle - swatch / 2, left + swatch, middle + swatch / 2)
        pen.rounded_rectangle(square, radius=swatch * 0.22, fill=colour)
        text_left = left + swatch + gap
        pen.text((text_left, middle), name, font=font, fill=INK, anchor="lm")
        pen.text((text_left + font.getlength(name) + gap, middle), share, font=font, fill=GREY, anchor="lm")
    return np.asarray(strip).copy()


def with_legend(picture_HWC: np.ndarray, parse: Parse) -> np.ndarray:
    """The picture with its legend below it."""
    return np.concatenate([picture_HWC, draw_legend(parse, width=picture_HWC.shape[1])])
