"""Room scenes: a box seen from inside, furnished along its walls and in its middle."""

from dataclasses import replace

import numpy as np

from mereo.data.drawn.camera import Camera
from mereo.data.drawn.canvas import Canvas
from mereo.data.drawn.colours import Rng, hsv
from mereo.data.drawn.furniture import draw_cabinet, draw_chair, draw_lamp, draw_sofa, draw_table
from mereo.data.drawn.items import Item, animal_item, own_randomness, paint_items, person_item
from mereo.data.drawn.labels import Label
from mereo.data.drawn.light import RoomLight, Vector, vector
from mereo.data.drawn.plants import draw_pot_plant
from mereo.data.drawn.stage import Frame, Stage, footprint
from mereo.data.drawn.walls import RoomShape, Wall, draw_shell

# What something takes of the floor: x, z, half its width and half its depth.
Spot = tuple[float, float, float, float]


def draw_room(height: int, width: int, rng: Rng) -> Stage:
    room = RoomShape(width=rng.uniform(3.6, 6.2), depth=rng.uniform(3.8, 6.5), height=rng.uniform(2.4, 3.1))
    camera = Camera(
        vector(rng.uniform(-0.3, 0.3) * room.width, rng.uniform(1.2, 1.75), 0.25), height, width,
        yaw=rng.normal(0, 0.22), pitch=rng.normal(-0.1, 0.05), roll=rng.normal(0, 0.01),
        focal_length=rng.uniform(0.68, 0.95),
    )  # fmt: skip
    is_day = rng.random() < 0.65
    lamp_points: list[tuple[Vector, np.ndarray]] = []
    middle = vector(rng.uniform(-0.2, 0.2) * room.width, room.height - 0.7, room.depth * rng.uniform(0.45, 0.65))
    has_pendant = bool(rng.random() < 0.45)
    is_lit = bool(not is_day or rng.random() < 0.3)
    if has_pendant and is_lit:
        lamp_points.append((middle, hsv(0.1, 0.3, 0.8)))
    window_wall = str(rng.choice(["left", "right", "back"]))
    window_x = {"left": -1.0, "right": 1.0, "back": 0.0}[window_wall] * room.width / 2
    if is_day:
        point = vector(window_x * 0.95, 1.7, room.depth * 0.95 if window_wall == "back" else room.depth * 0.55)
        lamp_points.append((point, hsv(rng.choice([0.12, 0.6]), 0.1, rng.uniform(0.7, 1.0))))
    ambient = hsv(0.1, rng.uniform(0.02, 0.16), rng.uniform(0.5, 0.66) if is_day else rng.uniform(0.42, 0.55))
    if not is_day or not lamp_points:
        lamp_points.append((vector(0, room.height - 0.3, room.depth * 0.4), hsv(0.09, 0.35, 0.75)))
    stage = Stage(Canvas(height, width), camera, RoomLight(ambient, tuple(lamp_points)))
    # Whatever no wall covers, in views wider than any real one, is wall too.
    stage.canvas.fill(hsv(0.1, 0.1, 0.4), Label("wall"), "plaster", "smooth")
    walls = draw_shell(stage, rng, room, window_wall=window_wall, is_day=is_day)
    paint_items(stage, _furnished(stage, rng, room, walls, is_lit=is_lit))
    if has_pendant:
        ceiling = Frame(vector(float(middle[0]), room.height, float(middle[2])))
        draw_lamp(stage, rng, ceiling, height=rng.uniform(0.5, 0.9), is_lit=is_lit, is_hanging=True)
    return stage


