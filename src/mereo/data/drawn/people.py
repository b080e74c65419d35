"""People: upright figures that stand, walk or wave, in patterned clothes."""

from collections.abc import Callable

import numpy as np

from mereo.data.drawn.colours import Rng, cloth_colour, hair_colour, hsv, skin_colour
from mereo.data.drawn.light import Vector
from mereo.data.drawn.stage import Stage, ellipse_outline, limb_outline
from mereo.data.drawn.surfaces import Surface, fabric, mottled, plain

# Outline, surface and name of a part.
DrawPart = Callable[[np.ndarray, Surface, str], None]


def draw_person(stage: Stage, rng: Rng, feet: Vector, *, height: float | None = None) -> None:
    height = rng.uniform(1.5, 1.9) if height is None else height
    label, scale = stage.new_thing("person"), height / 1.75
    skin = plain(skin_colour(rng), "skin")
    shirt = fabric(rng, period=rng.uniform(0.09, 0.16) * scale)
    trousers = mottled(cloth_colour(rng) * 0.75, "fabric", scale=0.2, amount=0.1)
    shoes = plain(hsv(rng.random(), 0.3, rng.uniform(0.1, 0.5)), "rubber")
    is_skirted, has_short_sleeves, is_walking = rng.random() < 0.25, rng.random() < 0.4, rng.random() < 0.65
    side = 1.0 if rng.random() < 0.5 else -1.0
    stride = rng.uniform(0.12, 0.24) if is_walking else 0.07
    width = rng.uniform(0.88, 1.12)
    lamp_side = 0.14 * side

    def part(outline_N2: np.ndarray, surface: Surface, name: str) -> None:
        patch = stage.billboard(feet, outline_N2 * scale)
        if patch is None:
            return
        # Bodies are round: the side away from the light is darker.
        low, high = outline_N2[:, 0].min() * scale, outline_N2[:, 0].max() * scale
        across_HW = (2 * patch.place.u - low - high) / max(high - low, 0.05)
        patch.paint(surface, label.part_named(name), shade=1.06 - 0.2 * across_HW**2 + lamp_side * across_HW)

    _draw_arm(part, rng, shirt, skin, has_short_sleeves, shoulder=-side * 0.19 * width, swing=-side * stride)
    # A small figure needs no knees, hands and fringe.
    is_small = stage.camera.focal_pixels * height < 38 * stage.distance(feet)
    for foot, is_near in ((-side * stride, False), (side * stride, True)):
        hip = 0.075 * side * (1 if is_near else -1)
        knee = ((hip + foot) / 2 + 0.03 * side, 0.48)
        cover = skin if is_skirted else trousers
        if is_small:
            part(limb_outline((hip, 0.88), (foot, 0.05), 0.085 * width, 0.055), cover, "leg")
            continue
        part(limb_outline((hip, 0.88), knee, 0.088 * width, 0.068), cover, "leg")
        part(limb_outline(knee, (foot, 0.1), 0.068, 0.05), cover, "leg")
        part(limb_outline((foot, 0.045), (foot + 0.11 * side, 0.04), 0.045, 0.035), shoes, "leg")
    torso = np.array([[-0.15, 0.84], [0.15, 0.84], [0.16, 1.0], [0.21, 1.36], [0.15, 1.44], [0.05, 1.47]])
    torso = np.concatenate([torso, torso[::-1] * [-1, 1]]) * [width, 1]
    if is_skirted:
        flare = np.array([[-0.26, 0.5], [0.26, 0.5], [0.15, 0.98], [-0.15, 0.98]]) * [width, 1]
        part(flare, shirt if rng.random() < 0.5 else trousers, "torso")
    part(torso, shirt, "torso")
    _draw_arm(part, rng, shirt, skin, has_short_sleeves, shoulder=side * 0.19 * width, swing=side * stride)
    _draw_head(part, rng, skin, side)


def _draw_arm(
    part: DrawPart, rng: Rng, shirt: Surface, skin: Surface, has_short_sleeves: bool, *, shoulder: float, swing: float
) -> None:
    is_raised = rng.random() < 0.08
    elbow = (shoulder * 1.35 + 0.3 * swing, 1.12)
    hand = (shoulder * 1.3 + 1.1 * swing, 0.86)
    if is_raised:
        elbow, hand = (shoulder * 1.9, 1.42), (shoulder * 2.0, 1.7)
    part(limb_outline(elbow, hand, 0.045, 0.036), skin if has_short_sleeves else shirt, "arm")
    part(limb_outline((shoulder, 1.38), elbow, 0.06, 0.048), shirt, "arm")
    part(ellipse_outline(hand[0], hand[1] - 0.02, 0.045, 0.055, corners=10), skin, "arm")


def _draw_head(part: DrawPart, rng: Rng, skin: Surface, side: float) -> None:
    hair = mottled(hair_colour(rng), "hair", texture="grained", scale=0.06, amount=0.35)
    style = rng.choice(["short", "long", "hat", "bald"], p=[0.5, 0.28, 0.14, 0.08])
    if style == "long":
        part(ellipse_outline(-0.015 * side, 1.55, 0.125, 0.19), hair, "head")
    part(limb_outline((0, 1.42), (0, 1.52), 0.05), skin, "head")
    if style != "bald":
        part(ellipse_outline(-0.015 * side, 1.645, 0.108, 0.122), hair, "head")
    part(ellipse_outline(0.02 * side, 1.605, 0.088, 0.112), skin, "head")
    if style == "hat":
        felt = plain(cloth_colour(rng), "fabric")
        part(np.array([[-0.16, 1.66], [0.16, 1.66], [0.15, 1.685], [-0.15, 1.685]]), felt, "head")
        part(np.array([[-0.1, 1.68], [0.1, 1.68], [0.085, 1.79], [-0.085, 1.79]]), felt, "head")
    elif style != "bald":
        fringe = ellipse_outline(-0.01 * side, 1.68, 0.1, 0.06, corners=14)
        part(fringe, hair, "head")
