"""TaskMap: the parts, materials or texture of a parse, whichever it is: what their pictures, lists and pages need."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mereo.assembly.parse import Parse
from mereo.data.taxonomy import LabelTable, Taxonomy

TITLES = {"parts": "Parts", "materials": "Materials", "textures": "Texture"}


@dataclass(frozen=True, eq=False)
class TaskMap:
    """`task` is the name of its table in the taxonomy."""

    task: str
    label_HW: np.ndarray
    table: LabelTable

    @property
    def areas(self) -> list[tuple[int, int]]:
        """Class index and pixels of each class that is there, the largest first."""
        area_K = np.bincount(self.label_HW.ravel(), minlength=len(self.table))[: len(self.table)]
        return [(int(index), int(area_K[index])) for index in np.argsort(-area_K, kind="stable") if area_K[index]]


def task_maps(parse: Parse) -> tuple[TaskMap, ...]:
    """Those that the parse has."""
    taxonomy = parse.taxonomy
    maps = (
        ("parts", parse.parts, taxonomy.parts),
        ("materials", parse.materials, taxonomy.materials),
        ("textures", parse.texture, taxonomy.textures),
    )
    return tuple(
        TaskMap(task, label_HW, table) for task, label_HW, table in maps if label_HW is not None and table is not None
    )


def title_of(task: str, taxonomy: Taxonomy) -> str:
    """
    >>> table = LabelTable(("road",))
    >>> title_of("materials", Taxonomy("t", table, materials=table, derived=("materials",)))
    'Materials (derived)'
    """
    return f"{TITLES[task]} (derived)" if task in taxonomy.derived else TITLES[task]


def described_tasks(parse: Parse) -> dict[str, Any]:
    """For JSON: what of each task is where how much, with the objects of parts; and which tasks nobody labelled."""
    content: dict[str, Any] = {}
    for one in task_maps(parse):
        if one.task == "parts":
            content["parts"] = _described_parts(parse, one)
        else:
            content[one.task] = [
                {"name": one.table.names[index], "class_index": index, **_amount(pixels, one.label_HW.size)}
                for index, pixels in one.areas
            ]
    if parse.image_texture is not None and parse.taxonomy.textures is not None:
        content["image_texture"] = parse.taxonomy.textures.names[parse.image_texture]
    answered = [*content, *(["scenes"] if parse.scene is not None else [])]
    derived = [task for task in parse.taxonomy.derived if task in answered]
    return content | ({"derived": derived} if derived else {})


def _described_parts(parse: Parse, parts: TaskMap) -> list[dict[str, Any]]:
    num_parts = len(parts.table)
    is_part_HW = parts.label_HW < num_parts
    pairs = parse.semantic[is_part_HW].astype(np.int64) * num_parts + parts.label_HW[is_part_HW]
    found, pixels_N = np.unique(pairs, return_counts=True)
    rows: Sequence[tuple[int, int]] = sorted(zip(found.tolist(), pixels_N.tolist()), key=lambda one: (-one[1], one[0]))
    return [
        {
            "object": parse.taxonomy.object_names[pair // num_parts],
            "name": parts.table.names[pair % num_parts],
            "class_index": pair % num_parts,
            **_amount(pixels, parts.label_HW.size),
        }
        for pair, pixels in rows
    ]


def _amount(pixels: int, total: int) -> dict[str, float]:
    return {"area_pixels": pixels, "share": round(pixels / total, 6)}
