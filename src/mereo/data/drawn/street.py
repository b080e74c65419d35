"""Street scenes: a road between terraces, houses or parks, with what drives, walks and stands there."""

import numpy as np

from mereo.data.drawn.buildings import draw_house, draw_terrace, house_footprint
from mereo.data.drawn.camera import Camera
from mereo.data.drawn.canvas import Canvas
from mereo.data.drawn.cars import HALF_WIDTH, draw_car
from mereo.data.drawn.colours import Rng, hsv, leaf_colour, vary
from mereo.data.drawn.items import (
    Item,
    animal_item,
    bush_item,
    disc,
    own_randomness,
    paint_items,
    person_item,
    tree_item,
)
from mereo.data.drawn.labels import Label
from mereo.data.drawn.light import vector, weather
from mereo.data.drawn.outdoors import draw_fence, draw_hills, draw_sign, draw_sky, draw_street_lamp
from mereo.data.drawn.patterns import between, stripes
from mereo.data.drawn.stage import Frame, Stage, footprint, rectangle_outline
from mereo.data.drawn.surfaces import asphalt, plain, tiles, turf

SIDES = (-1.0, 1.0)


def draw_street(height: int, width: int, rng: Rng) -> Stage:
    light = weather(rng)
    road_half, walk = rng.uniform(2.8, 5.2), rng.uniform(1.8, 4.0)
    camera = Camera(
        vector(rng.uniform(-0.9, 0.9) * (road_half + 0.5 * walk), rng.uniform(1.35, 2.6), 0),
        height,
        width,
        yaw=rng.normal(0, 0.26),
        pitch=rng.normal(-0.02, 0.05),
        roll=rng.normal(0, 0.012),
        focal_length=rng.uniform(0.75, 1.3),
    )
    stage = Stage(Canvas(height, width), camera, light)
    is_autumn, leaf_rgb = rng.random() < 0.2, leaf_colour(rng)
    draw_sky(stage, rng, light)
    if rng.random() < 0.5:
        draw_hills(stage, rng, leaf_rgb, layers=int(rng.integers(1, 3)))
    _draw_ground(stage, rng, road_half, walk, leaf_rgb)
    front = road_half + walk
    sides = {side: str(rng.choice(["terrace", "houses", "park"], p=[0.55, 0.27, 0.18])) for side in SIDES}
    buildings: list[Item] = []
    items: list[Item] = []
    for side, kind in sides.items():
        if kind == "terrace":
            buildings += _terraces(stage, rng, side, front)
        elif kind == "houses":
            buildings += _houses(stage, rng, side, front, leaf_rgb)
        else:
            buildings += _park(stage, rng, side, front, is_autumn)
        items += _beside_the_road(stage, rng, side, road_half, walk, is_autumn)
    items += _on_the_road(stage, rng, road_half)
    # From between the kerbs no building ever stands before what stands on the street.
    paint_items(stage, buildings)
    paint_items(stage, items)
    return stage


def _draw_ground(stage: Stage, rng: Rng, road_half: float, walk: float, leaf_rgb: np.ndarray) -> None:
    patch = stage.ground(rectangle_outline(-260, 260, -3, 420))
    if patch is None:
        return
    place = patch.place
    patch.paint(turf(rng, leaf_rgb), Label("grass"))
    side_on = np.abs(place.u)
    slab = rng.uniform(0.4, 0.8)
    slabs = tiles(
        rng,
        vary(rng, hsv(0.09, 0.08, rng.uniform(0.5, 0.74))),
        material="stone",
        size=(slab, slab),
        is_staggered=rng.random() < 0.5,
    )
    patch.paint(slabs, Label("pavement"), between(side_on, place.pixel_u, road_half, road_half + walk))
    kerb = plain(hsv(0.1, 0.04, 0.72), "stone")
    patch.paint(kerb, Label("pavement"), between(side_on, place.pixel_u, road_half, road_half + 0.18))
    on_road = between(place.u, place.pixel_u, -road_half, road_half)
    road, gutter = asphalt(rng), 1 - 0.16 * np.clip(side_on - road_half + 0.6, 0, 1)
    patch.paint(road, Label("road"), on_road, shade=gutter)
    paint, marking = plain(hsv(0.13, rng.choice([0.03, 0.55]), 0.88), "asphalt"), Label("road", part="marking")
    dash = rng.uniform(2.0, 4.0)
    centre = between(place.u, place.pixel_u, -0.07, 0.07)
    if rng.random() < 0.75:
        patch.paint(paint, marking, centre * stripes(place.v, place.pixel_v, period=2 * dash), shade=0.95)
    if rng.random() < 0.5:
        edge = between(side_on, place.pixel_u, road_half - 0.35, road_half - 0.22)
        patch.paint(paint, marking, edge, shade=0.92)
    if rng.random() < 0.35:
        start = rng.uniform(4, 14)
        bars = (
            stripes(place.u, place.pixel_u, period=1.0) * between(place.v, place.pixel_v, start, start + 2.6) * on_road
        )
        patch.paint(plain(hsv(0.1, 0.02, 0.9), "asphalt"), marking, bars)


