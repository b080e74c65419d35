"""Furniture: tables, chairs, sofas and cabinets built from boxes, in frames whose front faces -z."""

from dataclasses import dataclass

import numpy as np

from mereo.data.drawn.colours import Rng, cloth_colour, hsv, wood_colour
from mereo.data.drawn.labels import Label
from mereo.data.drawn.noise import cell_noise
from mereo.data.drawn.patterns import Place, between, inside, rectangle
from mereo.data.drawn.stage import UP, Frame, Patch, Stage, ellipse_outline, rectangle_outline
from mereo.data.drawn.surfaces import Surface, fabric, mottled, plain, wood

Corner = tuple[float, float, float]


@dataclass(frozen=True)
class Piece:
    low: Corner
    high: Corner
    surface: Surface
    part: str | None


def _draw_pieces(stage: Stage, frame: Frame, label: Label, pieces: list[Piece]) -> None:
    """Boxes, far ones first."""

    def distance(piece: Piece) -> float:
        middle = (np.array(piece.low) + np.array(piece.high)) / 2
        return stage.distance(frame.at(*middle))

    for piece in sorted(pieces, key=distance, reverse=True):
        stage.box(frame, piece.low, piece.high, piece.surface, label.part_named(piece.part))


def furniture_wood(rng: Rng) -> Surface:
    if rng.random() < 0.25:
        return mottled(hsv(rng.random(), rng.uniform(0, 0.3), rng.uniform(0.6, 0.95)), "wood", scale=0.5, amount=0.04)
    return wood(rng, wood_colour(rng))


def draw_table(stage: Stage, rng: Rng, frame: Frame, *, width: float, depth: float, height: float) -> None:
    label, surface = stage.new_thing("table"), furniture_wood(rng)
    half_x, half_z, thickness, leg = width / 2, depth / 2, rng.uniform(0.03, 0.06), rng.uniform(0.025, 0.045)
    legs = [
        Piece((x - leg, 0, z - leg), (x + leg, height - thickness, z + leg), surface, "leg")
        for x in (-half_x + 0.08, half_x - 0.08)
        for z in (-half_z + 0.08, half_z - 0.08)
    ]
    _draw_pieces(stage, frame, label, legs)
    is_clothed = rng.random() < 0.2
    top = fabric(rng, period=rng.uniform(0.12, 0.3)) if is_clothed else surface
    drop = 0.22 if is_clothed else thickness
    stage.box(frame, (-half_x, height - drop, -half_z), (half_x, height, half_z), top, label.part_named("top"))
    if is_clothed or rng.random() < 0.3:
        return
    apron = (-half_x + 0.1, height - thickness - 0.08, -half_z + 0.1), (half_x - 0.1, height - thickness, half_z - 0.1)
    stage.box(frame, *apron, surface, label.part_named("top"))
    stage.box(frame, (-half_x, height - thickness, -half_z), (half_x, height, half_z), top, label.part_named("top"))


def draw_chair(stage: Stage, rng: Rng, frame: Frame) -> None:
    label, surface = stage.new_thing("chair"), furniture_wood(rng)
    cushion = fabric(rng, period=rng.uniform(0.06, 0.14)) if rng.random() < 0.5 else surface
    half, seat, top, leg = rng.uniform(0.2, 0.24), rng.uniform(0.43, 0.48), rng.uniform(0.85, 1.05), 0.022
    legs = [
        Piece((x - leg, 0, z - leg), (x + leg, seat, z + leg), surface, "leg")
        for x in (-half + leg, half - leg)
        for z in (-half + leg, half - leg)
    ]
    upper = [Piece((-half, seat - 0.03, -half), (half, seat + 0.04, half), cushion, "seat")]
    if rng.random() < 0.5:
        upper.append(Piece((-half, seat + 0.04, half - 0.04), (half, top, half), surface, "back"))
    else:
        bars = ((-half, -half + 0.04), (-0.02, 0.02), (half - 0.04, half))
        upper += [Piece((x0, seat + 0.04, half - 0.04), (x1, top, half), surface, "back") for x0, x1 in bars]
        upper += [
            Piece((-half, y, half - 0.045), (half, y + 0.09, half), surface, "back")
            for y in (top - 0.09, (seat + top) / 2)
        ]
    _draw_pieces(stage, frame, label, legs)
    _draw_pieces(stage, frame, label, upper)


