"""What stands outdoors between the buildings: sky, hills, poles, signs and fences."""

import numpy as np

from mereo.data.drawn.colours import Rng, hsv, mix, pick, wood_colour
from mereo.data.drawn.labels import Label
from mereo.data.drawn.light import DayLight, Vector, vector
from mereo.data.drawn.noise import noise
from mereo.data.drawn.patterns import between, inside, rectangle
from mereo.data.drawn.stage import UP, Frame, Stage, rectangle_outline
from mereo.data.drawn.surfaces import Surface, bricks, leaves, mottled, plain, wood


def draw_sky(stage: Stage, rng: Rng, light: DayLight) -> None:
    canvas, camera = stage.canvas, stage.camera
    whole_HW = np.ones((canvas.height, canvas.width), dtype=np.float32)
    x = ((np.arange(canvas.width) + 0.5) / canvas.width - 0.5)[None, :]
    y = ((np.arange(canvas.height) + 0.5) / canvas.height - 0.5)[:, None]
    horizon = camera.pitch * camera.focal_length
    above_HW = np.clip(np.broadcast_to((horizon - y) * 1.7, whole_HW.shape), 0, 1) ** 0.7
    rgb_HW3 = mix(light.sky_low_rgb, light.sky_top_rgb, above_HW)
    to_sun = camera.to_pixel_33 @ light.to_sun
    if to_sun[2] > 0.05 and light.clouds < 0.6:
        sun_x, sun_y = to_sun[:2] / to_sun[2] / (canvas.width, canvas.height) - 0.5
        glow_HW = np.exp(-(((x - sun_x) * canvas.width / canvas.height) ** 2 + (y - sun_y) ** 2) * 9)
        rgb_HW3 = rgb_HW3 + (np.array([1.0, 0.95, 0.85]) - rgb_HW3) * 0.8 * glow_HW[..., None].astype(np.float32)
    canvas.paint(0, 0, whole_HW, rgb_HW3.astype(np.float32), Label("sky"), None, "smooth")
    if light.clouds < 0.05:
        return
    # Clouds lie on a level sheet, so they crowd together towards the horizon.
    distance = 0.35 / np.maximum(horizon - y + 0.12, 0.1)
    shift = rng.uniform(0, 90)
    sheet_u, sheet_v = np.broadcast_arrays((x * 1.4 * distance + shift), distance * 1.6)
    pixel = 1.0 / canvas.height
    cloud_HW = 0.75 * noise(sheet_u, sheet_v, scale=0.9, pixel=pixel) + 0.25 * noise(
        sheet_u, sheet_v + 7, scale=0.25, pixel=pixel
    )
    thickness_HW = np.clip((cloud_HW - (0.72 - 0.42 * light.clouds)) * 5, 0, 1)
    lit_HW = np.clip(1.06 - 0.35 * (cloud_HW - 0.5) * 2, 0.6, 1.1)
    bright = np.minimum(light.sky_low_rgb * 0.45 + 0.55 * (light.ambient_rgb + light.sun_rgb * 0.8), 1.0)
    canvas.paint(
        0,
        0,
        (thickness_HW * 0.92).astype(np.float32),
        (bright * lit_HW[..., None]).astype(np.float32),
        Label("sky"),
        None,
        "cloudy",
    )


def draw_hills(stage: Stage, rng: Rng, leaf_rgb: np.ndarray, *, layers: int) -> None:
    """Ridges one before the other; the haze makes the far ones pale."""
    for index in range(layers):
        metres = 420.0 * 0.62**index
        peak = metres * rng.uniform(0.07, 0.24) * 0.8**index
        foot = stage.camera.position * [1, 0, 1] + metres * vector(
            np.sin(stage.camera.yaw), 0, np.cos(stage.camera.yaw)
        )
        half = metres * 1.4 * max(stage.canvas.width / stage.canvas.height, 1)
        patch = stage.billboard(foot, rectangle_outline(-half, half, -2.0, peak * 1.5))
        if patch is None:
            continue
        place, shift = patch.place, rng.uniform(0, 900)
        level = place.u[:1] * 0
        ridge = noise(place.u[:1] / metres + shift, level + shift, scale=rng.uniform(0.5, 1.2), pixel=0.004)
        trees = noise(place.u[:1] / metres * 3 + shift, level, scale=0.12, pixel=0.008) - 0.5
        top = peak * (1.7 * ridge - 0.3) + 0.1 * peak * trees
        tint = leaf_rgb * [0.8, 0.85, 0.9] if rng.random() < 0.7 else hsv(0.62, 0.18, 0.45)
        woods = leaves(np.asarray(tint, dtype=np.float32), scale=metres * 0.02, shift=shift)
        patch.paint(
            woods, Label("hill"), inside(top - place.v, place.pixel_v), shade=0.75 + 0.3 * np.clip(place.v / peak, 0, 1)
        )


