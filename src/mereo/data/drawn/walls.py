"""The shell of a room: floor, ceiling and three walls with windows, doors, pictures and curtains."""

from dataclasses import dataclass, field

import numpy as np

from mereo.data.drawn.colours import Rng, cloth_colour, hsv, mix, pick, vary, wall_paint, wood_colour
from mereo.data.drawn.labels import Label
from mereo.data.drawn.light import Vector, vector
from mereo.data.drawn.noise import noise
from mereo.data.drawn.patterns import Place, between, ellipse, rectangle
from mereo.data.drawn.stage import UP, Frame, Patch, Stage, rectangle_outline
from mereo.data.drawn.surfaces import Surface, bricks, fabric, mottled, patterned, plain, planks, tiles, wood

LABEL = Label("wall")
BEHIND = 6.0  # Metres of floor and walls behind the camera.


@dataclass(frozen=True)
class RoomShape:
    """In metres: x from -width / 2 to width / 2, z from 0 to depth."""

    width: float
    depth: float
    height: float


@dataclass
class Wall:
    """`along` runs to the right for somebody who looks at it from inside; `openings` are (from, to) along it."""

    start: Vector
    along: Vector
    inward: Vector
    length: float
    openings: list[tuple[float, float]] = field(default_factory=list)

    def is_opening(self, middle: float, half: float) -> bool:
        return any(low - half < middle < high + half for low, high in self.openings)

    def frame_at(self, along: float, distance: float) -> Frame:
        """For what stands with its back to the wall: its front, -z, looks into the room."""
        origin = self.start + along * self.along + distance * self.inward
        return Frame(origin, yaw=float(np.arctan2(-self.inward[0], -self.inward[2])))


def draw_shell(stage: Stage, rng: Rng, room: RoomShape, *, window_wall: str, is_day: bool) -> list[Wall]:
    half = room.width / 2
    walls = {
        "left": Wall(vector(-half, 0, 0), vector(0, 0, 1), vector(1, 0, 0), room.depth),
        "right": Wall(vector(half, 0, room.depth), vector(0, 0, -1), vector(-1, 0, 0), room.depth),
        "back": Wall(vector(-half, 0, room.depth), vector(1, 0, 0), vector(0, 0, -1), room.width),
    }
    _draw_floor(stage, rng, room)
    ceiling = stage.ground(_beyond(room), height=room.height)
    if ceiling is not None:
        white = mottled(hsv(0.12, rng.uniform(0.0, 0.08), rng.uniform(0.86, 0.97)), "plaster", scale=1.0, amount=0.03)
        ceiling.paint(white, Label("ceiling"), shade=_level_shade(ceiling, room))
    surface, accent = _wall_surface(rng), _wall_surface(rng)
    skirting = mottled(hsv(0.1, rng.uniform(0, 0.3), rng.uniform(0.5, 0.95)), "wood", scale=0.5, amount=0.05)
    has_accent, door_wall = rng.random() < 0.3, str(rng.choice(["left", "right", "back", "none"]))
    for name, wall in walls.items():
        # The side walls go on behind the camera; all reach a little into each other, so that no gap shows.
        low, high = {"left": (-BEHIND, 0.0), "right": (0.0, BEHIND), "back": (0.0, 0.0)}[name]
        outline = rectangle_outline(low - 0.03, wall.length + high + 0.03, 0, room.height)
        patch = stage.patch(wall.start, wall.along, UP, outline)
        if patch is None:
            continue
        patch.paint(
            accent if has_accent and name == "back" else surface,
            LABEL,
            shade=_upright_shade(patch, wall, room.height, name),
        )
        patch.paint(skirting, LABEL, between(patch.place.v, patch.place.pixel_v, 0, 0.09))
        if name == window_wall:
            _draw_window(patch, rng, wall, room.height, is_day=is_day)
        if name == door_wall:
            _draw_door(patch, rng, wall)
        _draw_pictures(patch, rng, wall, room.height)
    return list(walls.values())


def _beyond(room: RoomShape) -> np.ndarray:
    return rectangle_outline(-room.width / 2 - 0.05, room.width / 2 + 0.05, -BEHIND, room.depth + 0.05)


def _level_shade(patch: Patch, room: RoomShape) -> np.ndarray:
    return _corner_shade(np.minimum(room.width / 2 - np.abs(patch.place.u), room.depth - patch.place.v))


def _upright_shade(patch: Patch, wall: Wall, height: float, name: str) -> np.ndarray:
    u, v = patch.place.u, patch.place.v
    to_corner = {"left": wall.length - u, "right": u, "back": np.minimum(u, wall.length - u)}[name]
    return _corner_shade(np.minimum(to_corner, np.minimum(v, height - v)))


def _corner_shade(edge_HW: np.ndarray) -> np.ndarray:
    """Corners get less light."""
    return 1 - np.float32(0.24) * np.exp(np.maximum(edge_HW, 0) * np.float32(-4))