def _terraces(stage: Stage, rng: Rng, side: float, front: float) -> list[Item]:
    items: list[Item] = []
    z, end = rng.uniform(-8, 0), rng.uniform(45, 90)
    neighbour = 0.0
    while z < end:
        length, storeys = rng.uniform(5, 12), int(rng.integers(2, 6))
        height = storeys * rng.uniform(2.9, 3.4) + rng.uniform(0.2, 0.8)
        if rng.random() < 0.1:
            z += rng.uniform(2, 6)  # An alley.
            neighbour = 0.0
        items.append(_terrace_item(stage, rng, side, front, z, length, height, neighbour))
        z += length
        neighbour = height
    return items


def _terrace_item(
    stage: Stage, rng: Rng, side: float, front: float, z: float, length: float, height: float, neighbour: float
) -> Item:  # fmt: skip
    # Local x runs along the street and the front faces it: the frame is turned by a quarter.
    frame = Frame(vector(side * front, 0, z if side < 0 else z + length), yaw=side * np.pi / 2)
    one = own_randomness(rng)
    return Item(
        frame.at(length / 2, height / 2, 4), length + height, z + length / 2, footprint(frame, 0, length, 0, 8), height,
        lambda: draw_terrace(stage, one, frame, length=length, height=height, depth=9.0, hidden=neighbour),
    )  # fmt: skip


def _houses(stage: Stage, rng: Rng, side: float, front: float, leaf_rgb: np.ndarray) -> list[Item]:
    items: list[Item] = []
    z, garden = rng.uniform(2, 8), rng.uniform(2.5, 6)
    while z < 75:
        width = rng.uniform(6, 10)
        items.append(_house_item(stage, rng, side * (front + garden), z, side, width))
        for _ in range(int(rng.integers(0, 3))):
            x, height = side * (front + rng.uniform(0.8, garden)), rng.uniform(0.6, 1.4)
            items.append(bush_item(stage, rng, x, z + rng.uniform(-2, width), height, vary(rng, leaf_rgb, 0.1)))
        z += width + rng.uniform(1.5, 6)
    return items + _fence_line(stage, rng, side * (front + 0.3))


def _house_item(stage: Stage, rng: Rng, x: float, z: float, side: float, width: float) -> Item:
    depth, height, pitch = rng.uniform(6, 8), rng.uniform(3, 6), rng.uniform(1.6, 3.2)
    frame, one = Frame(vector(x, 0, z + width / 2), yaw=side * np.pi / 2), own_randomness(rng)
    return Item(
        frame.origin, 16.0, z + width / 2, house_footprint(frame, width, depth), height + pitch / 2,
        lambda: draw_house(stage, one, frame, width=width, depth=depth, height=height, pitch=pitch),
    )  # fmt: skip


def _park(stage: Stage, rng: Rng, side: float, front: float, is_autumn: bool) -> list[Item]:
    items = _fence_line(stage, rng, side * (front + 0.3))
    for _ in range(int(rng.integers(5, 11))):
        items.append(
            tree_item(
                stage,
                rng,
                side * (front + rng.uniform(2, 25)),
                rng.uniform(6, 60),
                rng.uniform(5, 11),
                is_autumn=is_autumn,
            )
        )
    return items


