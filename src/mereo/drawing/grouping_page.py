"""index.html of a grouped photograph: a person clicks on it, and groups are chosen in the browser alone."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.drawing.file_stems import safe_stem
from mereo.drawing.grouping_pictures import draw_groups, draw_photograph
from mereo.drawing.hover_map import encoded_runs, hover_script
from mereo.drawing.level_pictures import shown_size
from mereo.drawing.page_parts import PageTemplate, relative_link
from mereo.drawing.parse_files import write_picture
from mereo.regions.grouping_hierarchy import GroupRule

PAGE = PageTemplate(__file__)
# Of a photograph that was parsed at full size the page has a coarser map: it is as large as many photographs' files.
MAX_MAP_SIDE = 2048


def write_grouping_page(
    folder: str | Path,
    photograph: GroupedPhotograph,
    *,
    name: str,
    level: int,
    rule: GroupRule = "nearest",
    clicks: Sequence[tuple[int, int, bool]] = (),
    notes: Sequence[str] = (),
) -> Path:
    """The page, the photograph, and one picture a level. It starts with `clicks`: x, y, and whether they add."""
    folder = Path(folder)
    photograph_link = _written(folder / "photograph", draw_photograph(photograph))
    cards, levels = [], []
    for one in range(1, photograph.num_levels + 1):
        picture_HWC = draw_groups(photograph, one, rule=rule)
        link = _written(folder / f"level_{one}", picture_HWC)
        about = level_in_words(photograph, one, rule=rule)
        height, width = picture_HWC.shape[:2]
        cards.append(
            f'<li><a href="{link}"><img src="{link}" width="{width}" height="{height}" '
            f'alt="The photograph, one colour a group of level {one}"><span>Level {one}'
            f'<span class="number">{about}</span></span></a></li>'
        )
        group_R = photograph.group_of_superpixel(one, rule=rule)
        levels.append({"groups": group_R.tolist(), "picture": link, "about": about})
    rows, columns = photograph.superpixel_hw.shape
    map_size = (rows, columns) if max(rows, columns) <= MAX_MAP_SIDE else shown_size((rows, columns), MAX_MAP_SIDE)
    code_hw = photograph.on_pixels(np.arange(1, photograph.num_superpixels + 1), map_size)
    content = {
        "size": photograph.size,
        "map": [*map_size, encoded_runs(code_hw)],
        "levels": levels,
        "level": level,
        "clicks": clicks,
        "photograph": photograph_link,
        "mask": f"{safe_stem(Path(name).stem)}.mask.png",
    }
    return PAGE.write(
        folder / "index.html",
        title=f"Groups of {name}",
        summary="Click on a thing: all that the parser groups with it is chosen",
        notes=(*_notes(photograph, map_size, rule), *notes),
        script=hover_script() + PAGE.script(),
        data=content,
        levels="\n".join(cards),
    )


def level_in_words(photograph: GroupedPhotograph, level: int, *, rule: GroupRule = "nearest") -> str:
    count = photograph.num_groups(level, rule=rule)
    what = "superpixel" if level == 1 else "group"
    return f"{count} {what}{'' if count == 1 else 's'}"


def _notes(photograph: GroupedPhotograph, map_size: tuple[int, int], rule: GroupRule) -> list[str]:
    of_rule = {
        "nearest": "A superpixel belongs to the node nearest to it, level by level.",
        "product": "A superpixel belongs to the group with the largest entry in its row of the product of groupings.",
    }
    notes = [f"A colour is a group; colours of different levels have nothing to do with each other. {of_rule[rule]}"]
    if map_size != photograph.superpixel_hw.shape:
        notes.append(
            f"This page has its borders on a grid of {map_size[1]} × {map_size[0]}; mereo group writes masks on that "
            "of the parser."
        )
    return notes


def _written(path: Path, picture_HWC: np.ndarray) -> str:
    return relative_link(write_picture(path, picture_HWC).name)
