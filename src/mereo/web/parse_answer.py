"""A parse as JSON: names, shares and boxes, and maps small enough to send (docs/service.md)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.assembly.parse import Parse
from mereo.drawing.hover_map import HoverMap, encoded_runs, hover_map, index_hover_map
from mereo.drawing.task_maps import TITLES, TaskMap, task_maps
from mereo.web.superpixel_map import MAX_MAP_SIDE, superpixel_map

# Tables of a taxonomy and tasks of an answer have one name, but for this one.
TASK_OF_TABLE = {"textures": "texture"}


def parse_answer(
    parse: Parse,
    groups: GroupedPhotograph,
    *,
    photograph: str,
    parser: str,
    seconds: float,
    terms: str,
    can: Mapping[str, bool],
) -> dict[str, Any]:
    taxonomy = parse.taxonomy
    height, width = parse.size
    maps = [TaskMap("objects", parse.semantic, taxonomy.objects), *task_maps(parse)]
    scene = parse.scene_name
    texture = None if parse.image_texture is None or taxonomy.textures is None else parse.image_texture
    return {
        "photograph": photograph,
        "name": parse.name,
        "parser": parser,
        "width": width,
        "height": height,
        "seconds": round(seconds, 3),
        "terms": terms,
        "warnings": list(parse.warnings),
        "tasks": {TASK_OF_TABLE.get(one.task, one.task): _task(one, taxonomy.derived) for one in maps},
        "scene": None if scene is None else {"name": scene, "derived": "scenes" in taxonomy.derived},
        "image_texture": None if texture is None or taxonomy.textures is None else taxonomy.textures.names[texture],
        "segments": _segments(parse),
        "segment_map": as_json(hover_map(parse, max_side=MAX_MAP_SIDE)),
        "confidence": _confidence(parse),
        "groups": _groups(groups),
        "can": dict(can),
    }


def as_json(found: HoverMap) -> dict[str, Any]:
    return {"width": found.size[1], "height": found.size[0], "runs": found.runs}


def _task(one: TaskMap, derived: tuple[str, ...]) -> dict[str, Any]:
    num_classes = len(one.table)
    # What has no answer is one number for every table: the first that is no class. Objects always have one.
    label_HW = one.label_HW if one.task == "objects" else np.minimum(one.label_HW, num_classes)
    return {
        "title": TITLES.get(one.task, "Objects"),
        "derived": one.task in derived,
        "classes": list(one.table.names),
        "colours": list(one.table.colours),
        "map": as_json(index_hover_map(label_HW, max_side=MAX_MAP_SIDE)),
        "shares": [[index, round(pixels / label_HW.size, 6)] for index, pixels in one.areas],
    }


def _segments(parse: Parse) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "class": one.class_index,
            "is_thing": one.is_thing,
            "share": round(one.share, 6),
            "area_pixels": one.area_pixels,
            "box_xyxy": [int(side) for side in one.box_xyxy],
            "instance_id": one.instance_id,
        }
        for one in parse.segments
    ]


def _confidence(parse: Parse) -> dict[str, Any] | None:
    if parse.confidence is None:
        return None
    # Means of half precision overflow; percents of it do not.
    mean = float(parse.confidence.mean(dtype=np.float64))
    percent_HW = np.rint(np.minimum(parse.confidence, 1) * 100).astype(np.uint8)
    return {"mean": round(mean, 4), "map": as_json(index_hover_map(percent_HW, max_side=MAX_MAP_SIDE))}


def _groups(groups: GroupedPhotograph) -> dict[str, Any]:
    code_hw = superpixel_map(groups)
    size = (code_hw.shape[0], code_hw.shape[1])
    levels = range(1, groups.num_levels + 1)
    return {
        "map": as_json(HoverMap(size, encoded_runs(code_hw))),
        "levels": [
            {"level": one, "num": groups.num_groups(one), "groups": groups.group_of_superpixel(one).tolist()}
            for one in levels
        ],
    }