def _furnished(stage: Stage, rng: Rng, room: RoomShape, walls: list[Wall], *, is_lit: bool) -> list[Item]:
    """Places furniture where nothing stands yet, the large pieces first."""
    taken: list[Spot] = [(float(stage.camera.position[0]), 0.2, 0.6, 0.9)]
    items: list[Item] = []
    wanted = ["sofa"] * int(rng.choice([0, 1, 2], p=[0.25, 0.6, 0.15])) + ["cabinet"] * int(
        rng.choice([0, 1, 2, 3], p=[0.1, 0.35, 0.35, 0.2])
    )
    for kind in ("plant", "lamp"):
        wanted += [kind] * int(rng.choice([0, 1, 2], p=[0.35, 0.45, 0.2]))
    wanted += ["chair"] * int(rng.random() < 0.35)
    for kind in wanted:
        items += _along_a_wall(stage, rng, room, walls, taken, kind, is_lit=is_lit)
    if rng.random() < 0.9:
        items += _table_group(stage, rng, room, taken)
    living: list[tuple[float, str]] = [(0.3, "person")] * int(rng.choice([0, 1, 2], p=[0.6, 0.3, 0.1]))
    living += [(0.35, "dog" if rng.random() < 0.5 else "cat")] * int(rng.random() < 0.35)
    for half, kind in living:
        spot = _free_spot(rng, room, taken, half, half, nearest=2.3)
        if spot is None:
            continue
        item = person_item(stage, rng, *spot) if kind == "person" else animal_item(stage, rng, *spot, kind)
        items.append(replace(item, depth=stage.distance(item.foot), height=0))
    return items


def _along_a_wall(
    stage: Stage, rng: Rng, room: RoomShape, walls: list[Wall], taken: list[Spot], kind: str, *, is_lit: bool
) -> list[Item]:  # fmt: skip
    half_x, half_z = {
        "sofa": (rng.uniform(0.75, 1.15), 0.46), "cabinet": (rng.uniform(0.4, 0.8), rng.uniform(0.2, 0.28)),
        "plant": (0.22, 0.22), "lamp": (0.22, 0.22), "chair": (0.26, 0.26),
    }[kind]  # fmt: skip
    for _ in range(12):
        wall = walls[int(rng.integers(len(walls)))]
        if wall.length < 2 * half_x + 0.4:
            continue
        along = rng.uniform(half_x + 0.1, wall.length - half_x - 0.1)
        if kind == "cabinet" and wall.is_opening(along, half_x):
            continue
        frame = wall.frame_at(along, half_z + 0.04)
        is_sideways = abs(float(wall.along[2])) > 0.5
        x, z = float(frame.origin[0]), float(frame.origin[2])
        spot = (x, z, half_z if is_sideways else half_x, half_x if is_sideways else half_z)
        if z - spot[3] < 0.9 or _is_taken(taken, spot):
            continue
        taken.append(spot)
        return [_wall_item(stage, rng, frame, kind, half_x, half_z, is_lit=is_lit)]
    return []


def _wall_item(stage: Stage, rng: Rng, frame: Frame, kind: str, half_x: float, half_z: float, *, is_lit: bool) -> Item:
    one, foot = own_randomness(rng), frame.origin
    height = {
        "cabinet": rng.choice([0.75, 0.9, 1.9, 2.1]),
        "plant": rng.uniform(0.7, 1.5),
        "lamp": rng.uniform(1.3, 1.7),
    }.get(kind, 1.0)

    def draw() -> None:
        if kind == "sofa":
            draw_sofa(stage, one, frame, width=2 * half_x)
        elif kind == "cabinet":
            draw_cabinet(
                stage,
                one,
                Frame(frame.at(0, 0, -half_z), frame.yaw),
                width=2 * half_x,
                height=float(height),
                depth=2 * half_z,
            )
        elif kind == "plant":
            draw_pot_plant(stage, one, foot, height=float(height))
        elif kind == "lamp":
            draw_lamp(stage, one, frame, height=float(height), is_lit=is_lit)
        else:
            draw_chair(stage, one, frame)

    shadow = footprint(frame, -half_x - 0.04, half_x + 0.04, -half_z - 0.08, half_z + 0.04)
    return Item(foot, 2.5, stage.distance(foot), shadow, 0, draw)


