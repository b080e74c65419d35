"""Items: what stands in a scene, painted from far to near, each with randomness of its own."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from mereo.data.drawn.animals import draw_animal
from mereo.data.drawn.colours import Rng, leaf_colour
from mereo.data.drawn.light import Vector, vector
from mereo.data.drawn.people import draw_person
from mereo.data.drawn.plants import draw_bush, draw_tree
from mereo.data.drawn.stage import Stage, ellipse_outline

FARTHEST_SHADOW = 50.0  # Metres; beyond it the haze hides them.


@dataclass(frozen=True)
class Item:
    """`foot` is where it stands, `radius` a ball around it that holds it, `depth` its place in the painter's order.

    `shadow_N2` is its footprint in world (x, z) and `height` how far that reaches up.
    """

    foot: Vector
    radius: float
    depth: float
    shadow_N2: np.ndarray | None
    height: float
    draw: Callable[[], None]


def paint_items(stage: Stage, items: Iterable[Item]) -> None:
    """All shadows first: they lie on the ground, below everything."""
    ordered = sorted(items, key=lambda item: -item.depth)
    for item in ordered:
        if (
            item.shadow_N2 is not None
            and item.depth < FARTHEST_SHADOW
            and stage.camera.sees(item.foot, item.radius + 2 * item.height)
        ):
            stage.cast_shadow(item.shadow_N2, item.height)
    for item in ordered:
        if stage.camera.sees(item.foot, item.radius):
            item.draw()


def own_randomness(rng: Rng) -> Rng:
    """A generator for one item, so that whether others are seen changes nothing about it."""
    return np.random.default_rng(int(rng.integers(2**63)))


def disc(foot: Vector, radius: float) -> np.ndarray:
    """A round footprint."""
    return ellipse_outline(float(foot[0]), float(foot[2]), radius, radius * 0.8, corners=9)


def person_item(stage: Stage, rng: Rng, x: float, z: float, *, y: float = 0.0) -> Item:
    foot, one = vector(x, y, z), own_randomness(rng)
    return Item(foot, 2.0, z, disc(foot, 0.24), 1.6, lambda: draw_person(stage, one, foot))


def animal_item(stage: Stage, rng: Rng, x: float, z: float, kind: str) -> Item:
    foot, one = vector(x, 0, z), own_randomness(rng)
    size = {"cow": 0.8, "horse": 0.8, "sheep": 0.5, "dog": 0.3, "cat": 0.2}[kind]
    return Item(foot, 2.5, z, disc(foot, size), size * 1.4, lambda: draw_animal(stage, one, foot, kind))


def tree_item(
    stage: Stage, rng: Rng, x: float, z: float, height: float, *, is_autumn: bool = False, shape: str | None = None
) -> Item:
    foot, one, leaf_rgb = vector(x, 0, z), own_randomness(rng), leaf_colour(rng, is_autumn=is_autumn)
    kind = str(rng.choice(["round", "conifer", "poplar"], p=[0.68, 0.18, 0.14])) if shape is None else shape
    return Item(
        foot, height, z, disc(foot, height * 0.2), height * 0.7,
        lambda: draw_tree(stage, one, foot, height=height, shape=kind, leaf_rgb=leaf_rgb),
    )  # fmt: skip


def bush_item(stage: Stage, rng: Rng, x: float, z: float, height: float, leaf_rgb: np.ndarray) -> Item:
    foot, one = vector(x, 0, z), own_randomness(rng)
    return Item(
        foot, 2 * height, z, disc(foot, height * 0.6), height * 0.8,
        lambda: draw_bush(stage, one, foot, height=height, leaf_rgb=leaf_rgb),
    )  # fmt: skip
