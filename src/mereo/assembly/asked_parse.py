"""What a parse is asked: where something is, and what is at a pixel."""

from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from mereo.data.taxonomy import LabelTable
from mereo.errors import BadInput, did_you_mean
from mereo.shapes import require_point

if TYPE_CHECKING:
    from mereo.assembly.parse import Parse, Segment


@dataclass(frozen=True)
class PixelAnswer:
    """What a parse says of one pixel. `name` is its object; None is what the parser does not answer there.

    `segment` is the region that the pixel belongs to: an instance, or all pixels of its class that belong to none.
    """

    name: str
    part: str | None
    material: str | None
    confidence: float | None
    segment: "Segment"


def answer_at(parse: "Parse", x: int, y: int) -> PixelAnswer:
    if any(isinstance(value, bool) or not isinstance(value, Integral) for value in (x, y)):
        raise BadInput(f"a point must be at whole numbers of pixels, but got {x!r:.40},{y!r:.40}; round them down.")
    require_point(x, y, parse.size)
    class_index = int(parse.semantic[y, x])
    return PixelAnswer(
        name=parse.taxonomy.object_names[class_index],
        part=_name_at(parse.parts, parse.taxonomy.parts, x, y),
        material=_name_at(parse.materials, parse.taxonomy.materials, x, y),
        confidence=None if parse.confidence is None else float(parse.confidence[y, x]),
        segment=_segment_of(parse, class_index, 0 if parse.instances is None else int(parse.instances[y, x])),
    )


def mask_of(parse: "Parse", name: "str | Segment | None", *, part: str | None, material: str | None) -> np.ndarray:
    if name is None and part is None and material is None:
        raise BadInput('a mask must be of an object, a part or a material, but got none of them; e.g. mask("road").')
    mask_HW = np.ones(parse.size, dtype=bool)
    if isinstance(name, str):
        mask_HW &= _mask_of_name(parse, "object", name, parse.semantic, parse.taxonomy.objects)
    elif name is not None:
        mask_HW &= _mask_of_segment(parse, name)
    if part is not None:
        mask_HW &= _mask_of_name(parse, "part", part, parse.parts, parse.taxonomy.parts)
    if material is not None:
        mask_HW &= _mask_of_name(parse, "material", material, parse.materials, parse.taxonomy.materials)
    return mask_HW


def _mask_of_name(
    parse: "Parse", kind: str, name: str, index_HW: np.ndarray | None, table: LabelTable | None
) -> np.ndarray:
    if index_HW is None or table is None:
        raise BadInput(
            f"a parse must have {kind}s to say where one is, but got none in {parse.name}; "
            f"parse with a parser that answers {kind}s, e.g. everyday."
        )
    if name not in table.names:
        article = "an" if kind[0] in "aeiou" else "a"
        raise BadInput(
            f"{article} {kind} must be one of the taxonomy {parse.taxonomy.name}, but got {name!r}; "
            f"{did_you_mean(name, table.names)}"
        )
    mask_HW: np.ndarray = index_HW == table.names.index(name)
    return mask_HW


def _mask_of_segment(parse: "Parse", segment: "Segment") -> np.ndarray:
    if segment not in parse.segments:
        raise BadInput(
            f"a segment must be one of this parse's, but got {segment!r:.200} in {parse.name}; "
            "take it from `segments` or `at`."
        )
    if parse.instances is None:
        return parse.semantic == segment.class_index
    is_its_HW: np.ndarray = parse.instances == segment.instance_id
    return is_its_HW if segment.instance_id else is_its_HW & (parse.semantic == segment.class_index)


def _segment_of(parse: "Parse", class_index: int, instance_id: int) -> "Segment":
    """An instance's class is that of most of its pixels; this one may be another."""
    return next(
        segment
        for segment in parse.segments
        if segment.instance_id == instance_id and (instance_id or segment.class_index == class_index)
    )


def _name_at(index_HW: np.ndarray | None, table: LabelTable | None, x: int, y: int) -> str | None:
    if index_HW is None or table is None or index_HW[y, x] == table.ignore_index:
        return None
    return table.names[index_HW[y, x]]
