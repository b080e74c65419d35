"""What a painted patch is: an object, which thing of its kind, which part of it, and what it is made of."""

from dataclasses import dataclass, replace
from functools import lru_cache

from mereo.data.taxonomy import Taxonomy
from mereo.data.taxonomy_file import load_taxonomy

INSTANCE_SHIFT = 32


@lru_cache(maxsize=1)
def drawn_taxonomy() -> Taxonomy:
    """The classes of drawn scenes: 24 objects, their parts, materials, textures and three scenes."""
    return load_taxonomy("drawn_scenes")


@dataclass(frozen=True)
class Label:
    """
    >>> Label("car", instance=3).part_named("wheel")
    Label(object='car', instance=3, part='wheel')
    """

    object: str
    instance: int = 0
    part: str | None = None

    def part_named(self, part: str | None) -> "Label":
        return replace(self, part=part)


@lru_cache(maxsize=4096)
def _code_without_instance(object_name: str, part: str | None, material: str | None, texture: str) -> int:
    objects, parts, materials, textures = _positions()
    code = objects[object_name]
    code |= (0 if part is None else parts[part] + 1) << 8
    code |= (0 if material is None else materials[material] + 1) << 16
    return code | textures[texture] << 24


def label_code(label: Label, material: str | None, texture: str) -> int:
    """All labels of a pixel in one number, so that one assignment paints every map and none can disagree.

    Bits 0-7 object, 8-15 part + 1, 16-23 material + 1, 24-31 texture, from 32 instance.
    """
    return _code_without_instance(label.object, label.part, material, texture) | label.instance << INSTANCE_SHIFT


@lru_cache(maxsize=1)
def _positions() -> tuple[dict[str, int], dict[str, int], dict[str, int], dict[str, int]]:
    taxonomy = drawn_taxonomy()
    objects, parts, materials, textures = (
        {name: index for index, name in enumerate(table.names if table else ())}
        for table in (taxonomy.objects, taxonomy.parts, taxonomy.materials, taxonomy.textures)
    )
    return objects, parts, materials, textures