def draw_sofa(stage: Stage, rng: Rng, frame: Frame, *, width: float) -> None:
    label, rgb = stage.new_thing("sofa"), cloth_colour(rng)
    cloth = fabric(rng, period=rng.uniform(0.1, 0.2), rgb=rgb, texture="smooth" if rng.random() < 0.55 else None)
    half, depth, seat, top, arm = (
        width / 2,
        0.88,
        rng.uniform(0.38, 0.45),
        rng.uniform(0.75, 0.95),
        rng.uniform(0.12, 0.22),
    )
    pieces = [Piece((-half, 0.08, -depth / 2 + 0.02), (half, 0.26, depth / 2), cloth, "seat")]
    _draw_pieces(stage, frame, label, pieces)
    count = max(round((width - 2 * arm) / 0.75), 1)
    step = (width - 2 * arm) / count
    upper = [
        Piece((-half + arm, 0.26, depth / 2 - 0.24), (half - arm, top, depth / 2), cloth, "back"),
        Piece((-half, 0.08, -depth / 2), (-half + arm, seat + 0.2, depth / 2), cloth, "armrest"),
        Piece((half - arm, 0.08, -depth / 2), (half, seat + 0.2, depth / 2), cloth, "armrest"),
    ]
    for index in range(count):
        left = -half + arm + index * step
        upper.append(
            Piece((left + 0.012, 0.26, -depth / 2), (left + step - 0.012, seat, depth / 2 - 0.24), cloth, "seat")
        )
    _draw_pieces(stage, frame, label, upper)
    if (stage.camera.position - frame.origin) @ frame.ahead > 0:
        return
    for x in rng.uniform(-half + arm + 0.25, half - arm - 0.25, int(rng.integers(0, 4))):
        pillow = fabric(rng, period=rng.uniform(0.07, 0.14))
        lean = np.array([[-0.2, 0], [0.2, 0.01], [0.21, 0.36], [0.17, 0.38], [-0.18, 0.37], [-0.21, 0.34]])
        patch = stage.patch(frame.at(float(x), seat, depth / 2 - 0.33), frame.right, UP, lean)
        if patch is not None:
            patch.paint(
                pillow, label.part_named("back"), shade=1.1 - 3 * (patch.place.u**2 + (patch.place.v - 0.2) ** 2)
            )


def draw_cabinet(stage: Stage, rng: Rng, frame: Frame, *, width: float, height: float, depth: float) -> None:
    """A chest of drawers, a wardrobe or a shelf of books; its back stands at z = depth."""
    label, surface = stage.new_thing("cabinet"), furniture_wood(rng)
    half = width / 2
    stage.box(frame, (-half, 0.04, 0), (half, height, depth), surface, label)
    front = stage.patch(frame.at(-half, 0, 0), frame.right, UP, rectangle_outline(0, width, 0.04, height))
    if front is None or (stage.camera.position - frame.origin) @ frame.ahead > 0:
        return
    if height > 1.1 and rng.random() < 0.65:
        _paint_shelves(front, rng, label, width, height)
        return
    columns, rows = max(round(width / rng.uniform(0.5, 0.8)), 1), max(round(height / rng.uniform(0.25, 0.5)), 1)
    place, cell_width, cell_height = front.place, (width - 0.06) / columns, (height - 0.1) / rows
    u, v = np.mod(place.u - 0.03, cell_width) - cell_width / 2, np.mod(place.v - 0.07, cell_height) - cell_height / 2
    bounds = rectangle(place, 0.03, width - 0.03, 0.07, height - 0.03)
    drawer = between(u, place.pixel_u, -cell_width / 2 + 0.02, cell_width / 2 - 0.02) * between(
        v, place.pixel_v, -cell_height / 2 + 0.02, cell_height / 2 - 0.02
    )
    gap = plain(hsv(0.08, 0.3, 0.12), "wood")
    front.paint(gap, label, bounds * 0.75 * (drawer < 0.5))
    front.paint(surface, label.part_named("drawer"), bounds * drawer, shade=1.04 + 0.12 * v / cell_height)
    knob = between(u, place.pixel_u, -0.05, 0.05) * between(v, place.pixel_v, -0.015, 0.015)
    front.paint(plain(hsv(0.12, 0.3, rng.uniform(0.3, 0.9)), "metal"), label.part_named("drawer"), bounds * knob)


