"""Taxonomy: what labels mean. One `LabelTable` a task (raw id -> class or ignored); things, stuff, owners of parts."""

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from mereo.data.palette import distinct_colours, hex_to_rgb
from mereo.data.sided_names import mirrored_indices
from mereo.errors import BadInput

WIDE_IGNORE_INDEX = 65535
IGNORE_INDEX = 255
RAW_IDS = range(-(2**31), 2**32)
TASKS = ("objects", "parts", "materials", "textures", "scenes")
REST = "rest"
# Ids as close together as this are looked up in an array; wider tables (colours) are searched.
MAX_LOOKUP_SPAN = 1 << 16
BAND_PIXELS = 1 << 20
# Control characters would reach the terminal, and halves of surrogate pairs can be written to no file.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True)
class LabelTable:
    """Names in index order, and which raw id of a file stands for which of them.

    `raw_to_index` maps a raw id to a class index, or to None where the pixel carries no label. Any other raw id is an
    error.
    Colour-coded masks use `red << 16 | green << 8 | blue` as raw id (`is_colour_coded`).
    """

    names: tuple[str, ...]
    raw_to_index: dict[int, int | None] = field(default_factory=dict)
    colours: tuple[str, ...] = ()
    is_colour_coded: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.names) <= WIDE_IGNORE_INDEX:
            raise BadInput(
                f"a label table must name 1 to {WIDE_IGNORE_INDEX} classes, but got {len(self.names)}; mend the list."
            )
        repeated = sorted(name for name, count in Counter(self.names).items() if count > 1)
        if repeated:
            raise BadInput(f"class names must be unique, but got {repeated} more than once; rename them.")
        unprintable = next((name for name in self.names if _CONTROL.search(name)), None)
        if unprintable is not None:
            raise BadInput(f"class names must be printable, but got {unprintable!r:.80}; rename it.")
        if not self.raw_to_index:
            object.__setattr__(self, "raw_to_index", {index: index for index in range(len(self.names))})
        for raw, index in self.raw_to_index.items():
            if raw not in RAW_IDS:
                raise BadInput(f"a raw id must fit in 32 bits, but got {raw}; mend the table.")
            if index is not None and not 0 <= index < len(self.names):
                raise BadInput(
                    f"raw id {raw} must map to one of {len(self.names)} classes, but got {index}; mend the table."
                )
        if not self.colours:
            object.__setattr__(self, "colours", distinct_colours(len(self.names)))
        if len(self.colours) != len(self.names):
            raise BadInput(
                f"colours must be one a class ({len(self.names)}), but got {len(self.colours)}; add or remove some."
            )
        for colour in self.colours:
            hex_to_rgb(colour)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def ignore_index(self) -> int:
        """The index of pixels without a label: 255, or 65535 where 255 is a class."""
        return IGNORE_INDEX if len(self.names) <= IGNORE_INDEX else WIDE_IGNORE_INDEX

    @cached_property
    def mirrored(self) -> tuple[int, ...]:
        """For each class the index of what it is called in a mirror: left doors are right doors there."""
        return mirrored_indices(self.names)

    @cached_property
    def colours_K3(self) -> np.ndarray:
        return np.array([hex_to_rgb(colour) for colour in self.colours], dtype=np.uint8).reshape(-1, 3)

    @cached_property
    def _sorted_raw_and_index(self) -> tuple[np.ndarray, np.ndarray]:
        raw = np.array(sorted(self.raw_to_index), dtype=np.int64)
        index = [self.raw_to_index[int(r)] for r in raw]
        return raw, np.array([self.ignore_index if i is None else i for i in index], dtype=np.int32)

    @cached_property
    def _lookup(self) -> tuple[int, np.ndarray] | None:
        """The raw id that the first entry stands for, and an index (or -1) for each raw id from there on."""
        raw, index = self._sorted_raw_and_index
        if raw[-1] - raw[0] > MAX_LOOKUP_SPAN:
            return None
        first = int(raw[0]) - 1  # One entry more at either end: every id outside the table is clipped onto these.
        lookup = np.full(int(raw[-1]) - first + 2, -1, dtype=np.int32)
        lookup[raw - first] = index
        return first, lookup

    def to_index(self, raw_HW: np.ndarray, *, file: str = "the label map") -> np.ndarray:
        """Raw ids -> class indices (int32). An id outside the table is an error with file, pixel and value."""
        if raw_HW.dtype.kind not in "iub" or raw_HW.ndim != 2:
            raise BadInput(
                f"a label map must hold whole numbers in rows and columns, but got {raw_HW.dtype} of shape "
                f"{raw_HW.shape} in {file}; save it as one integer a pixel."
            )
        index_HW = np.empty(raw_HW.shape, dtype=np.int32)
        # In bands: the steps below hold several wide numbers a pixel.
        rows = max(1, BAND_PIXELS // max(1, raw_HW.shape[1]))
        for start in range(0, len(raw_HW), rows):
            index_HW[start : start + rows] = self._indices(raw_HW[start : start + rows].astype(np.int64))
        if index_HW.size and index_HW.min() < 0:
            row, column = divmod(int(np.argmax(index_HW < 0)), raw_HW.shape[1])
            got = self.describe_raw(raw_HW[row, column])
            raise BadInput(
                f"label ids must be in the label table ({self._describe_ids()}), but got {got} "
                f"at pixel (row {row}, column {column}) in {file}; add the id to the taxonomy, or to its ignored ids."
            )
        return index_HW

    def _indices(self, wide_HW: np.ndarray) -> np.ndarray:
        """-1 for raw ids outside the table."""
        if self._lookup is not None:
            first, lookup = self._lookup
            return lookup[np.clip(wide_HW - first, 0, len(lookup) - 1)]
        raw_ids, indices = self._sorted_raw_and_index
        position_HW = np.searchsorted(raw_ids, wide_HW).clip(max=len(raw_ids) - 1)
        return np.where(raw_ids[position_HW] == wide_HW, indices[position_HW], np.int32(-1))

    def describe_raw(self, raw: int) -> str:
        return f"colour #{int(raw):06x}" if self.is_colour_coded else str(int(raw))

    def _describe_ids(self) -> str:
        raw = sorted(self.raw_to_index)
        shown = ", ".join(self.describe_raw(r) for r in raw[:6])
        return shown if len(raw) <= 6 else f"{shown}, ... {self.describe_raw(raw[-1])}"


@dataclass(frozen=True)
class Taxonomy:
    """The label tables of a data set, and how they hang together. Travels inside every parser file.

    Parts are decided among those of the pixel's object. Where the first part is called "rest" it stands for what is
    none of the object's other parts, is a class of its own, and belongs to every object that has parts.
    `derived`: tasks whose labels nobody drew: they follow from another label (a road is asphalt). Reports say so.
    """

    name: str
    objects: LabelTable
    is_thing: tuple[bool, ...] = ()
    parts: LabelTable | None = None
    part_owners: tuple[tuple[str, ...], ...] = ()
    materials: LabelTable | None = None
    textures: LabelTable | None = None
    scenes: LabelTable | None = None
    derived: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.is_thing:
            object.__setattr__(self, "is_thing", (False,) * len(self.objects))
        if len(self.is_thing) != len(self.objects):
            raise BadInput(
                f"is_thing must hold {len(self.objects)} values, but got {len(self.is_thing)}; one an object."
            )
        if self.parts is not None and not self.part_owners:
            object.__setattr__(self, "part_owners", ((),) * len(self.parts))
        num_parts = 0 if self.parts is None else len(self.parts)
        if len(self.part_owners) != num_parts:
            raise BadInput(f"part_owners must hold {num_parts} lists, but got {len(self.part_owners)}; one a part.")
        for owners in self.part_owners:
            for owner in owners:
                if owner not in self.objects.names:
                    raise BadInput(
                        f"a part's owner must be an object, but got {owner!r}; objects: {self.object_names}."
                    )
        if self.has_rest and self.part_owners[0]:
            raise BadInput(
                f"the part {REST!r} must name no owner, but got {list(self.part_owners[0])}; it belongs to every "
                "object that has parts."
            )
        unknown = [task for task in self.derived if task not in TASKS or getattr(self, task) is None]
        if unknown:
            raise BadInput(f"derived must name tasks that have classes here, but got {unknown}; tasks: {TASKS}.")

    @property
    def object_names(self) -> list[str]:
        """Names in index order: `Parse.semantic` holds indices into this list."""
        return list(self.objects.names)

    @property
    def names_of_tasks(self) -> dict[str, tuple[str, ...]]:
        """Of every task that has classes: their names, in index order."""
        tables: dict[str, LabelTable | None] = {task: getattr(self, task) for task in TASKS}
        return {task: table.names for task, table in tables.items() if table is not None}

    @property
    def num_objects(self) -> int:
        return len(self.objects)

    @property
    def ignore_index(self) -> int:
        return self.objects.ignore_index

    @property
    def things(self) -> tuple[int, ...]:
        """Indices of the objects that are things, in order."""
        return tuple(index for index, is_thing in enumerate(self.is_thing) if is_thing)

    @property
    def has_rest(self) -> bool:
        """Whether part 0 is "rest of the object"."""
        return self.parts is not None and self.parts.names[0] == REST

    def part_indices_of(self, object_name: str) -> tuple[int, ...]:
        """The parts among which a pixel of this object is decided, ascending; empty for an object without parts.

        >>> objects, parts = LabelTable(("sky", "car")), LabelTable(("rest", "wheel", "door"))
        >>> taxonomy = Taxonomy("toy", objects, parts=parts, part_owners=((), ("car",), ("car",)))
        >>> taxonomy.part_indices_of("car"), taxonomy.part_indices_of("sky"), taxonomy.parts_of("car")
        ((0, 1, 2), (), ['wheel', 'door'])
        """
        own = tuple(part for part, owners in enumerate(self.part_owners) if object_name in owners)
        return (0, *own) if own and self.has_rest else own

    def parts_of(self, object_name: str) -> list[str]:
        if self.parts is None:
            return []
        return [part for part, owners in zip(self.parts.names, self.part_owners) if object_name in owners]
