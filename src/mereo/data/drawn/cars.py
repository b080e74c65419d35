"""Cars: a side profile drawn out to a body, with wheels, glass, lights and doors."""

from dataclasses import dataclass

import numpy as np

from mereo.data.drawn.camera import cross
from mereo.data.drawn.colours import Rng, car_paint, hsv
from mereo.data.drawn.labels import Label
from mereo.data.drawn.light import DayLight
from mereo.data.drawn.patterns import between, ellipse, rectangle
from mereo.data.drawn.stage import UP, Frame, Patch, Stage, ellipse_outline, rectangle_outline
from mereo.data.drawn.surfaces import Surface, glass, mottled, plain


@dataclass(frozen=True)
class CarShape:
    """Half a body as corners (z, y) from the lower front corner over the roof to the lower rear one.

    Edge i joins corners i and i + 1; `glass_edges` are wind and rear screens, `pane` the side windows' outline.
    """

    corners: tuple[tuple[float, float], ...]
    glass_edges: tuple[int, ...]
    pane: tuple[tuple[float, float], ...]
    share: float


# fmt: off
SHAPES = (
    CarShape(  # A saloon.
        ((2.15, 0.3), (2.2, 0.62), (2.0, 0.8), (1.0, 0.93), (0.35, 1.4),
         (-0.95, 1.42), (-1.55, 1.0), (-2.1, 0.94), (-2.2, 0.6), (-2.15, 0.3)),
        (3, 5), ((0.86, 0.95), (0.34, 1.33), (-0.92, 1.35), (-1.38, 0.99)), 0.35,
    ),
    CarShape(  # A hatchback.
        ((1.85, 0.3), (1.92, 0.62), (1.72, 0.84), (0.95, 0.97), (0.35, 1.46),
         (-1.2, 1.47), (-1.75, 1.05), (-1.9, 0.6), (-1.85, 0.3)),
        (3, 5), ((0.82, 0.99), (0.34, 1.38), (-1.15, 1.39), (-1.5, 1.03)), 0.32,
    ),
    CarShape(  # A van.
        ((2.25, 0.32), (2.32, 0.7), (2.1, 1.0), (1.65, 1.15), (1.15, 1.9),
         (0.9, 2.0), (-2.3, 2.0), (-2.4, 0.7), (-2.35, 0.32)),
        (3,), ((1.52, 1.15), (1.14, 1.75), (0.35, 1.75), (0.35, 1.12)), 0.13,
    ),
    CarShape(  # A jeep.
        ((2.05, 0.42), (2.1, 0.85), (1.95, 1.02), (0.95, 1.1), (0.6, 1.68),
         (-1.8, 1.7), (-2.0, 1.1), (-2.08, 0.85), (-2.05, 0.42)),
        (3, 5), ((0.84, 1.12), (0.57, 1.6), (-1.72, 1.62), (-1.84, 1.12)), 0.2,
    ),
)
# fmt: on
HALF_WIDTH = 0.86


def draw_car(stage: Stage, rng: Rng, frame: Frame) -> None:
    """The frame's z axis points where the car drives to."""
    label = stage.new_thing("car")
    shape = SHAPES[int(rng.choice(len(SHAPES), p=[one.share for one in SHAPES]))]
    corners_N2, rgb = np.array(shape.corners), car_paint(rng)
    body = mottled(rgb, "metal", scale=1.2, amount=0.05)
    sky_rgb = stage.light.sky_top_rgb if isinstance(stage.light, DayLight) else hsv(0.6, 0.1, 0.8)
    window = glass(rng, sky_rgb, height=0.9)
    radius = 0.4 if corners_N2[0, 1] > 0.4 else 0.33
    axles = (float(corners_N2[:, 0].max()) - 0.78, float(corners_N2[:, 0].min()) + 0.76)
    seen_from = stage.camera.position - frame.origin
    side = 1.0 if seen_from @ frame.right > 0 else -1.0
    _draw_tyres(stage, frame, label, axles, radius)
    _draw_hull(stage, rng, frame, label, corners_N2, shape.glass_edges, body, window)
    _draw_side(stage, rng, frame, label, corners_N2, np.array(shape.pane), axles, radius, side, body, window)


