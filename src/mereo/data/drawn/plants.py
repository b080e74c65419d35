"""Trees, bushes and pot plants: crowns are heaps of soft balls with an edge of leaves."""

import numpy as np

from mereo.data.drawn.colours import Rng, hsv, leaf_colour, pick, vary
from mereo.data.drawn.labels import Label
from mereo.data.drawn.light import DayLight, Vector
from mereo.data.drawn.noise import noise
from mereo.data.drawn.patterns import inside
from mereo.data.drawn.stage import Stage, limb_outline, rectangle_outline
from mereo.data.drawn.surfaces import leaves, mottled, patterned


def draw_tree(stage: Stage, rng: Rng, foot: Vector, *, height: float, shape: str, leaf_rgb: np.ndarray) -> None:
    """`shape`: round, conifer or poplar."""
    label = Label("tree")
    bark = mottled(
        pick(rng, (0.07, 0.45, 0.34), (0.08, 0.25, 0.45), (0.06, 0.5, 0.24)),
        "wood",
        texture="grained",
        scale=0.12,
        amount=0.4,
    )
    lean, girth = rng.uniform(-0.04, 0.04) * height, height * rng.uniform(0.018, 0.03)
    clear = {"round": 0.3, "conifer": 0.1, "poplar": 0.12}[shape] * rng.uniform(0.8, 1.2) * height
    trunk = stage.billboard(
        foot,
        np.array(
            [[-girth * 1.5, 0], [girth * 1.5, 0], [lean + girth * 0.6, clear * 2], [lean - girth * 0.6, clear * 2]]
        ),
    )
    if trunk is not None:
        trunk.paint(bark, label.part_named("trunk"), shade=1.1 - 0.25 * np.clip(trunk.place.u / girth, -2, 2))
    balls_N3 = _crown_balls(rng, shape, clear, height, lean)
    _draw_crown(stage, rng, foot, balls_N3, leaf_rgb, label.part_named("crown"))


def _crown_balls(rng: Rng, shape: str, low: float, high: float, lean: float) -> np.ndarray:
    """(u, v, radius) of each ball."""
    extent = high - low
    if shape == "conifer":
        share = np.linspace(0.0, 1.0, 7)
        radius = 0.2 * extent * (1 - share) * rng.uniform(0.85, 1.1) + 0.03 * extent
        jitter = rng.uniform(-0.06, 0.06, 7) * extent * (1 - share)
        return np.stack([lean + jitter, low + 0.08 * extent + share * 0.86 * extent, radius], axis=1)
    if shape == "poplar":
        share = np.linspace(0.0, 1.0, 6)
        radius = extent * (0.1 + 0.05 * np.sin(np.pi * share)) * rng.uniform(0.9, 1.1, 6)
        return np.stack(
            [lean + rng.uniform(-0.02, 0.02, 6) * extent, low + extent * (0.12 + 0.78 * share), radius], axis=1
        )
    count = int(rng.integers(6, 10))
    angle, reach = rng.uniform(0, 2 * np.pi, count), np.sqrt(rng.uniform(0.1, 1, count))
    wide, tall = extent * rng.uniform(0.26, 0.4), extent * 0.28
    return np.stack(
        [
            lean + wide * reach * np.cos(angle),
            low + 0.52 * extent + tall * reach * np.sin(angle),
            extent * rng.uniform(0.16, 0.25, count),
        ],
        axis=1,
    )