def _wall_surface(rng: Rng) -> Surface:
    kind = rng.random()
    if kind < 0.45:
        return mottled(wall_paint(rng), "plaster", scale=1.5, amount=0.05)
    if kind < 0.82:
        rgb = wall_paint(rng)
        # Wallpaper is printed tone in tone more often than not.
        second = np.clip(rgb * rng.uniform(0.62, 0.88), 0, 1) if rng.random() < 0.88 else None
        return patterned(rng, rgb, "paper", period=rng.uniform(0.15, 0.4), second=second)
    return (
        bricks(rng, size=rng.uniform(0.08, 0.13))
        if kind < 0.91
        else planks(rng, width=rng.uniform(0.1, 0.2), is_upright=True)
    )


def _draw_floor(stage: Stage, rng: Rng, room: RoomShape) -> None:
    patch = stage.ground(_beyond(room))
    if patch is None:
        return
    kind = rng.random()
    if kind < 0.5:
        surface = planks(rng, width=rng.uniform(0.08, 0.2), is_upright=bool(rng.random() < 0.5))
    elif kind < 0.8:
        size = rng.uniform(0.25, 0.55)
        rgb = pick(rng, (0.1, 0.15, 0.82), (0.05, 0.4, 0.6), (0.6, 0.1, 0.6), (0.1, 0.25, 0.5))
        surface = tiles(rng, rgb, size=(size, size), is_chequered=bool(rng.random() < 0.4))
    else:
        surface = mottled(cloth_colour(rng), "fabric", texture="speckled", scale=0.08, amount=0.2)
    patch.paint(surface, Label("floor"), shade=_level_shade(patch, room))
    if rng.random() < 0.55:
        x, z = rng.uniform(-0.2, 0.2) * room.width, room.depth * rng.uniform(0.45, 0.65)
        half_x, half_z, place = rng.uniform(0.7, 1.3), rng.uniform(0.6, 1.1), patch.place
        rug = fabric(rng, period=rng.uniform(0.2, 0.45))
        label, border = Label("floor", part="rug"), plain(cloth_colour(rng), "fabric")
        if rng.random() < 0.3:
            patch.paint(border, label, ellipse(place, x, z, half_x, half_x))
            patch.paint(rug, label, ellipse(place, x, z, half_x * 0.9, half_x * 0.9))
        else:
            patch.paint(border, label, rectangle(place, x - half_x, x + half_x, z - half_z, z + half_z))
            patch.paint(
                rug, label, rectangle(place, x - half_x + 0.1, x + half_x - 0.1, z - half_z + 0.1, z + half_z - 0.1)
            )


def _draw_window(patch: Patch, rng: Rng, wall: Wall, room_height: float, *, is_day: bool) -> None:
    width, low, high = rng.uniform(1.0, 2.0), rng.uniform(0.7, 1.0), room_height - rng.uniform(0.3, 0.5)
    middle = wall.length * rng.uniform(0.4, 0.65)
    left, right = middle - width / 2, middle + width / 2
    wall.openings.append((left - 0.3, right + 0.3))
    piece = patch.within(left - 0.6, right + 0.6, low - 0.3, high + 0.2)
    if piece is None:
        return
    place, part = piece.place, LABEL.part_named("window")
    trim = mottled(hsv(0.1, rng.uniform(0, 0.1), rng.uniform(0.8, 0.97)), "wood", scale=0.3, amount=0.04)
    piece.paint(trim, part, rectangle(place, left - 0.08, right + 0.08, low - 0.08, high + 0.06))
    sky, garden = hsv(0.57, rng.uniform(0.1, 0.4), 0.97), hsv(rng.uniform(0.2, 0.35), 0.45, 0.55)
    if not is_day:
        sky, garden = hsv(0.63, 0.6, 0.22), hsv(0.62, 0.4, 0.12)
    shift, horizon = rng.uniform(0, 90), low + (high - low) * rng.uniform(0.2, 0.45)

    def view(here: Place) -> np.ndarray:
        trees = noise(here.u + shift, here.v, scale=0.5, pixel=here.finest)
        return mix(
            garden * (0.7 + 0.6 * trees)[..., None], sky, np.clip((here.v - horizon - 0.5 * (trees - 0.5)) * 9, 0, 1)
        )

    opening = rectangle(place, left, right, low, high)
    for index in range(1, int(rng.integers(2, 4))):
        bar = left + index * width / 2
        opening = opening * (1 - between(place.u, place.pixel_u, bar - 0.025, bar + 0.025))
    if rng.random() < 0.6:
        bar = low + (high - low) * 0.62
        opening = opening * (1 - between(place.v, place.pixel_v, bar - 0.02, bar + 0.02))
    piece.paint(Surface("glass", "smooth", view), part, opening, glow=0.95 if is_day else 0.5)
    if rng.random() < 0.6:
        _draw_curtains(patch, rng, left, right, high)


