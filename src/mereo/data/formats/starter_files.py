"""The description and the taxonomy that `mereo init` writes, as text with comments for the person who goes on."""

import json
from typing import Any

from mereo.data.formats.folder_inspection import FolderInspection
from mereo.strict_yaml import dump_yaml


def description_text(inspection: FolderInspection, *, name: str) -> str:
    layout = inspection.layout
    content: dict[str, Any] = {
        "name": name,
        "taxonomy": "taxonomy.yaml",
        "images": layout.images,
        "semantic": layout.semantic,
    }
    if layout.instances is not None:
        content["instances"] = layout.instances
        if inspection.ignored_ids:
            content["ignored_instance_ids"] = list(inspection.ignored_ids)
    if inspection.split_lists is not None:
        content["split_lists"] = {split: f"{split}.txt" for split in inspection.split_lists}
    return f"# What lies where; made by `mereo init`.\n{dump_yaml(content)}"


def taxonomy_text(inspection: FolderInspection, *, name: str) -> str:
    """One class an id, named by the id until somebody renames it; the share of pixels stands behind it."""
    total = max(1, sum(inspection.pixels_of_raw.values()))
    is_named = bool(inspection.names)
    lines = [
        "# Classes of the labels; made by `mereo init`."
        + ("" if is_named else " Rename them: `name` is what people will read."),
        "# `ids` are the values in the label files. thing: true for what can be counted (cars, people).",
        "# An id that means 'no label' belongs into ignored_ids.",
        f"name: {json.dumps(name, ensure_ascii=False)}",
        "objects:",
    ]
    for raw in sorted({*inspection.pixels_of_raw, *inspection.names} - set(inspection.ignored_ids)):
        share = 100 * inspection.pixels_of_raw.get(raw, 0) / total
        class_name = json.dumps(inspection.names.get(raw, default_name(raw, inspection)), ensure_ascii=False)
        colour = f', colour: "#{raw:06x}"' if inspection.is_colour_coded else ""
        lines.append(
            f"  - {{name: {class_name}, ids: [{_written(raw, inspection)}]{colour}}}  # {share:.2f} % of pixels"
        )
    ignored = ", ".join(_written(raw, inspection) for raw in inspection.ignored_ids)
    lines.append(f"ignored_ids: [{ignored}]")
    return "\n".join(lines) + "\n"


def default_name(raw: int, inspection: FolderInspection) -> str:
    """Black, and 0 where other ids follow, is background by custom."""
    if raw == 0 and len(inspection.pixels_of_raw) > 1:
        return "background"
    return f"colour_{raw:06x}" if inspection.is_colour_coded else f"class_{raw}"


def _written(raw: int, inspection: FolderInspection) -> str:
    return f'"#{raw:06x}"' if inspection.is_colour_coded else str(raw)
