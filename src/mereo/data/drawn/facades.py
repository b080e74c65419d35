"""Outer walls: rows of windows, doors, shops with awnings."""

from dataclasses import dataclass

import numpy as np

from mereo.data.drawn.colours import Rng, cloth_colour, hsv, pick, wood_colour
from mereo.data.drawn.labels import Label
from mereo.data.drawn.light import DayLight
from mereo.data.drawn.noise import cell_noise
from mereo.data.drawn.patterns import between, inside, rectangle
from mereo.data.drawn.stage import Patch, rectangle_outline
from mereo.data.drawn.surfaces import Surface, facade, glass, mottled, patterned, plain, wood

LABEL = Label("building")


@dataclass(frozen=True)
class FacadeStyle:
    """What the walls of one building have in common."""

    wall: Surface
    trim: Surface
    pane: Surface
    door: Surface
    floor_height: float
    bay: float
    window: tuple[float, float]
    sill: float
    panes: int
    lit_share: float
    salt: int

    @staticmethod
    def drawn(rng: Rng, light: DayLight) -> "FacadeStyle":
        trim_rgb = (
            hsv(rng.random(), 0.06, rng.uniform(0.8, 0.97))
            if rng.random() < 0.75
            else pick(rng, (0.08, 0.5, 0.3), (0.4, 0.4, 0.3))
        )
        bay, floor_height = rng.uniform(1.9, 3.2), rng.uniform(2.8, 3.5)
        return FacadeStyle(
            wall=facade(rng),
            trim=mottled(trim_rgb, "wood" if rng.random() < 0.5 else "stone", scale=0.5, amount=0.04),
            pane=glass(rng, light.sky_top_rgb, height=rng.uniform(1.5, 4)),
            door=wood(rng, cloth_colour(rng) * 0.8 if rng.random() < 0.6 else wood_colour(rng)),
            floor_height=floor_height,
            bay=bay,
            window=(bay * rng.uniform(0.36, 0.62), floor_height * rng.uniform(0.42, 0.58)),
            sill=rng.uniform(0.75, 1.0),
            panes=int(rng.integers(1, 4)),
            lit_share=rng.uniform(0.3, 0.7) if light.is_dusk else 0.0,
            salt=int(rng.integers(256)),
        )


def paint_facade(
    patch: Patch, rng: Rng, style: FacadeStyle, *, length: float, height: float, has_door: bool, is_shop: bool = False
) -> None:
    """Wall, windows in rows and columns, and a door or a shop at street level; (0, 0) is the lower left corner."""
    patch.paint(style.wall, LABEL)
    place, storeys = patch.place, max(int(height / style.floor_height), 1)
    num_bays = max(int(length / style.bay), 1)
    bay = length / num_bays
    first_floor = style.floor_height if is_shop else 0.0
    column, row = np.floor(place.u / bay), np.floor(place.v / style.floor_height)
    u, v = np.mod(place.u, bay) - bay / 2, np.mod(place.v, style.floor_height)
    has_window = inside(place.v - first_floor, place.pixel_v) * inside(
        storeys * style.floor_height - place.v, place.pixel_v
    )
    door_bay = int(rng.integers(num_bays)) if has_door and not is_shop else -1
    if door_bay >= 0:
        has_window = has_window * (1 - (column == door_bay) * (row == 0))
    half_width, top = min(style.window[0], bay * 0.8) / 2, style.sill + style.window[1]
    rim = 0.09
    framed = between(u, place.pixel_u, -half_width - rim, half_width + rim) * between(
        v, place.pixel_v, style.sill - rim * 1.6, top + rim
    )
    patch.paint(style.trim, LABEL.part_named("window"), framed * has_window)
    opening = (
        between(u, place.pixel_u, -half_width, half_width) * between(v, place.pixel_v, style.sill, top) * has_window
    )
    for index in range(1, style.panes):
        bar = -half_width + index * 2 * half_width / style.panes
        opening = opening * (1 - between(u, place.pixel_u, bar - 0.03, bar + 0.03))
    # The lintel throws a shadow on the upper edge of the glass.
    recess = 1 - 0.45 * np.clip((v - top + 0.22) / 0.2, 0, 1)
    patch.paint(style.pane, LABEL.part_named("window"), opening, shade=recess)
    if style.lit_share:
        is_lit = cell_noise(row, column, style.salt) < style.lit_share
        patch.paint(
            plain(hsv(0.12, 0.4, 0.95), "glass"), LABEL.part_named("window"), opening * is_lit, glow=0.9, shade=recess
        )
    if rng.random() < 0.6:  # Courses between the storeys.
        course = between(np.mod(place.v + 0.1, style.floor_height), place.pixel_v, 0.0, 0.18) * inside(
            place.v - 1.0, place.pixel_v
        )
        patch.paint(style.trim, LABEL, course, shade=0.95)
    if is_shop:
        _paint_shop(patch, rng, style, length)
    elif door_bay >= 0:
        _paint_door(patch, style, (door_bay + 0.5) * bay)


