"""index.html of a picture's pyramid: the answer and the cells that speak, which level where, what each level says."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mereo.assembly.level_answers import LevelAnswers, LevelCell
from mereo.assembly.parse import Parse
from mereo.drawing import level_pictures as pictures
from mereo.drawing.level_words import level_facts, point_table, share_text
from mereo.drawing.page_parts import PageTemplate, colour_rules, escaped, relative_link
from mereo.drawing.parse_files import write_picture

PAGE = PageTemplate(__file__)


def write_level_page(
    folder: str | Path,
    *,
    parse: Parse,
    answers: LevelAnswers,
    name: str,
    point_xy: tuple[int, int] | None = None,
    cells: Sequence[LevelCell] = (),
    notes: Sequence[str] = (),
) -> Path:
    """With a point: `cells` are those of every level that hold it, marked on all pictures."""
    folder, taxonomy = Path(folder), parse.taxonomy
    speaking = next((cell for cell in cells if cell.speaks), None)

    def marked(picture_HWC: np.ndarray, cell: LevelCell | None) -> np.ndarray:
        if point_xy is None or cell is None:
            return picture_HWC
        return pictures.with_mark(picture_HWC, parse.size, point_xy=point_xy, box_xyxy=cell.box_xyxy)

    figures = [
        _figure(folder, stem, caption, marked(picture_HWC, speaking))
        for stem, caption, picture_HWC in (
            ("photograph", "Photograph", pictures.draw_photograph(parse)),
            ("answer", "The fused answer, and the cells that speak", pictures.draw_speaking_cells(parse, answers)),
            ("levels", "Which level answers where", pictures.draw_levels(parse, answers)),
        )
    ]
    rows = []
    for level in range(answers.num_levels):
        cell = cells[level] if cells else None
        semantic_HWC = marked(pictures.draw_semantic_level(parse, answers, level), cell)
        shown = [_figure(folder, f"semantic_{level}", f"Classes of level {level + 1}", semantic_HWC)]
        if level < answers.num_levels - 1:
            unity_HWC = marked(pictures.draw_unity_level(parse, answers, level), cell)
            caption = f"Unity of level {level + 1}: blue is one class, orange is mixed"
            shown.append(_figure(folder, f"unity_{level}", caption, unity_HWC))
        else:
            shown.append('<p class="none">No unity: the finest cells speak wherever no other does.</p>')
        chosen = " class=chosen" if cell is not None and cell.speaks else ""
        rows.append(f"<li{chosen}><div>{level_facts(answers, level)}</div>{''.join(shown)}</li>")
    return PAGE.write(
        folder / "index.html",
        title=f"Levels of {name}",
        summary="How large the cells are that answer, and what the others say",
        notes=(_note(answers), *notes),
        rules=_colour_rules(parse, answers.num_levels),
        pictures="\n".join(figures),
        scale=_scale(answers),
        point="" if point_xy is None else point_table(point_xy, cells, taxonomy),
        levels="\n".join(rows),
        classes=_classes(parse, answers),
    )


def _figure(folder: Path, stem: str, caption: str, picture_HWC: np.ndarray) -> str:
    path = write_picture(folder / stem, picture_HWC)
    height, width = picture_HWC.shape[:2]
    link = relative_link(path.name)
    return (
        f'<figure><a href="{link}"><img src="{link}" width="{width}" height="{height}" alt="{escaped(caption)}"></a>'
        f"<figcaption>{escaped(caption)}</figcaption></figure>"
    )


def _scale(answers: LevelAnswers) -> str:
    shares = level_shares(answers)
    return "".join(
        f'<li><span class="swatch l{level}"></span>{size} px cells<span class="number">{share_text(share)}</span></li>'
        for level, (size, share) in enumerate(zip(answers.cell_sizes, shares))
    )


def level_shares(answers: LevelAnswers) -> list[float]:
    """How much of the picture each level answers, by whole cells."""
    cells_L = np.bincount(answers.level_hw.ravel(), minlength=answers.num_levels)
    return [float(cells / answers.level_hw.size) for cells in cells_L]


def _classes(parse: Parse, answers: LevelAnswers) -> str:
    """Every class on some picture of the page: those of the answer first, the largest first."""
    area_K = np.bincount(parse.semantic.ravel(), minlength=parse.taxonomy.num_objects).astype(float)
    for class_hw in answers.class_per_level:  # Less than any pixel of the answer.
        area_K += np.bincount(class_hw.ravel(), minlength=len(area_K)) / (class_hw.size * answers.num_levels * 4)
    order = [int(index) for index in np.argsort(-area_K, kind="stable") if area_K[index] > 0]
    return "".join(
        f'<li><span class="swatch k{index}"></span>{escaped(parse.taxonomy.object_names[index])}</li>'
        for index in order
    )


def _colour_rules(parse: Parse, num_levels: int) -> str:
    of_classes = colour_rules(range(parse.taxonomy.num_objects), parse.taxonomy.objects.colours_K3.tolist())
    of_levels = "\n".join(
        f".l{level} {{ --k: #{red:02x}{green:02x}{blue:02x}; }}"
        for level, (red, green, blue) in enumerate(pictures.level_colours(num_levels).tolist())
    )
    return f"{of_classes}\n{of_levels}"


def _note(answers: LevelAnswers) -> str:
    return (
        "From the coarsest level on, a cell speaks if its unity, the probability that it holds a single class, is at "
        f"least {answers.threshold:g}. Sizes of cells are in pixels of the picture that the parser worked on. The "
        "answer is blended between cells, so its edges are smoother than theirs."
    )
