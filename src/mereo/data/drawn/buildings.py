"""Buildings: terraces along a street, and houses and barns with a gable."""

from dataclasses import replace

import numpy as np

from mereo.data.drawn.camera import cross
from mereo.data.drawn.colours import Rng, hsv, pick, vary
from mereo.data.drawn.facades import LABEL, FacadeStyle, paint_facade
from mereo.data.drawn.light import DayLight
from mereo.data.drawn.patterns import rectangle
from mereo.data.drawn.stage import UP, Frame, Stage, footprint, rectangle_outline
from mereo.data.drawn.surfaces import Surface, bricks, planks, tiles

ROOF = LABEL.part_named("roof")


def roof_tiles(rng: Rng) -> Surface:
    rgb = pick(rng, (0.03, 0.55, 0.62), (0.02, 0.45, 0.45), (0.6, 0.12, 0.36), (0.08, 0.3, 0.4), (0.05, 0.6, 0.7))
    return tiles(rng, rgb, size=(rng.uniform(0.25, 0.4), rng.uniform(0.2, 0.35)), is_staggered=True)


def draw_terrace(
    stage: Stage, rng: Rng, frame: Frame, *, length: float, height: float, depth: float, hidden: float = 0.0
) -> None:
    """A house in a row. Local x runs along the street from 0 to `length`; the front lies at z = 0 and faces -z.

    Its end walls are seen above `hidden` only, where the neighbours end.
    """
    if not isinstance(stage.light, DayLight):
        return
    style, roof = FacadeStyle.drawn(rng, stage.light), roof_tiles(rng)
    is_shop = bool(rng.random() < 0.4)
    pitch = rng.uniform(0.9, 2.6) if rng.random() < 0.65 else 0.0
    ends = ((frame.at(0, 0, 0), frame.ahead, -frame.right), (frame.at(length, 0, 0), frame.ahead, frame.right))
    for origin, along, outward in ends:  # The end walls show where the neighbour is lower.
        if outward @ (stage.camera.position - origin) > 0:
            bottom = min(hidden, height)
            outline = rectangle_outline(0, depth, bottom, height)
            if pitch:
                outline = np.array(
                    [[0, bottom], [depth, bottom], [depth, height], [depth / 2, height + pitch], [0, height]]
                )
            wall = stage.patch(origin, along, UP, outline)
            if wall is not None:
                wall.paint(style.wall, LABEL)
    if pitch:
        slope = frame.ahead * depth / 2 + UP * pitch
        size = float(np.linalg.norm(slope))
        patch = stage.patch(frame.at(0, height, 0), frame.right, slope / size, rectangle_outline(0, length, 0, size))
        if patch is not None and (stage.camera.position - patch.origin) @ cross(slope, frame.right) > 0:
            patch.paint(roof, ROOF)
        for x in rng.uniform(0.1, 0.9, int(rng.integers(0, 3))) * length:
            if stage.distance(frame.at(float(x), height, 0)) > 45:
                continue
            z = depth * rng.uniform(0.3, 0.5)
            stage.box(frame, (x - 0.4, height, z - 0.3), (x + 0.4, height + pitch + 0.9, z + 0.3), bricks(rng), ROOF)
    front = stage.patch(frame.at(0, 0, 0), frame.right, UP, rectangle_outline(0, length, 0, height))
    if front is not None:
        paint_facade(front, rng, style, length=length, height=height, has_door=True, is_shop=is_shop)
        eaves = rectangle(front.place, 0, length, height - 0.28, height)
        front.paint(style.trim, ROOF if pitch else LABEL, eaves)


def draw_house(
    stage: Stage, rng: Rng, frame: Frame, *,
    width: float, depth: float, height: float, pitch: float, is_barn: bool = False,
) -> None:  # fmt: skip
    """A free-standing house: front at z = 0 facing -z, x from -width / 2 to width / 2, ridge along x."""
    if not isinstance(stage.light, DayLight):
        return
    style, half = FacadeStyle.drawn(rng, stage.light), width / 2
    if is_barn:
        boards = planks(rng, vary(rng, hsv(rng.choice([0.0, 0.02, 0.08]), 0.6, 0.5)), width=0.25, is_upright=True)
        style = replace(style, wall=boards, bay=width / 2.2, sill=1.3)
    roof, camera = roof_tiles(rng), stage.camera.position
    walls = (
        (frame.at(-half, 0, 0), frame.ahead, depth, -frame.right, True),
        (frame.at(half, 0, 0), frame.ahead, depth, frame.right, True),
        (frame.at(-half, 0, 0), frame.right, width, -frame.ahead, False),
        (frame.at(-half, 0, depth), frame.right, width, frame.ahead, False),
    )
    for origin, along, length, outward, is_gable in walls:
        if outward @ (camera - origin) <= 0:
            continue
        outline = rectangle_outline(0, length, 0, height)
        if is_gable:
            outline = np.array([[0, 0], [length, 0], [length, height], [length / 2, height + pitch], [0, height]])
        wall = stage.patch(origin, along, UP, outline)
        if wall is not None:
            paint_facade(wall, rng, style, length=length, height=height, has_door=not is_gable)
    over = 0.35
    run, rise = depth / 2 + over, pitch * (depth / 2 + over) / (depth / 2)
    size = float(np.hypot(run, rise))
    eaves = height - over * pitch / (depth / 2)
    slopes = []
    for z, sign in ((-over, 1.0), (depth + over, -1.0)):
        upward = (frame.ahead * sign * run + UP * rise) / size
        origin = frame.at(-half - over, eaves, z)
        outward = UP * run - frame.ahead * sign * rise
        if outward @ (camera - origin) > 0:
            slopes.append((stage.distance(frame.at(0, eaves, z)), origin, upward))
    for _, origin, upward in sorted(slopes, key=lambda slope: -slope[0]):
        patch = stage.patch(origin, frame.right, upward, rectangle_outline(0, width + 2 * over, 0, size))
        if patch is not None:
            patch.paint(roof, ROOF)
    if rng.random() < 0.6 and not is_barn:
        x, z = rng.uniform(-0.35, 0.35) * width, depth * 0.42
        stage.box(
            frame,
            (x - 0.35, height + pitch * 0.6, z - 0.3),
            (x + 0.35, height + pitch + 0.8, z + 0.3),
            bricks(rng),
            ROOF,
        )


def house_footprint(frame: Frame, width: float, depth: float) -> np.ndarray:
    return footprint(frame, -width / 2, width / 2, 0, depth)