def _fence_line(stage: Stage, rng: Rng, x: float) -> list[Item]:
    one, start, length = own_randomness(rng), rng.uniform(-2, 4), rng.uniform(15, 50)
    if rng.random() < 0.4:
        return []
    near, far = vector(x, 0, start), vector(x, 0, start + length)
    return [Item(near, 60.0, start, None, 1.0, lambda: draw_fence(stage, one, near, far))]


def _beside_the_road(stage: Stage, rng: Rng, side: float, road_half: float, walk: float, is_autumn: bool) -> list[Item]:
    """What stands and walks on one pavement."""
    items: list[Item] = []
    kerb = side * (road_half + 0.6)
    if rng.random() < 0.5:
        gap, z, tall = rng.uniform(7, 13), rng.uniform(5, 14), rng.uniform(4.5, 7.5)
        while z < 55:
            items.append(tree_item(stage, rng, kerb, z, tall * rng.uniform(0.85, 1.15), is_autumn=is_autumn))
            z += gap
    if rng.random() < 0.55:
        gap, z, style = rng.uniform(12, 24), rng.uniform(5, 18), int(rng.integers(2**31))
        while z < 55:
            items.append(_lamp_item(stage, kerb, z, style, -side))
            z += gap
    for _ in range(int(rng.poisson(1.2))):
        items.append(_sign_item(stage, rng, kerb, rng.uniform(4, 26)))
    for _ in range(int(rng.poisson(2.2))):
        items.append(
            person_item(stage, rng, side * (road_half + rng.uniform(0.5, walk - 0.3)), 3.5 + 26 * rng.random() ** 1.4)
        )
    if rng.random() < 0.3:
        kind = "dog" if rng.random() < 0.7 else "cat"
        items.append(animal_item(stage, rng, side * (road_half + rng.uniform(0.4, walk)), rng.uniform(3.5, 13), kind))
    return items


def _lamp_item(stage: Stage, x: float, z: float, style: int, toward: float) -> Item:
    foot = vector(x, 0, z)
    return Item(
        foot,
        8.0,
        z,
        disc(foot, 0.15),
        6.0,
        lambda: draw_street_lamp(stage, np.random.default_rng(style), foot, toward=toward),
    )


def _sign_item(stage: Stage, rng: Rng, x: float, z: float) -> Item:
    foot, one = vector(x, 0, z), own_randomness(rng)
    return Item(foot, 3.5, z, disc(foot, 0.2), 2.4, lambda: draw_sign(stage, one, foot))


def _on_the_road(stage: Stage, rng: Rng, road_half: float) -> list[Item]:
    """Parked cars along both kerbs, cars in the lanes, now and then somebody who crosses."""
    items: list[Item] = []
    for side in SIDES:
        z = rng.uniform(5, 11)
        while z < 45:
            if rng.random() < 0.42:
                items.append(
                    _car_item(
                        stage, rng, side * (road_half - HALF_WIDTH - 0.15), z, yaw=0.0 if rng.random() < 0.7 else np.pi
                    )
                )
            z += rng.uniform(5.5, 9)
    lane = (road_half - 2 * HALF_WIDTH - 1.3) * 0.55
    if lane > 0.45:
        for z in np.cumsum(rng.uniform(7, 22, int(rng.integers(0, 4)))):
            side = 1.0 if rng.random() < 0.5 else -1.0
            items.append(_car_item(stage, rng, side * lane, float(z), yaw=0.0 if side > 0 else np.pi))
    for _ in range(int(rng.poisson(0.5))):
        items.append(person_item(stage, rng, rng.uniform(-road_half, road_half), rng.uniform(6, 25)))
    return items


def _car_item(stage: Stage, rng: Rng, x: float, z: float, *, yaw: float) -> Item:
    frame, one = Frame(vector(x, 0, z), yaw=yaw + rng.normal(0, 0.03)), own_randomness(rng)
    shadow = footprint(frame, -HALF_WIDTH, HALF_WIDTH, -2.1, 2.1)
    return Item(frame.origin, 3.0, z, shadow, 1.2, lambda: draw_car(stage, one, frame))
