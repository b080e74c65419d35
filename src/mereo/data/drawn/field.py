"""Field scenes: meadows, crops, water and hills, with farms, herds and lonely trees."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mereo.data.drawn.buildings import draw_house, house_footprint
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
from mereo.data.drawn.light import DayLight, vector, weather
from mereo.data.drawn.noise import noise
from mereo.data.drawn.outdoors import draw_fence, draw_hills, draw_power_pole, draw_sky
from mereo.data.drawn.patterns import between, inside
from mereo.data.drawn.stage import Frame, Patch, Stage, footprint, rectangle_outline
from mereo.data.drawn.surfaces import Surface, asphalt, furrows, mottled, ripples, soil, turf

RoadLine = Callable[[float], float]


def draw_field(height: int, width: int, rng: Rng) -> Stage:
    light = weather(rng)
    camera = Camera(
        vector(0, rng.uniform(1.5, 5.0), 0), height, width,
        pitch=rng.normal(-0.07, 0.06), roll=rng.normal(0, 0.012), focal_length=rng.uniform(0.75, 1.4),
    )  # fmt: skip
    stage = Stage(Canvas(height, width), camera, light)
    is_autumn, leaf_rgb = rng.random() < 0.25, leaf_colour(rng)
    draw_sky(stage, rng, light)
    draw_hills(stage, rng, leaf_rgb, layers=int(rng.integers(0, 4)))
    road_x, pond = _draw_ground(stage, rng, light, leaf_rgb)
    items = (
        _woods(stage, rng, leaf_rgb, is_autumn) + _farm(stage, rng) + _fences_and_poles(stage, rng) + _herd(stage, rng)
    )
    if road_x is not None and rng.random() < 0.45:
        z = rng.uniform(9, 35)
        items.append(_car_item(stage, rng, road_x(z), z, yaw=0.0 if rng.random() < 0.5 else np.pi))
    for _ in range(int(rng.poisson(0.7))):
        z = rng.uniform(5, 16)
        x = road_x(z) if road_x is not None and rng.random() < 0.5 else rng.uniform(-0.45, 0.45) * z
        items.append(person_item(stage, rng, x, z))
    paint_items(stage, [item for item in items if pond is None or not pond.holds(item)])
    return stage


@dataclass(frozen=True)
class Pond:
    """Nearly an ellipse on the ground; nothing stands in it."""

    x: float
    z: float
    half_x: float
    half_z: float

    def holds(self, item: Item) -> bool:
        reach = min(item.radius * 0.5, 5.0)
        across = (float(item.foot[0]) - self.x) / (self.half_x * 1.2 + reach)
        return across**2 + ((float(item.foot[2]) - self.z) / (self.half_z * 1.2 + reach)) ** 2 < 1


def _draw_ground(stage: Stage, rng: Rng, light: DayLight, leaf_rgb: np.ndarray) -> tuple[RoadLine | None, Pond | None]:
    """Meadow, then plots, water and a road on it. Returns x of the road's middle at a depth, and the pond."""
    patch = stage.ground(rectangle_outline(-500, 500, 0.5, 480))
    if patch is None:
        return None, None
    patch.paint(turf(rng, leaf_rgb), Label("grass"))
    for _ in range(int(rng.integers(0, 4))):
        _draw_plot(patch, rng, leaf_rgb)
    pond = _draw_water(patch, rng, light) if rng.random() < 0.4 else None
    if rng.random() < 0.3:
        _draw_flowers(patch, rng)
    return _draw_road(patch, rng) if rng.random() < 0.55 else None, pond


def _draw_plot(patch: Patch, rng: Rng, leaf_rgb: np.ndarray) -> None:
    """A field with its own crop, seen as a band of the plain; rows run in its own direction."""
    near = rng.uniform(3, 60)
    far, middle, half = near * rng.uniform(1.6, 3.5), rng.normal(0, 0.8) * near, rng.uniform(0.8, 2.5) * near
    slant = rng.normal(0, 0.3)
    piece = patch.within(middle - half - abs(slant) * far, middle + half + abs(slant) * far, near, far)
    if piece is None:
        return
    place = piece.place
    where = between(place.v, place.pixel_v, near, far) * between(
        place.u - slant * (place.v - near), place.pixel_u, middle - half, middle + half
    )
    if rng.random() < 0.6:
        crop = hsv(rng.uniform(0.12, 0.3), rng.uniform(0.4, 0.7), rng.uniform(0.5, 0.85))
        surface = furrows(rng, crop, period=rng.uniform(0.8, 1.8))
    elif rng.random() < 0.5:
        surface = soil(rng)
    else:
        surface = turf(rng, vary(rng, leaf_rgb * np.array([1.3, 1.15, 0.7], dtype=np.float32), 0.12))
    piece.paint(surface, Label("grass"), where)