def _draw_tyres(stage: Stage, frame: Frame, label: Label, axles: tuple[float, float], radius: float) -> None:
    """What shows of the tyres below the bumper that faces the camera."""
    if stage.distance(frame.origin) > 30:
        return
    rubber = plain(hsv(0.0, 0.0, 0.07), "rubber")
    faces_front = (stage.camera.position - frame.origin) @ frame.ahead > 0
    z = axles[0] + radius if faces_front else axles[1] - radius
    for x in (-HALF_WIDTH, HALF_WIDTH - 0.22):
        patch = stage.patch(frame.at(0, 0, z), frame.right, UP, rectangle_outline(x, x + 0.22, 0.02, radius * 1.5))
        if patch is not None:
            patch.paint(rubber, label.part_named("wheel"))


def _draw_hull(
    stage: Stage, rng: Rng, frame: Frame, label: Label, corners_N2: np.ndarray,
    glass_edges: tuple[int, ...], body: Surface, window: Surface,
) -> None:  # fmt: skip
    """The strips between the two sides, those that face the camera, far ones first."""
    strips = []
    for index in range(len(corners_N2) - 1):
        (z0, y0), (z1, y1) = corners_N2[index], corners_N2[index + 1]
        length = float(np.hypot(z1 - z0, y1 - y0))
        along = ((y1 - y0) * UP + (z1 - z0) * frame.ahead) / length
        origin = frame.at(-HALF_WIDTH, float(y0), float(z0))
        outward = cross(frame.right, along)
        if outward @ (stage.camera.position - origin) > 0:
            strips.append((stage.distance(origin + along * length / 2), index, origin, along, length))
    for _, index, origin, along, length in sorted(strips, key=lambda strip: -strip[0]):
        is_glass = index in glass_edges
        taper = 0.1 if is_glass else 0.0
        outline = np.array([[0, 0], [2 * HALF_WIDTH, 0], [2 * HALF_WIDTH, length], [0, length]])
        patch = stage.patch(origin, frame.right, along, outline)
        if patch is None:
            continue
        patch.paint(body, label.part_named("body"))
        if is_glass:
            patch.paint(
                window,
                label.part_named("window"),
                rectangle(patch.place, taper, 2 * HALF_WIDTH - taper, 0.04, length - 0.05),
            )
        elif index in (0, 1, len(corners_N2) - 2, len(corners_N2) - 3) and abs(float(along[1])) > 0.5:
            _draw_bumper(patch, rng, label, length, is_front=index < 3)


def _draw_bumper(patch: Patch, rng: Rng, label: Label, length: float, *, is_front: bool) -> None:
    width, place = 2 * HALF_WIDTH, patch.place
    if is_front:
        patch.paint(
            plain(hsv(0.0, 0.0, 0.1), "metal"),
            label.part_named("body"),
            rectangle(place, 0.5, width - 0.5, 0.06, length - 0.05),
        )
    lamp = plain(hsv(0.14, 0.1, 0.98) if is_front else hsv(0.0, 0.85, 0.8), "glass")
    for left in (0.06, width - 0.4):
        patch.paint(
            lamp, label.part_named("light"), rectangle(place, left, left + 0.34, length * 0.45, length - 0.02), glow=0.5
        )
    plate = plain(hsv(0.13, 0.05 if is_front else 0.5, 0.95), "metal")
    patch.paint(
        plate,
        label.part_named("body"),
        rectangle(place, width / 2 - 0.24, width / 2 + 0.24, length * 0.12, length * 0.12 + 0.11),
    )