def _draw_curtains(patch: Patch, rng: Rng, left: float, right: float, high: float) -> None:
    cloth, breadth, low = fabric(rng, period=rng.uniform(0.12, 0.25)), rng.uniform(0.25, 0.5), rng.uniform(0.03, 0.7)
    for start in (left - 0.3, right + 0.3 - breadth):
        piece = patch.within(start, start + breadth, low, high + 0.12)
        if piece is not None:
            place = piece.place
            folds = 0.9 + 0.2 * np.cos(place.u * 2 * np.pi / 0.11)
            piece.paint(
                cloth,
                LABEL.part_named("curtain"),
                rectangle(place, start, start + breadth, low, high + 0.12),
                shade=folds,
            )


def _draw_door(patch: Patch, rng: Rng, wall: Wall) -> None:
    width, height = rng.uniform(0.8, 0.95), rng.uniform(2.0, 2.1)
    left = rng.uniform(0.25, max(wall.length - width - 0.25, 0.3))
    if wall.is_opening(left + width / 2, width / 2 + 0.15):
        return
    wall.openings.append((left - 0.1, left + width + 0.1))
    piece = patch.within(left - 0.1, left + width + 0.1, 0, height + 0.1)
    if piece is None:
        return
    place, part = piece.place, LABEL.part_named("door")
    rgb = wood_colour(rng) if rng.random() < 0.6 else hsv(0.1, 0.05, 0.92)
    piece.paint(
        mottled(rgb * 0.85, "wood", scale=0.3, amount=0.05),
        part,
        rectangle(place, left - 0.08, left + width + 0.08, 0, height + 0.08),
    )
    leaf = (
        planks(rng, rgb, width=0.4, is_upright=True)
        if rng.random() < 0.5
        else mottled(rgb, "wood", scale=0.4, amount=0.05)
    )
    piece.paint(leaf, part, rectangle(place, left, left + width, 0, height))
    for low, high in ((0.2, 0.9), (1.05, height - 0.15)):
        piece.paint(leaf, part, rectangle(place, left + 0.13, left + width - 0.13, low, high), shade=0.86)
    piece.paint(
        plain(hsv(0.13, 0.5, 0.8), "metal"),
        part,
        rectangle(place, left + width - 0.13, left + width - 0.04, 0.98, 1.02),
    )


def _draw_pictures(patch: Patch, rng: Rng, wall: Wall, room_height: float) -> None:
    for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.3, 0.35, 0.25, 0.1]))):
        width, height = rng.uniform(0.3, 0.95), rng.uniform(0.3, 0.75)
        left, low = rng.uniform(0.2, max(wall.length - width - 0.2, 0.3)), rng.uniform(1.25, 1.5)
        if wall.is_opening(left + width / 2, width / 2 + 0.1) or low + height > room_height - 0.15:
            continue
        wall_too = (left - 0.05, left + width + 0.05)
        if any(low_end < wall_too[1] and high_end > wall_too[0] for low_end, high_end in wall.openings):
            continue
        _draw_picture(patch, rng, left, low, width, height)
        wall.openings.append(wall_too)


def _draw_picture(patch: Patch, rng: Rng, left: float, low: float, width: float, height: float) -> None:
    piece = patch.within(left, left + width, low, low + height)
    if piece is None:
        return
    place, label, rim = piece.place, patch.stage.new_thing("picture"), rng.uniform(0.03, 0.06)
    frame = wood(rng) if rng.random() < 0.7 else plain(hsv(0.12, 0.5, 0.75), "metal")
    piece.paint(frame, label.part_named("frame"), rectangle(place, left, left + width, low, low + height))
    inner = rectangle(place, left + rim, left + width - rim, low + rim, low + height - rim)
    kind, part = rng.random(), label.part_named("canvas")
    if kind < 0.4:
        piece.paint(patterned(rng, cloth_colour(rng), "paper", period=rng.uniform(0.1, 0.25)), part, inner)
        return
    sky, land = hsv(rng.random(), rng.uniform(0.2, 0.5), 0.9), hsv(rng.random(), rng.uniform(0.3, 0.7), 0.5)
    shift, horizon = rng.uniform(0, 90), low + height * rng.uniform(0.3, 0.6)

    def landscape(here: Place) -> np.ndarray:
        ridge = noise(here.u + shift, here.v * 0, scale=0.3, pixel=here.finest) - 0.5
        return mix(land, sky, np.clip((here.v - horizon - ridge * height) * 40, 0, 1))

    piece.paint(Surface("paper", "smooth", landscape), part, inner)
    sun = ellipse(place, left + width * rng.uniform(0.3, 0.7), low + height * 0.72, height * 0.1, height * 0.1)
    piece.paint(plain(vary(rng, hsv(0.12, 0.6, 1.0)), "paper"), part, sun * inner)
