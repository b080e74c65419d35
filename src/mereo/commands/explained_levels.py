"""What `mereo explain --levels` writes and says."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mereo.text_lines import printable

if TYPE_CHECKING:
    import numpy as np

    from mereo.assembly.level_answers import LevelAnswers, LevelCell


def explained_levels(
    parser: Any,
    image_HWC: "np.ndarray",
    *,
    image: Path,
    point: tuple[int, int] | None,
    out: Path,
    notes: list[str],
) -> list[str]:
    """Page, pictures and explanation.json in `out`; the lines for the terminal."""
    from mereo.atomic_files import write_json
    from mereo.drawing.legend import percent
    from mereo.drawing.level_page import level_shares, write_level_page
    from mereo.drawing.level_words import cell_in_words, share_text
    from mereo.interaction.level_explanation import explain_levels

    explanation = explain_levels(parser, image_HWC)
    answers, taxonomy = explanation.answers, explanation.parse.taxonomy
    cells = () if point is None else explanation.cells_at(*point)
    page = write_level_page(
        out, parse=explanation.parse, answers=answers, name=image.name, point_xy=point, cells=cells, notes=notes
    )
    names = taxonomy.object_names
    content: dict[str, object] = {"levels": as_numbers(answers), "threshold": answers.threshold}
    if point is not None:
        content["point"] = {"at": list(point), "cells": [cell_as_numbers(cell, names) for cell in cells]}
    write_json(out / "explanation.json", content)
    shares = ", ".join(f"{size} px {share_text(s)}" for size, s in zip(answers.cell_sizes, level_shares(answers)))
    speaking, finest = sum(answers.speaking_cells), answers.level_hw.size
    told = [f"{speaking} cells speak ({percent(speaking / finest)} of the finest grid's {finest}): {shares}"]
    shown_names = [printable(name) for name in names]
    return [*told, *(cell_in_words(cell, shown_names) for cell in cells), str(page)]


def as_numbers(answers: "LevelAnswers") -> list[dict[str, object]]:
    """Coarsest first."""
    return [
        {
            "cell_size": answers.cell_sizes[level],
            "grid": [speaks_hw.shape[1], speaks_hw.shape[0]],
            "cells_that_speak": int(speaks_hw.sum()),
            "cells_done_by_coarser": int(answers.is_done_per_level[level].sum()),
            "share": round(float(speaks_hw.mean()), 6),
        }
        for level, speaks_hw in enumerate(answers.speaks_per_level)
    ]


def cell_as_numbers(cell: "LevelCell", names: list[str] | tuple[str, ...]) -> dict[str, object]:
    return {
        "cell_size": cell.cell_size,
        "box_xyxy": [round(value, 1) for value in cell.box_xyxy],
        "class": names[cell.class_index],
        "probability": round(cell.probability, 6),
        "unity": None if cell.unity is None else round(cell.unity, 6),
        "state": cell.state,
    }
