"""Animals seen from the side: cows, sheep, horses, dogs and cats."""

from dataclasses import dataclass

import numpy as np

from mereo.data.drawn.colours import Rng, hsv, pick
from mereo.data.drawn.light import Vector
from mereo.data.drawn.stage import Stage, ellipse_outline, limb_outline
from mereo.data.drawn.surfaces import Surface, blotches, mottled, plain


@dataclass(frozen=True)
class Build:
    """Proportions of a kind, in metres for a grown one."""

    length: float
    belly: float
    leg: float
    thickness: float
    neck: tuple[float, float]
    head: tuple[float, float]
    tail: tuple[float, float]
    ear: float


BUILDS = {
    "cow": Build(1.75, 0.42, 0.66, 0.085, (0.32, 0.18), (0.34, 0.17), (-0.08, -0.75), 0.1),
    "sheep": Build(0.95, 0.33, 0.36, 0.05, (0.16, 0.14), (0.2, 0.1), (-0.06, -0.18), 0.07),
    "horse": Build(1.7, 0.36, 0.86, 0.075, (0.42, 0.62), (0.4, 0.13), (-0.2, -0.7), 0.09),
    "dog": Build(0.62, 0.14, 0.3, 0.04, (0.12, 0.2), (0.16, 0.085), (-0.22, 0.2), 0.06),
    "cat": Build(0.4, 0.09, 0.16, 0.024, (0.05, 0.1), (0.07, 0.066), (-0.2, 0.22), 0.035),
}


def draw_animal(stage: Stage, rng: Rng, feet: Vector, kind: str, *, scale: float | None = None) -> None:
    build, label = BUILDS[kind], stage.new_thing("animal")
    scale = rng.uniform(0.9, 1.2) if scale is None else scale
    coat, dark = _coat(rng, kind, scale)
    side = 1.0 if rng.random() < 0.5 else -1.0
    half, back = build.length / 2, build.leg + 2 * build.belly
    is_grazing = kind in ("cow", "sheep", "horse") and rng.random() < 0.45

    def part(outline_N2: np.ndarray, surface: Surface, name: str, *, dim: float = 1.0) -> None:
        patch = stage.billboard(feet, outline_N2 * [side * scale, scale])
        if patch is not None:
            height_HW = patch.place.v / (back * scale)
            patch.paint(surface, label.part_named(name), shade=dim * np.clip(0.68 + 0.42 * height_HW, 0.5, 1.1))

    step = rng.uniform(0.02, 0.12) * build.length
    for x in (-half * 0.72, half * 0.72):  # The far pair of legs, darker.
        part(
            limb_outline((x, build.leg + build.belly), (x + step, 0.03), build.thickness * 1.3, build.thickness * 0.8),
            coat,
            "leg",
            dim=0.7,
        )
    root = (-half * 0.98, build.leg + 1.6 * build.belly)
    tip = (root[0] + build.tail[0], root[1] + build.tail[1] * (rng.uniform(0.5, 1) if build.tail[1] > 0 else 1))
    part(
        limb_outline(root, tip, build.thickness * 0.55, build.thickness * 0.35),
        dark if kind == "horse" else coat,
        "tail",
    )
    bulk = ellipse_outline(0, build.leg + build.belly, half * 1.06, build.belly, corners=24)
    # Between an ellipse and a box: backs are nearly straight.
    bulk[:, 1] = (
        build.leg
        + build.belly
        + build.belly
        * np.sign(bulk[:, 1] - build.leg - build.belly)
        * np.abs((bulk[:, 1] - build.leg - build.belly) / build.belly) ** 0.7
    )
    part(bulk, coat, "torso")
    for x in (-half * 0.82, half * 0.8):
        part(
            limb_outline((x, build.leg + build.belly * 0.8), (x - step, 0.03), build.thickness * 1.5, build.thickness),
            coat,
            "leg",
        )
        part(limb_outline((x - step - 0.02, 0.03), (x - step + 0.03, 0.03), build.thickness), dark, "leg")
    shoulder = (half * 0.82, build.leg + 1.45 * build.belly)
    poll = (shoulder[0] + build.neck[0], shoulder[1] + build.neck[1])
    if is_grazing:
        poll = (shoulder[0] + build.neck[0] * 1.5, max(build.leg * 0.55, 0.2))
    part(limb_outline(shoulder, poll, build.belly * 0.6, build.head[1] * 0.85), coat, "torso")
    muzzle = (poll[0] + build.head[0] * 0.8, poll[1] - build.head[0] * (0.75 if is_grazing else 0.35))
    face = dark if kind == "sheep" and rng.random() < 0.5 else coat
    part(
        limb_outline(
            (poll[0] - build.ear, poll[1] + build.head[1] * 0.5),
            (poll[0] - build.ear * 1.9, poll[1] + build.head[1] * 1.1),
            build.ear * 0.5,
        ),
        dark,
        "head",
    )
    part(limb_outline(poll, muzzle, build.head[1], build.head[1] * 0.6), face, "head")
    part(
        ellipse_outline(muzzle[0] + 0.02 * scale, muzzle[1], build.head[1] * 0.5, build.head[1] * 0.42, corners=10),
        dark,
        "head",
    )
    if kind in ("dog", "cat", "horse"):
        top = poll[1] + build.head[1] * 0.6
        ear = np.array(
            [
                [poll[0] - build.ear, top],
                [poll[0] + build.ear * 0.4, top],
                [poll[0] - build.ear * 0.4, top + build.ear * 1.6],
            ]
        )
        part(ear, dark, "head")


def _coat(rng: Rng, kind: str, scale: float) -> tuple[Surface, Surface]:
    """The coat, and the dark surface of hooves, muzzle and ears."""
    dark = plain(hsv(0.06, 0.35, rng.uniform(0.1, 0.25)), "hair")
    brown = pick(rng, (0.06, 0.6, 0.4), (0.07, 0.5, 0.58), (0.08, 0.45, 0.3), (0.0, 0.0, 0.16), (0.1, 0.3, 0.75))
    white = hsv(0.1, 0.06, rng.uniform(0.82, 0.95))
    if kind == "sheep":
        return mottled(white * rng.uniform(0.85, 1), "hair", texture="speckled", scale=0.12, amount=0.28), dark
    if kind == "cow" or (kind in ("dog", "cat") and rng.random() < 0.35):
        size = {"cow": 0.55, "dog": 0.25, "cat": 0.14}[kind] * scale
        return blotches(white, brown, "hair", scale=size, shift=rng.uniform(0, 90)), dark
    return mottled(brown, "hair", scale=0.3, amount=0.16, offset=rng.uniform(0, 90)), dark
