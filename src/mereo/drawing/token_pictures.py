"""Tokens as pictures: each one's region in orange on the pale photograph, alone or all on one sheet."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from mereo.assembly.seen_tokens import SeenToken
from mereo.drawing.legend import percent
from mereo.drawing.lettering import INK, PAPER, drawable, font_of, shortened
from mereo.errors import BadInput

PALENESS, ORANGE_SHARE = 0.72, 0.6
ORANGE = (236, 98, 8)
TILE_WIDTH, GAP, COLUMNS = 240, 14, 6
MAX_TILE_HEIGHT = 320
MARK, MARK_EDGE = (20, 40, 120), (255, 255, 255)


def draw_token(image_HWC: np.ndarray, token: SeenToken, *, width: int = TILE_WIDTH) -> np.ndarray:
    """H W 3 uint8: the more orange, the more of the token; a dot marks its centre. Where it looks most is fully orange.

    Dark photographs would hide what is only brightened.
    """
    height = min(MAX_TILE_HEIGHT, max(1, round(width * image_HWC.shape[0] / image_HWC.shape[1])))
    picture = lit(image_HWC, token.weight_hw / token.weight_hw.max(), size=(height, width))
    x, y = token.centre_xy[0] * width / image_HWC.shape[1], token.centre_xy[1] * height / image_HWC.shape[0]
    ImageDraw.Draw(picture).ellipse((x - 4, y - 4, x + 4, y + 4), fill=MARK, outline=MARK_EDGE)
    return np.asarray(picture).copy()


def lit(image_HWC: np.ndarray, share_hw: np.ndarray, *, size: tuple[int, int]) -> Image.Image:
    """The photograph at `size` (height, width): pale where `share_hw` is 0, its own colours under orange where 1."""
    small = Image.fromarray(image_HWC).resize(size[::-1], Image.Resampling.LANCZOS, reducing_gap=3.0)
    share = Image.fromarray(share_hw.astype(np.float32)).resize(size[::-1], Image.Resampling.BILINEAR)
    pale_HWC = 255 - (255 - np.asarray(small.convert("L").convert("RGB")).astype(np.float32)) * (1 - PALENESS)
    orange_HWC = np.asarray(small) * (1 - ORANGE_SHARE) + np.array(ORANGE, dtype=np.float32) * ORANGE_SHARE
    mixed_HWC = pale_HWC + (orange_HWC - pale_HWC) * np.asarray(share).clip(0, 1)[:, :, None]
    return Image.fromarray(np.rint(mixed_HWC).astype(np.uint8))


def token_words(token: SeenToken, names: Sequence[str]) -> tuple[str, str]:
    """Two short lines: which token, its mass and entropy; and its largest classes."""
    classes = ", ".join(f"{names[index]} {percent(share)}" for index, share in token.classes[:3])
    return f"#{token.index}, mass {percent(token.mass)}, entropy {token.entropy:.2f}", classes


def draw_token_sheet(image_HWC: np.ndarray, tokens: Sequence[SeenToken], names: Sequence[str]) -> np.ndarray:
    """H W 3 uint8: one tile a token, in the order given, with its words below."""
    if not tokens:
        raise BadInput("a sheet of tokens must have at least one, but got none; the parser's masks are all empty.")
    letters = [drawable(name, otherwise=f"class {index}") for index, name in enumerate(names)]
    font = font_of(15)
    tiles = [draw_token(image_HWC, token) for token in tokens]
    tile_height, line_height = tiles[0].shape[0], 20
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    cell = (TILE_WIDTH + GAP, tile_height + 2 * line_height + GAP + 6)
    sheet = Image.new("RGB", (columns * cell[0] + GAP, rows * cell[1] + GAP), PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, (token, tile_HWC) in enumerate(zip(tokens, tiles)):
        x, y = GAP + number % columns * cell[0], GAP + number // columns * cell[1]
        sheet.paste(Image.fromarray(tile_HWC), (x, y))
        for line, words in enumerate(token_words(token, letters)):
            top = y + tile_height + 5 + line * line_height
            pen.text((x, top), shortened(words, font, TILE_WIDTH), font=font, fill=INK)
    return np.asarray(sheet).copy()