def _draw_crown(stage: Stage, rng: Rng, foot: Vector, balls_N3: np.ndarray, leaf_rgb: np.ndarray, label: Label) -> None:
    radii_N1 = balls_N3[:, 2:] * 1.35
    low, high = (balls_N3[:, :2] - radii_N1).min(axis=0), (balls_N3[:, :2] + radii_N1).max(axis=0)
    patch = stage.billboard(foot, rectangle_outline(low[0], high[0], low[1], high[1]))
    if patch is None:
        return
    size = float(high[1] - low[1])
    u, v = patch.place.u, patch.place.v
    toward_light = np.array([0.2, 0.9])
    if isinstance(stage.light, DayLight):
        toward_light = np.array([float(stage.light.to_sun @ stage.camera.right), 0.8])
    depth_HW = np.full(u.shape, -np.inf, dtype=np.float32)
    lit_HW = np.zeros(u.shape, dtype=np.float32)
    for ball_u, ball_v, radius in balls_N3[rng.permutation(len(balls_N3))]:
        du, dv = (u - ball_u) / radius, (v - ball_v) / radius
        here_HW = (1 - np.sqrt(du**2 + dv**2)) * radius
        nearer_HW = here_HW > depth_HW
        depth_HW = np.where(nearer_HW, here_HW, depth_HW)
        lit_HW = np.where(nearer_HW, toward_light[0] * du + toward_light[1] * dv, lit_HW)
    shift = rng.uniform(0, 90)
    ragged_HW = noise(u + shift, v, scale=size * 0.09, pixel=patch.place.finest) - 0.5
    edge_HW = inside(depth_HW + ragged_HW * size * 0.16, patch.place.pixel)
    height_HW = (v - low[1]) / size
    shade = np.clip(0.62 + 0.3 * lit_HW + 0.35 * height_HW, 0.3, 1.35)
    patch.paint(leaves(leaf_rgb, scale=size * 0.06, shift=shift), label, edge_HW, shade=shade)


def draw_bush(stage: Stage, rng: Rng, foot: Vector, *, height: float, leaf_rgb: np.ndarray) -> None:
    count = int(rng.integers(3, 6))
    width = height * rng.uniform(0.5, 1.0)
    balls_N3 = np.stack(
        [
            rng.uniform(-width, width, count),
            height * rng.uniform(0.25, 0.6, count),
            height * rng.uniform(0.3, 0.45, count),
        ],
        axis=1,
    )
    _draw_crown(stage, rng, foot, balls_N3, leaf_rgb, Label("plant", part="foliage"))


def draw_pot_plant(stage: Stage, rng: Rng, foot: Vector, *, height: float) -> None:
    label, leaf_rgb = Label("plant"), leaf_colour(rng)
    pot_height, radius = height * rng.uniform(0.24, 0.36), height * rng.uniform(0.13, 0.2)
    clay = hsv(rng.uniform(0.02, 0.07), 0.6, 0.65) if rng.random() < 0.5 else hsv(rng.random(), 0.3, 0.8)
    count, spread = int(rng.integers(9, 15)), rng.uniform(0.4, 1.1)
    for index in range(count):
        angle = (index / (count - 1) - 0.5) * 2 * spread + rng.normal(0, 0.12)
        length = (height - pot_height) * rng.uniform(0.7, 1.0)
        root = np.array([rng.uniform(-0.4, 0.4) * radius, pot_height * 0.95])
        direction = np.array([np.sin(angle), np.cos(angle)])
        across = np.array([direction[1], -direction[0]])
        along = np.linspace(0, 1, 6)[:, None]
        middle_N2 = root + length * along * direction - np.array([0.0, 0.35]) * along**2 * length * abs(np.sin(angle))
        breadth_N1 = length * rng.uniform(0.08, 0.15) * np.sin(np.pi * along**0.8)
        patch = stage.billboard(
            foot, np.concatenate([middle_N2 + breadth_N1 * across, (middle_N2 - breadth_N1 * across)[::-1]])
        )
        if patch is not None:
            fold = 0.75 + 0.4 * (patch.place.v - pot_height) / (height - pot_height) + rng.uniform(-0.12, 0.12)
            patch.paint(leaves(vary(rng, leaf_rgb, 0.1), scale=0.05), label.part_named("foliage"), shade=fold)
    pot = stage.billboard(
        foot, np.array([[-radius * 0.75, 0], [radius * 0.75, 0], [radius, pot_height], [-radius, pot_height]])
    )
    if pot is not None:
        pot.paint(
            patterned(rng, clay, "ceramic", period=pot_height * 0.4),
            label.part_named("pot"),
            shade=1.08 - 0.25 * (pot.place.u / radius + 0.3) ** 2,
        )
    rim = stage.billboard(foot, limb_outline((-radius, pot_height), (radius, pot_height), height * 0.016))
    if rim is not None:
        rim.paint(mottled(clay * 0.9, "ceramic", scale=0.2), label.part_named("pot"))