def _draw_water(patch: Patch, rng: Rng, light: DayLight) -> Pond | None:
    near = rng.uniform(5, 40)
    far, middle, half = near * rng.uniform(1.8, 4.0), rng.normal(0, 0.6) * near, rng.uniform(0.7, 3.0) * near
    piece = patch.within(middle - half * 1.3, middle + half * 1.3, near * 0.8, far * 1.2)
    if piece is None:
        return None
    place, centre, reach = piece.place, (near + far) / 2, (far - near) / 2
    wobble = 0.5 * (noise(place.u + rng.uniform(0, 90), place.v, scale=near * 0.5, pixel=place.finest) - 0.5)
    radius = np.sqrt(((place.u - middle) / half) ** 2 + ((place.v - centre) / reach) ** 2)
    distance = (1 + wobble - radius) * min(half, reach)
    piece.paint(
        mottled(hsv(0.1, 0.35, 0.5), "soil", texture="speckled", scale=0.4, amount=0.2),
        Label("grass"),
        inside(distance + 0.05 * near, place.pixel),
    )
    deep = hsv(rng.uniform(0.5, 0.6), rng.uniform(0.4, 0.6), rng.uniform(0.25, 0.42))
    piece.paint(
        ripples((light.sky_top_rgb + light.sky_low_rgb) / 2, deep), Label("water"), inside(distance, place.pixel)
    )
    return Pond(middle, centre, half, reach)


def _draw_flowers(patch: Patch, rng: Rng) -> None:
    place = patch.place
    petal = hsv(rng.choice([0.0, 0.13, 0.78, 0.95, 0.6]), rng.uniform(0.1, 0.85), rng.uniform(0.8, 1.0))
    shift = rng.uniform(0, 90)
    meadow = noise(place.u + shift, place.v, scale=6.0, pixel=place.finest)
    blossom = noise(place.u, place.v * 0.6 + shift, scale=0.16, pixel=place.finest)
    where = np.clip((blossom - 0.72) * 9, 0, 1) * np.clip((meadow - 0.45) * 8, 0, 1) * place.fade(0.09)
    patch.paint(Surface("vegetation", "dotted", lambda _: petal), Label("grass"), where)


def _draw_road(patch: Patch, rng: Rng) -> RoadLine:
    """A winding track of earth or a country road."""
    half, bend, period = rng.uniform(1.0, 2.4), rng.uniform(0, 7), rng.uniform(35, 110)
    start, slope, phase = rng.uniform(-5, 5), rng.normal(0, 0.12), rng.uniform(0, 6)

    def middle(z: np.ndarray) -> np.ndarray:
        return start + slope * z + bend * (np.sin(z / period * 2 * np.pi + phase) - np.sin(phase))

    place, is_track = patch.place, half < 1.6
    aside = place.u - middle(place.v).astype(np.float32)
    ragged = 0.25 * (noise(place.u, place.v, scale=0.6, pixel=place.finest) - 0.5) if is_track else 0.0
    where = inside(half + ragged - np.abs(aside), place.pixel_u)
    patch.paint(soil(rng) if is_track else asphalt(rng), Label("road"), where)
    if is_track:
        verge = inside(0.3 + ragged - np.abs(aside), place.pixel_u)
        patch.paint(turf(rng, leaf_colour(rng)), Label("grass"), verge)
    elif rng.random() < 0.6:
        marking = between(aside, place.pixel_u, -0.07, 0.07) * between(np.mod(place.v, 6.0), place.pixel_v, 0, 3)
        patch.paint(mottled(hsv(0.1, 0.05, 0.88), "asphalt", scale=0.5), Label("road", part="marking"), marking)
    return lambda z: float(middle(np.asarray(z)))


