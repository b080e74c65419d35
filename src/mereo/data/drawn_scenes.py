"""Drawn scenes: streets, rooms and fields with exact ground truth for every task, made on the spot from a seed.

>>> sample = draw_scene(0, 3, size=(48, 64), kind="room")
>>> sample.size, drawn_taxonomy().scenes.names[sample.scene]
((48, 64), 'room')
"""

import numpy as np

from mereo.counter_random import counter_seed
from mereo.data.drawn.field import draw_field
from mereo.data.drawn.finish import finished
from mereo.data.drawn.labels import drawn_taxonomy
from mereo.data.drawn.room import draw_room
from mereo.data.drawn.street import draw_street
from mereo.data.sample import Sample, Samples, as_image, as_mask
from mereo.errors import BadInput

KINDS = ("street", "room", "field")
LARGEST_SIDE = 4096
# Raised whenever the same seed draws something else than before: caches of what was counted on scenes depend on it.
VERSION = 1
_DRAW = {"street": draw_street, "room": draw_room, "field": draw_field}


def draw_scene(seed: int, index: int, *, size: tuple[int, int] = (240, 320), kind: str | None = None) -> Sample:
    """The scene with this number: the same for the same arguments, on its own, wherever and in whatever order.

    `size` is height and width; `kind` None: any of `KINDS`.
    """
    height, width = _checked_size(size)
    if kind is None:
        kind = KINDS[counter_seed("drawn scene", seed, index, "kind") % len(KINDS)]
    _check_kinds((kind,))
    rng = _generator("drawn scene", seed, index, kind)
    stage = _DRAW[kind](height, width, rng)
    grain_rng = _generator("drawn scene", seed, index, kind, "grain", height, width)
    image_HW3 = finished(stage.canvas.image_HW3, rng, grain_rng)
    maps = stage.canvas.label_maps()
    return Sample(
        name=scene_name(index, kind),
        image_CHW=as_image(image_HW3),
        semantic_HW=as_mask(maps.semantic_HW),
        instances_HW=as_mask(maps.instances_HW),
        parts_HW=as_mask(maps.parts_HW),
        material_HW=as_mask(maps.material_HW),
        texture_HW=as_mask(maps.texture_HW),
        scene=KINDS.index(kind),
    )


class DrawnScenes(Samples):
    """`count` scenes, the kinds in turn. Nothing is stored: a scene is drawn whenever it is asked for."""

    def __init__(
        self, count: int, *, seed: int = 0, size: tuple[int, int] = (240, 320), kinds: tuple[str, ...] = KINDS
    ) -> None:
        if count < 0:
            raise BadInput(f"count of scenes must be at least 0, but got {count}; ask for some.")
        self.count, self.seed, self.size, self.kinds = count, seed, _checked_size(size), tuple(kinds)
        _check_kinds(self.kinds)
        self.taxonomy = drawn_taxonomy()

    @property
    def names(self) -> list[str]:
        return [scene_name(index, self._kind(index)) for index in range(self.count)]

    @property
    def fingerprint(self) -> str:
        height, width = self.size
        return f"drawn-scenes-{VERSION}-{self.count}-{self.seed}-{height}x{width}-{'+'.join(self.kinds)}"

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        if not -self.count <= index < self.count:
            raise IndexError(f"scene must be one of {self.count}, but got {index}; count from 0.")
        index %= self.count
        return draw_scene(self.seed, index, size=self.size, kind=self._kind(index))

    def _kind(self, index: int) -> str:
        return self.kinds[index % len(self.kinds)]


def scene_name(index: int, kind: str) -> str:
    return f"{kind}_{index:05d}"


def _generator(*counters: int | str) -> np.random.Generator:
    # PCG64 by name: numpy may change what `default_rng` means.
    return np.random.Generator(np.random.PCG64(counter_seed(*counters)))


def _checked_size(size: tuple[int, int]) -> tuple[int, int]:
    height, width = size
    if not (1 <= height <= LARGEST_SIDE and 1 <= width <= LARGEST_SIDE):
        raise BadInput(
            f"size of drawn scenes must lie between 1x1 and {LARGEST_SIDE}x{LARGEST_SIDE}, "
            f"but got {width}x{height}; choose e.g. 320x240."
        )
    return int(height), int(width)


def _check_kinds(kinds: tuple[str, ...]) -> None:
    for kind in kinds or ("",):
        if kind not in KINDS:
            raise BadInput(f"kinds of scenes must be some of {', '.join(KINDS)}, but got {kind!r}; choose from these.")