def _paint_shelves(front: Patch, rng: Rng, label: Label, width: float, height: float) -> None:
    """Boards with books of all colours between them."""
    place, rows = front.place, max(round(height / rng.uniform(0.3, 0.42)), 2)
    cell, salt, book = (height - 0.1) / rows, int(rng.integers(256)), rng.uniform(0.035, 0.06)
    row = np.floor((place.v - 0.07) / cell)
    v = np.mod(place.v - 0.07, cell)
    opening = rectangle(place, 0.04, width - 0.04, 0.07, height - 0.04) * between(v, place.pixel_v, 0.0, cell - 0.035)
    front.paint(
        plain(hsv(0.07, 0.4, 0.2), "wood"), label.part_named("shelf"), opening, shade=0.6 + 0.8 * (1 - v / cell)
    )
    column = np.floor(place.u / book)
    tall = cell * (0.55 + 0.32 * cell_noise(row, column, salt))
    is_there = cell_noise(row, np.floor(column / 5), salt + 9) > 0.18
    spine = between(np.mod(place.u, book), place.pixel_u, 0.003, book - 0.003)

    def colour(here: Place) -> np.ndarray:
        c, r = np.floor(here.u / book), np.floor((here.v - 0.07) / cell)
        return _dull_hues(cell_noise(r, c, salt + 77)) * (0.55 + 0.5 * cell_noise(r, c, salt + 31))[..., None]

    books = Surface("paper", "striped", colour)
    front.paint(books, label.part_named("shelf"), opening * spine * is_there * inside(tall - v, place.pixel_v))


def _dull_hues(turn_HW: np.ndarray) -> np.ndarray:
    """Dull colours of all hues, one for each number in 0..1."""
    phase = np.float32(2 * np.pi) * (turn_HW[..., None] + np.array([0.0, 1 / 3, 2 / 3], dtype=np.float32))
    return np.float32(0.56) + np.float32(0.3) * np.cos(phase)


def draw_lamp(stage: Stage, rng: Rng, frame: Frame, *, height: float, is_lit: bool, is_hanging: bool = False) -> None:
    """A lamp that stands (foot at the origin) or hangs (the origin is the ceiling) with a shade of `height` reach."""
    label, radius = stage.new_thing("lamp"), rng.uniform(0.14, 0.24)
    steel = plain(hsv(0.1, rng.uniform(0, 0.5), rng.uniform(0.1, 0.75)), "metal")
    shade = rng.uniform(0.18, 0.3)
    sign = -1.0 if is_hanging else 1.0
    end = sign * height
    low, high = min(0.0, end), max(0.0, end)
    foot = frame.origin
    rod = stage.billboard(foot, rectangle_outline(-0.012, 0.012, low, high))
    if rod is not None:
        rod.paint(steel, label.part_named("stand"))
    if not is_hanging:
        base = stage.billboard(foot, ellipse_outline(0, 0.015, radius * 0.75, 0.03, corners=14))
        if base is not None:
            base.paint(steel, label.part_named("stand"))
    top = end + shade * 0.15
    narrow = rng.uniform(0.4, 0.95)
    outline = np.array([[-radius, top - shade], [radius, top - shade], [radius * narrow, top], [-radius * narrow, top]])
    patch = stage.billboard(foot, outline)
    if patch is None:
        return
    cloth = fabric(
        rng,
        period=0.06,
        rgb=hsv(rng.uniform(0.02, 0.16), rng.uniform(0.1, 0.5), rng.uniform(0.75, 0.98)),
        texture=str(rng.choice(["smooth", "smooth", "striped", "dotted"])),
    )
    bulb = 1.12 - 0.5 * (patch.place.u / radius) ** 2
    patch.paint(cloth, label.part_named("shade"), shade=bulb if is_lit else None, glow=0.9 if is_lit else 0.1)