def _woods(stage: Stage, rng: Rng, leaf_rgb: np.ndarray, is_autumn: bool) -> list[Item]:
    """Lonely trees near by, a wood or a line of trees farther off, and bushes."""
    items: list[Item] = []
    shape = str(rng.choice(["round", "conifer", "poplar"], p=[0.6, 0.25, 0.15]))
    for _ in range(int(rng.poisson(1.6))):
        z = rng.uniform(7, 40)
        items.append(tree_item(stage, rng, rng.uniform(-0.7, 0.7) * z, z, rng.uniform(4, 10), is_autumn=is_autumn))
    for _ in range(int(rng.integers(0, 3))):
        z, middle, spread = rng.uniform(45, 120), rng.normal(0, 30), rng.uniform(8, 40)
        for _ in range(int(rng.integers(5, 12))):
            x, depth = middle + rng.uniform(-1, 1) * spread, z + rng.uniform(-8, 8)
            items.append(tree_item(stage, rng, x, depth, rng.uniform(6, 13), is_autumn=is_autumn, shape=shape))
    for _ in range(int(rng.poisson(1.6))):
        z = rng.uniform(5, 28)
        items.append(
            bush_item(stage, rng, rng.uniform(-0.7, 0.7) * z, z, rng.uniform(0.5, 1.5), vary(rng, leaf_rgb, 0.12))
        )
    return items


def _farm(stage: Stage, rng: Rng) -> list[Item]:
    items: list[Item] = []
    for index in range(int(rng.choice([0, 1, 2, 3], p=[0.35, 0.35, 0.2, 0.1]))):
        z = rng.uniform(18, 70)
        items.append(
            _house_item(stage, rng, rng.uniform(-0.55, 0.55) * z, z, is_barn=index == 1 or rng.random() < 0.25)
        )
    return items


def _house_item(stage: Stage, rng: Rng, x: float, z: float, *, is_barn: bool) -> Item:
    width, depth, height, pitch = rng.uniform(7, 13), rng.uniform(6, 9), rng.uniform(2.8, 5), rng.uniform(2.0, 4.0)
    frame, one = Frame(vector(x, 0, z), yaw=rng.uniform(-0.9, 0.9)), own_randomness(rng)
    return Item(
        frame.origin, 18.0, z + 1, house_footprint(frame, width, depth), height + pitch / 2,
        lambda: draw_house(stage, one, frame, width=width, depth=depth, height=height, pitch=pitch, is_barn=is_barn),
    )  # fmt: skip


def _fences_and_poles(stage: Stage, rng: Rng) -> list[Item]:
    items: list[Item] = []
    if rng.random() < 0.5:
        z, turn, reach = rng.uniform(6, 28), rng.normal(0, 0.12), rng.uniform(15, 40)
        one, left = own_randomness(rng), rng.uniform(-1.2, 0) * reach
        near, far = vector(left, 0, z), vector(left + reach, 0, z + turn * reach)
        items.append(Item((near + far) / 2, reach, z, None, 1.0, lambda: draw_fence(stage, one, near, far)))
    if rng.random() < 0.35:
        x, z, step_x, style = rng.uniform(-12, 12), rng.uniform(8, 16), rng.normal(0, 5), int(rng.integers(2**31))
        for index in range(5):
            items.append(_pole_item(stage, x + index * step_x, z + index * rng.uniform(14, 22), style))
    return items


def _pole_item(stage: Stage, x: float, z: float, style: int) -> Item:
    foot = vector(x, 0, z)
    return Item(
        foot,
        8.0,
        z,
        disc(foot, 0.15),
        7.0,
        lambda: draw_power_pole(stage, np.random.default_rng(style), foot, height=7.0),
    )


def _herd(stage: Stage, rng: Rng) -> list[Item]:
    items: list[Item] = []
    if rng.random() < 0.7:
        kind = str(rng.choice(["cow", "sheep", "horse"], p=[0.4, 0.35, 0.25]))
        z, side = rng.uniform(5, 20), rng.uniform(-0.35, 0.35)
        for _ in range(int(rng.integers(1, 7))):
            depth = z * rng.uniform(0.8, 1.7)
            items.append(animal_item(stage, rng, side * depth + rng.uniform(-0.4, 0.4) * depth, depth, kind))
    if rng.random() < 0.2:
        items.append(animal_item(stage, rng, rng.uniform(-2, 2), rng.uniform(4, 8), "dog"))
    return items


def _car_item(stage: Stage, rng: Rng, x: float, z: float, *, yaw: float) -> Item:
    frame, one = Frame(vector(x, 0, z), yaw=yaw + rng.normal(0, 0.2)), own_randomness(rng)
    return Item(
        frame.origin,
        3.0,
        z - 2,
        footprint(frame, -HALF_WIDTH, HALF_WIDTH, -2.1, 2.1),
        1.2,
        lambda: draw_car(stage, one, frame),
    )
