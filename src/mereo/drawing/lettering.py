"""Words on pictures: Pillow's built-in scalable font, so that a picture looks the same on every machine."""

import unicodedata
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from mereo.errors import BadEnvironment

PAPER, INK = (255, 255, 255), (24, 26, 30)


@lru_cache(maxsize=64)
def font_of(pixels: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=max(6, pixels))
    if not isinstance(font, ImageFont.FreeTypeFont):  # Pillow without FreeType: only its small bitmap font.
        raise BadEnvironment(
            "Pillow must be built with FreeType, but got one without; install Pillow's own wheel to write names."
        )
    return font


def in_words(name: str) -> str:
    """How a class is told to people: files, commands and Python know it by its name alone.

    >>> in_words("back_left_door")
    'back left door'
    """
    return name.replace("_", " ")


def drawable(text: str, *, otherwise: str) -> str:
    """`text` in the letters that the built-in font has (ASCII): without accents, or `otherwise` where letters lack.

    >>> drawable("Café", otherwise="class 3"), drawable("道路", otherwise="class 3")
    ('Cafe', 'class 3')
    """
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ø", "o").replace("ł", "l"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return plain if plain.isascii() and plain.isprintable() and plain.strip() else otherwise


def shortened(text: str, font: ImageFont.FreeTypeFont, max_width: float) -> str:
    """`text`, cut to fit with three dots at its end."""
    if font.getlength(text) <= max_width:
        return text
    while len(text) > 1 and font.getlength(text + "...") > max_width:
        text = text[:-1]
    return text.rstrip() + "..."


def halo_pixels(font: ImageFont.FreeTypeFont) -> int:
    return max(1, round(font.size / 10))


def text_size(text: str, font: ImageFont.FreeTypeFont) -> tuple[int, int]:
    """Width and height of the text with its halo. The height is the font's own, so that a row of words is even."""
    halo = halo_pixels(font)
    return int(np.ceil(font.getlength(text))) + 2 * halo, round(font.size * 0.95) + 2 * halo


def write_with_halo(picture: Image.Image, centre_xy: tuple[int, int], text: str, font: ImageFont.FreeTypeFont) -> None:
    """Light letters in a soft dark halo: readable on every colour and on every photograph."""
    halo = halo_pixels(font)
    width, height = text_size(text, font)
    # A layer as small as the word: the picture may be huge.
    layer = Image.new("RGBA", (width + 4 * halo, height + 4 * halo), (*INK, 0))
    middle = (layer.width / 2, layer.height / 2)
    pen = ImageDraw.Draw(layer)
    pen.text(middle, text, font=font, anchor="mm", fill=(*INK, 235), stroke_width=halo, stroke_fill=(*INK, 235))
    layer = layer.filter(ImageFilter.GaussianBlur(halo * 0.5))
    ImageDraw.Draw(layer).text(middle, text, font=font, anchor="mm", fill=(*PAPER, 255))
    corner = (round(centre_xy[0] - layer.width / 2), round(centre_xy[1] - layer.height / 2))
    picture.paste(layer, corner, layer)