def _paint_door(patch: Patch, style: FacadeStyle, middle: float) -> None:
    near = patch.within(middle - 0.6, middle + 0.6, 0.0, 2.3)
    if near is None:
        return
    patch, place, part = near, near.place, LABEL.part_named("door")
    patch.paint(style.trim, part, rectangle(place, middle - 0.6, middle + 0.6, 0.0, 2.3))
    patch.paint(style.door, part, rectangle(place, middle - 0.48, middle + 0.48, 0.04, 2.15))
    for low, high in ((0.25, 0.95), (1.1, 1.9)):
        patch.paint(style.door, part, rectangle(place, middle - 0.34, middle + 0.34, low, high), shade=0.82)
    knob = rectangle(place, middle + 0.36, middle + 0.43, 1.0, 1.08)
    patch.paint(plain(hsv(0.13, 0.5, 0.9), "metal"), part, knob)


def _paint_shop(patch: Patch, rng: Rng, style: FacadeStyle, length: float) -> None:
    """A front of glass with a door in it, a band with a name, and perhaps an awning."""
    base = style.floor_height
    near = patch.within(0.0, length, 0.0, base)
    if near is None:
        return
    patch, place = near, near.place
    front = mottled(cloth_colour(rng) * 0.7, "wood", scale=0.5, amount=0.06)
    patch.paint(front, LABEL, rectangle(place, 0.1, length - 0.1, 0, base - 0.1))
    middle = rng.uniform(0.25, 0.75) * length
    for low, high in ((0.35, middle - 0.7), (middle + 0.7, length - 0.35)):
        if high - low > 0.5:
            where = rectangle(place, low, high, 0.5, base - 0.85)
            patch.paint(style.pane, LABEL.part_named("window"), where, shade=1.15)
            if style.lit_share:
                patch.paint(plain(hsv(0.11, 0.35, 1.0), "glass"), LABEL.part_named("window"), where, glow=0.9)
    patch.paint(style.door, LABEL.part_named("door"), rectangle(place, middle - 0.52, middle + 0.52, 0.05, base - 0.85))
    patch.paint(style.pane, LABEL.part_named("door"), rectangle(place, middle - 0.36, middle + 0.36, 0.5, base - 1.05))
    band = patch.stage.new_thing("sign").part_named("panel")
    patch.paint(plain(cloth_colour(rng), "wood"), band, rectangle(place, 0.3, length - 0.3, base - 0.75, base - 0.2))
    letters = _letters(patch, rng, 0.7, length - 0.7, base - 0.62, base - 0.33)
    patch.paint(plain(hsv(0.12, 0.1, 0.95), "wood"), band, letters)
    if rng.random() < 0.6:
        _paint_awning(patch, rng, length, base)


def _letters(patch: Patch, rng: Rng, left: float, right: float, low: float, high: float) -> np.ndarray:
    """Something that looks like writing from afar."""
    place, advance = patch.place, (high - low) * 0.75
    u = place.u - left
    letter = np.floor(u / advance)
    shown = (cell_noise(letter, letter * 0, int(rng.integers(256))) > 0.16) * between(
        place.u, place.pixel_u, left, right
    )
    tall = low + (high - low) * (0.6 + 0.4 * (cell_noise(letter, letter * 0 + 3) > 0.6))
    body = between(np.mod(u, advance), place.pixel_u, advance * 0.12, advance * 0.82)
    hole = between(np.mod(u, advance), place.pixel_u, advance * 0.36, advance * 0.62) * between(
        place.v, place.pixel_v, low + (high - low) * 0.2, low + (high - low) * 0.45
    )
    return shown * body * (1 - hole) * inside(place.v - low, place.pixel_v) * inside(tall - place.v, place.pixel_v)


def _paint_awning(patch: Patch, rng: Rng, length: float, base: float) -> None:
    """A slope of striped cloth that stands out from the wall; `patch` gives wall and direction."""
    stage, origin, along, outward = patch.stage, patch.origin, patch.along_u, patch.outward
    cloth = patterned(
        rng,
        cloth_colour(rng),
        "fabric",
        period=rng.uniform(0.35, 0.6),
        texture=str(rng.choice(["striped", "striped", "smooth"])),
    )
    reach, drop = rng.uniform(0.8, 1.3), rng.uniform(0.4, 0.7)
    down = outward * reach + np.array([0.0, -drop, 0.0])
    slope = float(np.hypot(reach, drop))
    start = origin + np.array([0.0, base - 0.75, 0.0]) + outward * 0.02
    awning = stage.patch(start, along, down / slope, rectangle_outline(0.25, length - 0.25, 0, slope))
    if awning is not None:
        awning.paint(cloth, LABEL.part_named("awning"))
    edge = start + down
    valance = stage.patch(edge, along, np.array([0.0, 1.0, 0.0]), rectangle_outline(0.25, length - 0.25, -0.2, 0))
    if valance is not None:
        valance.paint(cloth, LABEL.part_named("awning"), shade=0.85)
