"""A contact sheet: each scene beside its objects and its parts, and below them what the colours mean."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mereo.data.drawn.labels import drawn_taxonomy
from mereo.data.sample import Sample
from mereo.data.taxonomy import LabelTable
from mereo.picture_sizes import scaled_size

CELL_WIDTH, CELL_HEIGHT, GAP, GROUPS = 280, 210, 6, 2
PAPER, INK, UNLABELLED = (250, 249, 246), (40, 40, 44), (32, 32, 36)
LEGEND_LINE = 24


def contact_sheet(samples: list[Sample]) -> Image.Image:
    """Two scenes a row; each as picture, objects, parts."""
    taxonomy = drawn_taxonomy()
    rows = -(-len(samples) // GROUPS)
    group_width = 3 * (CELL_WIDTH + GAP) + 2 * GAP
    width = GROUPS * group_width + GAP
    seen = {index for sample in samples for index in np.unique(np.asarray(sample.semantic_HW)).tolist()}
    per_line = max((width - 2 * GAP) // 160, 1)
    legend_height = LEGEND_LINE * -(-len(seen) // per_line) + 2 * GAP
    sheet = Image.new("RGB", (width, rows * (CELL_HEIGHT + GAP) + GAP + legend_height), PAPER)
    for number, sample in enumerate(samples):
        left, top = GAP + number % GROUPS * group_width, GAP + number // GROUPS * (CELL_HEIGHT + GAP)
        pictures = (
            (np.asarray(sample.image_CHW.permute(1, 2, 0)), Image.Resampling.LANCZOS),
            (_coloured(np.asarray(sample.semantic_HW), taxonomy.objects), Image.Resampling.NEAREST),
            (_coloured(np.asarray(sample.parts_HW), taxonomy.parts), Image.Resampling.NEAREST),
        )
        for column, (picture_HW3, resampling) in enumerate(pictures):
            sheet.paste(_fitted(picture_HW3, resampling), (left + column * (CELL_WIDTH + GAP), top))
    _draw_legend(sheet, taxonomy.objects, sorted(seen), rows * (CELL_HEIGHT + GAP) + 2 * GAP, per_line)
    return sheet


def _fitted(picture_HW3: np.ndarray, resampling: Image.Resampling) -> Image.Image:
    picture = Image.fromarray(picture_HW3)
    size = scaled_size(picture.size, min(CELL_WIDTH / picture.width, CELL_HEIGHT / picture.height))
    cell = Image.new("RGB", (CELL_WIDTH, CELL_HEIGHT), PAPER)
    cell.paste(picture.resize(size, resampling), ((CELL_WIDTH - size[0]) // 2, (CELL_HEIGHT - size[1]) // 2))
    return cell


def _coloured(index_HW: np.ndarray, table: LabelTable | None) -> np.ndarray:
    lookup = np.full((256, 3), UNLABELLED, dtype=np.uint8)
    if table is not None:
        lookup[: len(table)] = table.colours_K3
    return lookup[index_HW]


def _draw_legend(sheet: Image.Image, table: LabelTable, shown: list[int], top: int, per_line: int) -> None:
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=14)
    for number, index in enumerate(shown):
        x, y = GAP + number % per_line * 160, top + number // per_line * LEGEND_LINE
        draw.rectangle((x, y + 3, x + 24, y + 17), fill=table.colours[index])
        draw.text((x + 31, y + 1), table.names[index], fill=INK, font=font)
