"""index.html of a photograph's heat: which groups of each level speak for a class, hot ones in orange."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import ImageDraw

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.drawing.grouping_pictures import draw_photograph, spotlight
from mereo.drawing.level_pictures import MARK, MARK_EDGE, shown_size
from mereo.drawing.page_parts import PageTemplate, escaped, relative_link
from mereo.drawing.parse_files import write_picture
from mereo.drawing.token_pictures import lit
from mereo.regions.nearest_places import at_size

PAGE = PageTemplate(__file__)
SIDE = 1200


def write_heat_page(
    folder: str | Path,
    photograph: GroupedPhotograph,
    heat_per_level: Sequence[np.ndarray],
    *,
    name: str,
    asked: str,
    told: str,
    told_per_level: Sequence[str],
    answer_hw: np.ndarray,
    nodes_per_level: Sequence[int],
    point_xy: tuple[int, int] | None = None,
    notes: Sequence[str] = (),
) -> Path:
    """The page and one picture a level. `heat_per_level`: of each superpixel from 0 to 1, the hottest of its level;
    `asked` is the class, `answer_hw` where it is the answer, `told` the sentence about its score, `told_per_level`
    what stands beside each level's picture. A point is marked on all of these."""
    folder, figures = Path(folder), []
    levels = zip(heat_per_level, told_per_level, nodes_per_level)
    for level, (heat_R, what, nodes) in enumerate(levels, start=1):
        picture_HWC = draw_heat(photograph, heat_R, point_xy=point_xy)
        caption = f"Level {level}: {nodes} {'superpixel' if level == 1 else 'group'}{'' if nodes == 1 else 's'}"
        figures.append(f"<li><figure>{_picture(folder / f'heat_{level}', picture_HWC, caption, what)}</figure></li>")
    return PAGE.write(
        folder / "index.html",
        title=f"Why {asked}? {name}",
        summary="Which groups speak for the class, level by level",
        notes=(
            "Gradients of the class's score (Grad-CAM) at the nodes of the grouping's graph; a superpixel gets the "
            "heat of its groups as it hears their messages. Levels have scales of their own.",
            *notes,
        ),
        pictures="\n".join(
            f"<figure>{_picture(folder / stem, picture_HWC, caption, '')}</figure>"
            for stem, caption, picture_HWC in (
                ("photograph", "Photograph", draw_photograph(photograph, side=SIDE)),
                ("answer", f"Where {asked} is the answer", draw_answer(photograph, answer_hw)),
            )
        ),
        told=escaped(told),
        levels="\n".join(figures),
    )


def draw_answer(photograph: GroupedPhotograph, answer_hw: np.ndarray, *, side: int = SIDE) -> np.ndarray:
    """H W 3 uint8: the photograph where the class is the answer, shade elsewhere."""
    picture_HWC = draw_photograph(photograph, side=side)
    spotlight(picture_HWC, at_size(answer_hw, (picture_HWC.shape[0], picture_HWC.shape[1])))
    return picture_HWC


def draw_heat(
    photograph: GroupedPhotograph, heat_R: np.ndarray, *, point_xy: tuple[int, int] | None = None, side: int = SIDE
) -> np.ndarray:
    """H W 3 uint8: pale grey where `heat_R` is 0, the photograph under orange where it is 1."""
    size = shown_size(photograph.size, side)
    picture = lit(photograph.image_HWC, photograph.on_pixels(heat_R, size), size=size)
    if point_xy is not None:
        across, down = size[1] / photograph.size[1], size[0] / photograph.size[0]
        x, y, radius = (point_xy[0] + 0.5) * across, (point_xy[1] + 0.5) * down, side / 160
        box = (x - radius, y - radius, x + radius, y + radius)
        ImageDraw.Draw(picture).ellipse(box, fill=MARK, outline=MARK_EDGE, width=max(1, round(side / 500)))
    return np.asarray(picture).copy()


def _picture(path: Path, picture_HWC: np.ndarray, caption: str, about: str) -> str:
    link = relative_link(write_picture(path, picture_HWC).name)
    height, width = picture_HWC.shape[:2]
    return (
        f'<a href="{link}"><img src="{link}" width="{width}" height="{height}" alt="{escaped(caption)}"></a>'
        f'<figcaption>{escaped(caption)}<span class="number">{escaped(about)}</span></figcaption>'
    )
