"""Stage: the world in front of the camera. Flat patches, boxes, prisms and shadows, painted far to near."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from mereo.data.drawn.camera import Camera, cross
from mereo.data.drawn.canvas import Canvas
from mereo.data.drawn.labels import Label
from mereo.data.drawn.light import DayLight, Light, Vector, vector
from mereo.data.drawn.patterns import Place
from mereo.data.drawn.surfaces import Surface

UP = vector(0, 1, 0)


@dataclass(frozen=True)
class Frame:
    """Where an object stands and which way it faces: local (x right, y up, z ahead) in the world."""

    origin: Vector
    yaw: float = 0.0

    @property
    def right(self) -> Vector:
        return vector(np.cos(self.yaw), 0, -np.sin(self.yaw))

    @property
    def ahead(self) -> Vector:
        return vector(np.sin(self.yaw), 0, np.cos(self.yaw))

    def at(self, x: float, y: float, z: float) -> Vector:
        return self.origin + x * self.right + y * UP + z * self.ahead


@dataclass(frozen=True)
class Patch:
    """A visible flat piece of something: the pixels it covers, and where they lie on it."""

    stage: "Stage"
    left: int
    top: int
    alpha_HW: np.ndarray
    place: Place
    origin: Vector
    along_u: Vector
    along_v: Vector
    outward: Vector

    def coordinate(self, axis: int) -> np.ndarray | float:
        """Where the pixels lie in the world: x, y or z, one number if it is the same for all."""
        along_u, along_v = float(self.along_u[axis]), float(self.along_v[axis])
        place, start = self.place, np.float32(self.origin[axis])
        if along_u == 0 and along_v == 0:
            return float(start)
        if along_u == 0:
            return start + place.v * np.float32(along_v)
        return start + place.u * np.float32(along_u) + (place.v * np.float32(along_v) if along_v else np.float32(0))

    @cached_property
    def light(self) -> np.ndarray:
        return self.stage.light.on(self.outward, self)

    def _depth(self) -> np.ndarray:
        """How far the pixels are; one number where the haze could not tell them apart."""
        depth = self.place.depth
        nearest, farthest = depth.min(), depth.max()
        return depth if farthest - nearest > 0.02 * self.stage.light.haze_metres else np.asarray(nearest)

    def within(self, left: float, right: float, bottom: float, top: float) -> "Patch | None":
        """The patch's pixels around a rectangle of its plane, so that a detail costs no more than its own pixels."""
        corners_N2 = rectangle_outline(left, right, bottom, top)
        outline = self.stage.camera.outline(
            self.origin + corners_N2[:, :1] * self.along_u + corners_N2[:, 1:] * self.along_v
        )
        if outline is None:
            return None
        low, high = np.floor(outline.min(axis=0)) - 1, np.ceil(outline.max(axis=0)) + 1
        height, width = self.alpha_HW.shape
        first_row, last_row = max(int(low[1]) - self.top, 0), min(int(high[1]) - self.top, height)
        first_column, last_column = max(int(low[0]) - self.left, 0), min(int(high[0]) - self.left, width)
        if last_row <= first_row or last_column <= first_column:
            return None
        rows, columns = slice(first_row, last_row), slice(first_column, last_column)
        return replace(
            self,
            left=self.left + first_column,
            top=self.top + first_row,
            alpha_HW=self.alpha_HW[rows, columns],
            place=self.place.cropped(rows, columns),
        )

    def paint(
        self,
        surface: Surface,
        label: Label,
        where: np.ndarray | None = None,
        *,
        shade: np.ndarray | float | None = None,
        glow: float = 0.0,
    ) -> None:
        """Paint the patch, or the share `where` of it; `glow` is light of its own, from 0 (none) to 1 (a lamp)."""
        alpha_HW = self.alpha_HW if where is None else self.alpha_HW * where
        if alpha_HW.size > 1500:
            # Everything below works pixel by pixel, so only those that are covered need it.
            covered_P = np.flatnonzero(alpha_HW)
            if len(covered_P) < 0.7 * alpha_HW.size:
                shape = alpha_HW.shape
                if len(covered_P) == 0:
                    return
                if isinstance(shade, np.ndarray):
                    shade = np.broadcast_to(shade, shape).ravel().take(covered_P)
                points = replace(self, place=self.place.at(covered_P))
                rgb = points._lit(surface, shade, glow)
                row_P, column_P = covered_P // shape[1] + self.top, covered_P % shape[1] + self.left
                self.stage.canvas.paint_pixels(
                    row_P, column_P, alpha_HW.ravel().take(covered_P), rgb, label, surface.material, surface.texture
                )
                return
        rgb = self._lit(surface, shade, glow)
        self.stage.canvas.paint(self.left, self.top, alpha_HW, rgb, label, surface.material, surface.texture)

    def _lit(self, surface: Surface, shade: np.ndarray | float | None, glow: float) -> np.ndarray:
        rgb = surface.colour(self.place)
        light = self.light if glow == 0 else self.light + (1 - self.light) * np.float32(glow)
        rgb = rgb * light
        if shade is not None:
            rgb = rgb * np.asarray(shade, dtype=np.float32)[..., None]
        if self.stage.light.haze_metres < 1e6:
            haze = 1 - np.exp(-self._depth() / np.float32(self.stage.light.haze_metres))
            rgb = rgb + (self.stage.light.haze_rgb - rgb) * np.asarray(haze)[..., None]
        return rgb