def _table_group(stage: Stage, rng: Rng, room: RoomShape, taken: list[Spot]) -> list[Item]:
    """A dining table with chairs, or a low table alone."""
    is_dining = rng.random() < 0.65
    half_x, half_z = (
        (rng.uniform(0.5, 0.9), rng.uniform(0.38, 0.5))
        if is_dining
        else (rng.uniform(0.35, 0.6), rng.uniform(0.25, 0.35))
    )
    spot = _free_spot(rng, room, taken, half_x + 0.3 * is_dining, half_z + 0.3 * is_dining)
    if spot is None:
        return []
    frame, one = Frame(vector(spot[0], 0, spot[1]), yaw=rng.normal(0, 0.08)), own_randomness(rng)
    height = rng.uniform(0.7, 0.78) if is_dining else rng.uniform(0.36, 0.48)
    middle = stage.distance(frame.origin)
    items = [Item(
        frame.origin, 2.5, middle, footprint(frame, -half_x, half_x, -half_z, half_z), 0,
        lambda: draw_table(stage, one, frame, width=2 * half_x, depth=2 * half_z, height=height),
    )]  # fmt: skip
    if rng.random() < 0.35:
        on_top, two = Frame(frame.at(rng.uniform(-0.5, 0.5) * half_x, height, 0)), own_randomness(rng)
        is_lamp, reach = rng.random() < 0.5, rng.uniform(0.3, 0.45)

        def draw_on_top() -> None:
            if is_lamp:
                draw_lamp(stage, two, on_top, height=reach, is_lit=True)
            else:
                draw_pot_plant(stage, two, on_top.origin, height=reach)

        items.append(Item(on_top.origin, 1.0, middle - 0.001, None, 0, draw_on_top))
    if is_dining:
        items += _chairs_around(stage, rng, frame, half_x, half_z, middle)
    return items


def _chairs_around(stage: Stage, rng: Rng, table: Frame, half_x: float, half_z: float, middle: float) -> list[Item]:
    style, items = int(rng.integers(2**31)), []
    for x, z, yaw in (
        (0.0, half_z + 0.22, 0.0),
        (0.0, -half_z - 0.22, np.pi),
        (half_x + 0.22, 0.0, np.pi / 2),
        (-half_x - 0.22, 0.0, -np.pi / 2),
    ):
        if rng.random() < 0.35:
            continue
        chair = Frame(table.at(x, 0, z), yaw=table.yaw + yaw + rng.normal(0, 0.12))
        items.append(_chair_item(stage, chair, style, middle))
    return items


def _chair_item(stage: Stage, chair: Frame, style: int, table_depth: float) -> Item:
    # A chair is pushed under the table: nearer than the table's middle it is painted after it, else before.
    depth = stage.distance(chair.origin)
    return Item(
        chair.origin, 1.5, depth if depth < table_depth else table_depth + 0.01,
        footprint(chair, -0.22, 0.22, -0.22, 0.22), 0,
        lambda: draw_chair(stage, np.random.default_rng(style), chair),
    )  # fmt: skip


def _free_spot(
    rng: Rng, room: RoomShape, taken: list[Spot], half_x: float, half_z: float, *, nearest: float = 1.5
) -> tuple[float, float] | None:
    for _ in range(12):
        spot = (
            rng.uniform(-room.width / 2 + half_x + 0.1, room.width / 2 - half_x - 0.1),
            rng.uniform(nearest + half_z, max(room.depth - half_z - 0.1, nearest + half_z + 0.1)), half_x, half_z,
        )  # fmt: skip
        if not _is_taken(taken, spot):
            taken.append(spot)
            return spot[0], spot[1]
    return None


def _is_taken(taken: list[Spot], spot: Spot) -> bool:
    x, z, half_x, half_z = spot
    return any(abs(x - a) < half_x + c + 0.05 and abs(z - b) < half_z + d + 0.05 for a, b, c, d in taken)
