"""What `mereo explain --why object=road` writes and says."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mereo.text_lines import printable

if TYPE_CHECKING:
    import numpy as np

    from mereo.interaction.graph_cam import GraphHeat


def explained_heat(
    parser: Any,
    image_HWC: "np.ndarray",
    *,
    image: Path,
    point: tuple[int, int] | None,
    out: Path,
    notes: list[str],
    question: str,
) -> list[str]:
    """Page, pictures and explanation.json in `out`; the lines for the terminal."""
    from mereo.atomic_files import write_json
    from mereo.drawing.heat_page import write_heat_page
    from mereo.interaction.graph_cam import explain_heat
    from mereo.interaction.heat_words import answer_in_words, levels_in_words

    found = explain_heat(parser, image_HWC, question)
    heat_at = None if point is None else found.heat_at(*point)
    told, told_per_level = answer_in_words(found), levels_in_words(found)
    page = write_heat_page(
        out,
        found.photograph,
        found.relative_per_level,
        name=image.name,
        asked=found.asked.name,
        told=told,
        told_per_level=told_per_level,
        answer_hw=found.answer_hw,
        nodes_per_level=found.nodes_per_level,
        point_xy=point,
        notes=notes,
    )
    content = as_numbers(found)
    if heat_at is not None and point is not None:
        content["point"] = {"at": list(point), "heat": [round(heat, 6) for heat in heat_at]}
    write_json(out / "explanation.json", content)
    lines = [printable(told)]
    for level, what in enumerate(told_per_level, start=1):
        at_point = "" if heat_at is None or point is None else f"; at {point[0]},{point[1]} {heat_at[level - 1]:.2f}"
        lines.append(f"level {level}: {what}{at_point}")
    return [*lines, str(page)]


def as_numbers(found: "GraphHeat") -> dict[str, object]:
    from mereo.interaction.graph_cam import stands_out

    per_level = zip(found.nodes_per_level, found.heat_per_level, found.relative_per_level)
    levels = [
        {
            "level": level,
            "nodes": nodes,
            "largest_heat": float(heat_R.max()),
            "mean_heat": float(heat_R.mean()),
            "tells_apart": stands_out(relative_R),
        }
        for level, (nodes, heat_R, relative_R) in enumerate(per_level, start=1)
    ]
    asked = {"task": found.asked.task, "class": found.asked.name}
    return {**asked, "score": round(found.score, 6), "share": round(found.share, 6), "levels": levels}