@dataclass
class Stage:
    canvas: Canvas
    camera: Camera
    light: Light
    num_things: int = field(default=0)

    def new_thing(self, object_name: str) -> Label:
        self.num_things += 1
        return Label(object_name, instance=self.num_things)

    def distance(self, point: Vector) -> float:
        return float(np.linalg.norm(point - self.camera.position))

    def patch(self, origin: Vector, along_u: Vector, along_v: Vector, outline_N2: np.ndarray) -> Patch | None:
        """A polygon given in metres on a plane; `along_u` and `along_v` are unit vectors. None if it is not seen."""
        outline_N2 = np.asarray(outline_N2, dtype=np.float64)
        pixels_N2 = self.camera.outline(origin + outline_N2[:, :1] * along_u + outline_N2[:, 1:] * along_v)
        normal = cross(along_u, along_v)
        toward = float(normal @ (self.camera.position - origin))
        if pixels_N2 is None or abs(toward) < 1e-3:
            return None
        # What is smaller than a pixel both ways leaves no trace worth its time.
        if float((pixels_N2.max(axis=0) - pixels_N2.min(axis=0)).max()) < 0.9:
            return None
        found = self.canvas.coverage(pixels_N2)
        if found is None:
            return None
        left, top, alpha_HW = found
        place = self.camera.place(origin, along_u, along_v, left, top, alpha_HW.shape)
        return Patch(self, left, top, alpha_HW, place, origin, along_u, along_v, normal if toward > 0 else -normal)

    def billboard(self, origin: Vector, outline_N2: np.ndarray) -> Patch | None:
        """An upright polygon that faces the camera: u to the right of the image, v up, (0, 0) at `origin`."""
        return self.patch(origin, self.camera.right, UP, outline_N2)

    def ground(self, outline_N2: np.ndarray, *, height: float = 0.0) -> Patch | None:
        """A level polygon in world (x, z)."""
        return self.patch(vector(0, height, 0), vector(1, 0, 0), vector(0, 0, 1), outline_N2)

    def box(
        self, frame: Frame, low: tuple[float, float, float], high: tuple[float, float, float],
        surface: Surface, label: Label, *, top: Surface | None = None, glow: float = 0.0,
    ) -> None:  # fmt: skip
        """A box in a frame's local coordinates; only the sides that face the camera. `top`: another surface above."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        right, ahead = frame.right, frame.ahead
        upright = y1 - y0 > max(x1 - x0, z1 - z0)
        sides = (
            (frame.at(x0, y0, z0), ahead, UP, z1 - z0, y1 - y0, -right),
            (frame.at(x1, y0, z0), ahead, UP, z1 - z0, y1 - y0, right),
            (frame.at(x0, y0, z0), right, UP, x1 - x0, y1 - y0, -ahead),
            (frame.at(x0, y0, z1), right, UP, x1 - x0, y1 - y0, ahead),
            (frame.at(x0, y0, z0), right, ahead, x1 - x0, z1 - z0, -UP),
            (frame.at(x0, y1, z0), right, ahead, x1 - x0, z1 - z0, UP),
        )
        for index, (origin, along_u, along_v, length, breadth, outward) in enumerate(sides):
            if outward @ (self.camera.position - origin) <= 0:
                continue
            if upright and index < 4:  # Grain runs along the longest edge, so u does.
                along_u, along_v, length, breadth = along_v, along_u, breadth, length
            patch = self.patch(origin, along_u, along_v, rectangle_outline(0, length, 0, breadth))
            if patch is not None:
                patch.paint(top if top is not None and index == 5 else surface, label, glow=glow)

    def cast_shadow(self, footprint_N2: np.ndarray, height: float, *, softness_metres: float = 0.12) -> None:
        """The shadow of a body over a footprint in world (x, z); indoors only where it touches the floor."""
        if isinstance(self.light, DayLight):
            sun = self.light.to_sun
            shift = -height * sun[[0, 2]] / max(float(sun[1]), 0.2)
            # A footprint shrinks upwards in most bodies, so its far end is a little smaller.
            centre = footprint_N2.mean(axis=0)
            points_N2 = hull(np.concatenate([footprint_N2, centre + 0.8 * (footprint_N2 - centre) + shift]))
            strength = self.light.shadow_strength
        else:
            points_N2, strength = footprint_N2, 0.45
        points_N3 = np.stack([points_N2[:, 0], np.zeros(len(points_N2)), points_N2[:, 1]], axis=1)
        outline = self.camera.outline(points_N3)
        if outline is None:
            return
        metres = max(self.distance(points_N3.mean(axis=0)), 1.0)
        focal_pixels = self.camera.focal_pixels
        softness_pixels = min(softness_metres * focal_pixels / metres, 0.04 * focal_pixels)
        self.canvas.shade_ground(outline, strength=strength, softness_pixels=softness_pixels)


def rectangle_outline(left: float, right: float, bottom: float, top: float) -> np.ndarray:
    return np.array([[left, bottom], [right, bottom], [right, top], [left, top]])


def ellipse_outline(u: float, v: float, radius_u: float, radius_v: float, *, corners: int = 20) -> np.ndarray:
    angle = np.arange(corners) * 2 * np.pi / corners
    return np.stack([u + radius_u * np.cos(angle), v + radius_v * np.sin(angle)], axis=1)


def limb_outline(
    first: tuple[float, float], second: tuple[float, float], radius: float, end_radius: float | None = None
) -> np.ndarray:
    """A bar with round ends: arms, legs, tails, branches."""
    start, end = np.array(first), np.array(second)
    direction = np.arctan2(*(end - start)[::-1])
    angle = np.linspace(np.pi / 2, 3 * np.pi / 2, 6) + direction
    round_N2 = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.concatenate([start + radius * round_N2, end - (radius if end_radius is None else end_radius) * round_N2])


def footprint(frame: Frame, low_x: float, high_x: float, low_z: float, high_z: float) -> np.ndarray:
    corners = [frame.at(x, 0, z) for x, z in ((low_x, low_z), (high_x, low_z), (high_x, high_z), (low_x, high_z))]
    return np.array(corners)[:, [0, 2]]


def hull(points_N2: np.ndarray) -> np.ndarray:
    """The convex hull, counter-clockwise (Andrew's monotone chain)."""
    ordered = sorted({(float(x), float(y)) for x, y in points_N2})
    if len(ordered) < 3:
        return np.array(ordered)

    def half(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        chain: list[tuple[float, float]] = []
        for x, y in points:
            while len(chain) > 1 and (chain[-1][0] - chain[-2][0]) * (y - chain[-2][1]) <= (
                (chain[-1][1] - chain[-2][1]) * (x - chain[-2][0])
            ):
                chain.pop()
            chain.append((x, y))
        return chain[:-1]

    return np.array(half(ordered) + half(ordered[::-1]))