def _draw_side(
    stage: Stage, rng: Rng, frame: Frame, label: Label, corners_N2: np.ndarray, pane_N2: np.ndarray,
    axles: tuple[float, float], radius: float, side: float, body: Surface, window: Surface,
) -> None:  # fmt: skip
    origin = frame.at(side * HALF_WIDTH, 0, 0)
    patch = stage.patch(origin, frame.ahead, UP, corners_N2)
    if patch is None:
        return
    place = patch.place
    gleam_HW = 0.9 + 0.25 * np.clip((place.v - 0.35) / 0.6, 0, 1) - 0.3 * np.clip((0.5 - place.v) / 0.25, 0, 1)
    patch.paint(body, label.part_named("body"), shade=gleam_HW)
    front, rear = float(pane_N2[:, 0].max()) - 0.05, float(pane_N2[:, 0].min()) + 0.1
    middle = (front + rear) / 2
    outside_arches = between(place.v, place.pixel_v, 0.36, float(pane_N2[:, 1].min()) - 0.02)
    for axle in axles:
        outside_arches = outside_arches * (1 - ellipse(place, axle, radius, radius * 1.2, radius * 1.2))
    doors = ((rear, middle), (middle, front)) if front - rear > 1.4 else ((rear, front),)
    for low, high in doors:
        patch.paint(
            body, label.part_named("door"), rectangle(place, low, high, 0.3, 3.0) * outside_arches, shade=gleam_HW
        )
        # Gap and handle are thin and dark; they belong to the door.
        line = between(place.u, place.pixel_u, low - 0.012, low + 0.012)
        handle = rectangle(place, low + 0.06, low + 0.24, 0.78, 0.82)
        dark = plain(hsv(0.0, 0.0, 0.12), "metal")
        patch.paint(dark, label.part_named("door"), np.maximum(line * 0.45, handle) * outside_arches)
    lamp_v = float(corners_N2[1, 1])
    ends = ((corners_N2[:, 0].max(), hsv(0.13, 0.1, 0.95)), (corners_N2[:, 0].min(), hsv(0.0, 0.85, 0.7)))
    for end, lamp_rgb in ends:
        lamp = ellipse(place, float(end), lamp_v, 0.22, 0.09)
        patch.paint(plain(lamp_rgb, "glass"), label.part_named("light"), lamp, glow=0.3)
    pane = stage.patch(origin, frame.ahead, UP, pane_N2)
    if pane is not None:
        pillar = between(pane.place.u, pane.place.pixel_u, middle - 0.04, middle + 0.04)
        pane.paint(window, label.part_named("window"), (1 - pillar) if len(doors) > 1 else None)
    _draw_wheels(stage, rng, frame, label, axles, radius, side)


def _draw_wheels(
    stage: Stage, rng: Rng, frame: Frame, label: Label, axles: tuple[float, float], radius: float, side: float
) -> None:
    rubber, rim = plain(hsv(0.0, 0.0, 0.08), "rubber"), plain(hsv(0.6, 0.03, rng.uniform(0.45, 0.8)), "metal")
    spokes, turn = int(rng.integers(4, 8)), rng.uniform(0, 6)
    origin = frame.at(side * (HALF_WIDTH + 0.01), 0, 0)
    for axle in axles:
        wheel = stage.patch(origin, frame.ahead, UP, ellipse_outline(axle, radius, radius, radius))
        if wheel is None:
            continue
        place, part = wheel.place, label.part_named("wheel")
        wheel.paint(rubber, part)
        angle_HW = np.arctan2(place.v - radius, place.u - axle)
        spoke_HW = 0.72 + 0.28 * np.sign(np.cos(spokes * angle_HW + turn))
        wheel.paint(rim, part, ellipse(place, axle, radius, radius * 0.62, radius * 0.62), shade=spoke_HW)
        wheel.paint(rim, part, ellipse(place, axle, radius, radius * 0.15, radius * 0.15))