def draw_street_lamp(stage: Stage, rng: Rng, foot: Vector, *, toward: float) -> None:
    """A lamp post; `toward` is the side of the road, -1 (left) or 1."""
    height, label = rng.uniform(5.0, 7.5), Label("pole")
    steel = mottled(pick(rng, (0.4, 0.3, 0.25), (0.6, 0.05, 0.5), (0.0, 0.0, 0.18)), "metal", scale=0.4, amount=0.1)
    for outline in (rectangle_outline(-0.14, 0.14, 0, 0.9), rectangle_outline(-0.075, 0.075, 0.9, height)):
        post = stage.billboard(foot, outline)
        if post is not None:
            post.paint(steel, label, shade=1.15 - 4 * np.abs(post.place.u - 0.02))
    reach = 1.4 * toward
    arm = stage.patch(foot, vector(1, 0, 0), UP, rectangle_outline(min(0, reach), max(0, reach), height - 0.12, height))
    if arm is not None:
        arm.paint(steel, label)
    is_dusk = isinstance(stage.light, DayLight) and stage.light.is_dusk
    bulb = plain(hsv(0.12, 0.2, 1.0), "glass")
    head = stage.patch(
        foot, vector(1, 0, 0), UP, rectangle_outline(reach - 0.35, reach + 0.35, height - 0.3, height - 0.1)
    )
    if head is not None:
        head.paint(bulb, label, glow=1.0 if is_dusk else 0.3)


def draw_power_pole(stage: Stage, rng: Rng, foot: Vector, *, height: float) -> None:
    timber, frame, label = wood(rng, wood_colour(rng) * 0.7), Frame(foot), Label("pole")
    stage.box(frame, (-0.12, 0, -0.12), (0.12, height, 0.12), timber, label)
    for y in (height - 0.5, height - 1.3):
        stage.box(frame, (-0.9, y, -0.07), (0.9, y + 0.14, 0.07), timber, label)


def draw_sign(stage: Stage, rng: Rng, foot: Vector) -> None:
    """A traffic sign on a post."""
    label, height = stage.new_thing("sign"), rng.uniform(2.2, 2.9)
    steel = plain(hsv(0.6, 0.04, 0.55), "metal")
    post = stage.billboard(foot, rectangle_outline(-0.05, 0.05, 0, height))
    if post is not None:
        post.paint(steel, label.part_named("post"), shade=1.1 - 6 * np.abs(post.place.u))
    kind, radius = str(rng.choice(["round", "triangle", "board", "stop"])), rng.uniform(0.34, 0.46)
    red, blue, white = hsv(0.99, 0.85, 0.8), hsv(0.6, 0.8, 0.65), hsv(0.0, 0.0, 0.95)
    outer, inner = (red, white) if rng.random() < 0.6 else (white, blue)
    corners = {"round": 24, "triangle": 3, "stop": 8, "board": 4}[kind]
    turn = {"round": 0, "triangle": np.pi / 2, "stop": np.pi / 8, "board": np.pi / 4}[kind]
    if kind == "stop":
        outer, inner = white, red
    angle = turn + np.arange(corners) * 2 * np.pi / corners
    unit_N2 = np.stack([np.cos(angle), np.sin(angle)], axis=1) * ([1.3, 0.9] if kind == "board" else [1, 1])
    for share, rgb in ((1.0, outer), (0.78 if kind != "stop" else 0.9, inner)):
        panel = stage.billboard(foot, unit_N2 * radius * share + [0, height])
        if panel is not None:
            panel.paint(plain(rgb, "metal"), label.part_named("panel"))
            if share < 1:
                ink = plain(white if inner is not white else hsv(0, 0, 0.1), "metal")
                place, bar = panel.place, radius * 0.1
                across = rng.random() < 0.5 or kind == "stop"
                mark = rectangle(place, -radius * 0.5, radius * 0.5, height - bar, height + bar)
                if not across:
                    mark = rectangle(place, -bar, bar, height - radius * 0.35, height + radius * 0.4)
                panel.paint(ink, label.part_named("panel"), mark)


def draw_fence(stage: Stage, rng: Rng, start: Vector, end: Vector) -> None:
    """Pickets, rails on posts, iron bars, or a low wall, upright between two points on the ground."""
    length = float(np.linalg.norm(end - start))
    kind = str(rng.choice(["pickets", "rails", "bars", "wall"], p=[0.35, 0.3, 0.2, 0.15]))
    height = rng.uniform(0.9, 1.3)
    patch = stage.patch(start, (end - start) / length, UP, rectangle_outline(0, length, 0, height))
    if patch is None:
        return
    label, place, surface = Label("fence"), patch.place, _fence_surface(rng, kind)
    if kind == "wall":
        patch.paint(surface, label, between(place.v, place.pixel_v, 0, height * 0.7))
        patch.paint(
            mottled(hsv(0.1, 0.1, 0.7), "stone", scale=0.5),
            label,
            between(place.v, place.pixel_v, height * 0.64, height * 0.74),
        )
        return
    spacing, width = {"pickets": (0.17, 0.11), "rails": (2.0, 0.14), "bars": (0.14, 0.045)}[kind]
    for level in (0.3, 0.75) if kind != "rails" else (0.35, 0.62, 0.9):
        rail = between(place.v, place.pixel_v, height * level - 0.05, height * level + 0.05)
        patch.paint(surface, label, rail, shade=0.85)
    local = np.mod(place.u, spacing) - spacing / 2
    tip = height - np.abs(local) * (0.8 if kind == "pickets" else 0)
    upright = between(local, place.pixel_u, -width / 2, width / 2) * inside(tip - place.v, place.pixel_v)
    patch.paint(surface, label.part_named("post"), upright)


def _fence_surface(rng: Rng, kind: str) -> Surface:
    if kind == "wall":
        return bricks(rng)
    if kind == "bars":
        return plain(hsv(0.4, 0.3, rng.uniform(0.08, 0.25)), "metal")
    if rng.random() < 0.4:
        return mottled(hsv(0.1, 0.03, 0.93), "wood", texture="grained", scale=0.3, amount=0.08)
    return wood(rng)
