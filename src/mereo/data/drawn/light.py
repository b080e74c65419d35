"""Light: how bright and which colour a surface is, by where it lies and where it faces."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from mereo.data.drawn.colours import Rng, hsv, pick

Vector = np.ndarray


def vector(x: float, y: float, z: float) -> Vector:
    return np.array([x, y, z], dtype=np.float64)


class Plane(Protocol):
    """Where the pixels lie in the world."""

    def coordinate(self, axis: int) -> np.ndarray | float: ...


class Light(Protocol):
    @property
    def haze_metres(self) -> float: ...

    @property
    def haze_rgb(self) -> np.ndarray: ...

    def on(self, normal: Vector, plane: "Plane") -> np.ndarray:
        """The light, (3,) or (H, W, 3), on a plane whose outward normal is given."""
        ...


@dataclass(frozen=True)
class DayLight:
    """A sun, a sky that lights from all sides, and haze that swallows what is far."""

    to_sun: Vector
    sun_rgb: np.ndarray
    ambient_rgb: np.ndarray
    sky_top_rgb: np.ndarray
    sky_low_rgb: np.ndarray
    haze_metres: float
    clouds: float
    shadow_strength: float
    is_dusk: bool = False

    @property
    def haze_rgb(self) -> np.ndarray:
        return self.sky_low_rgb

    def on(self, normal: Vector, plane: Plane) -> np.ndarray:
        facing = max(float(normal @ self.to_sun), 0.0)
        upward = 0.85 + 0.15 * float(normal[1])
        light = (self.ambient_rgb * upward + self.sun_rgb * facing).astype(np.float32)
        height = plane.coordinate(1)
        if not isinstance(height, np.ndarray) or float(height.min()) > 2.5:
            return light
        # Less of the sky is seen from close to the ground.
        near_ground_HW = 1 - np.float32(0.28 * (1 - abs(float(normal[1])))) * np.exp(
            np.clip(height, 0, 4) * np.float32(-2.2)
        )
        return light * near_ground_HW[..., None]


@dataclass(frozen=True)
class RoomLight:
    """Some lamps and windows as points with a strength each; no haze."""

    ambient_rgb: np.ndarray
    points: tuple[tuple[Vector, np.ndarray], ...] = ()
    haze_metres: float = 1e9
    haze_rgb: np.ndarray = field(default_factory=lambda: np.zeros(3, dtype=np.float32))

    def on(self, normal: Vector, plane: Plane) -> np.ndarray:
        light = self.ambient_rgb.astype(np.float32)
        for point, rgb in self.points:
            squared_HW: np.ndarray = np.asarray(0.1, dtype=np.float32)
            along_HW: np.ndarray = np.asarray(0.0, dtype=np.float32)
            for axis in range(3):
                toward_HW = np.float32(point[axis]) - plane.coordinate(axis)
                squared_HW = squared_HW + toward_HW * toward_HW
                along_HW = along_HW + toward_HW * np.float32(normal[axis])
            # Part of the light wraps round, as in a room whose walls scatter it.
            facing_HW = np.float32(0.35) + np.float32(0.65) * np.maximum(along_HW / np.sqrt(squared_HW), 0)
            light = light + np.asarray(facing_HW / (1 + squared_HW * np.float32(0.2)))[..., None] * rgb
        return light


def weather(rng: Rng) -> DayLight:
    """Clear, fair, overcast, evening or dusk."""
    kind = rng.choice(["clear", "fair", "overcast", "evening", "dusk"], p=[0.27, 0.3, 0.2, 0.15, 0.08])
    azimuth = rng.uniform(0, 2 * np.pi)
    height = np.radians(rng.uniform(8, 22) if kind in ("evening", "dusk") else rng.uniform(28, 65))
    to_sun = vector(np.cos(azimuth) * np.cos(height), np.sin(height), np.sin(azimuth) * np.cos(height))
    if kind == "overcast":
        grey = hsv(0.58, rng.uniform(0.02, 0.08), rng.uniform(0.72, 0.9))
        return DayLight(
            to_sun, hsv(0.1, 0.02, 0.14), hsv(0.6, 0.04, 0.86), grey * 0.9, grey, rng.uniform(70, 220), 0.7, 0.16
        )
    if kind == "evening":
        low = pick(rng, (0.07, 0.5, 0.97), (0.1, 0.4, 0.98), (0.97, 0.3, 0.92))
        top = hsv(rng.uniform(0.58, 0.68), rng.uniform(0.3, 0.5), rng.uniform(0.55, 0.75))
        return DayLight(
            to_sun,
            hsv(0.08, 0.45, 0.85),
            hsv(0.65, 0.12, 0.6),
            top,
            low,
            rng.uniform(120, 300),
            rng.uniform(0, 0.5),
            0.34,
        )
    if kind == "dusk":
        low = pick(rng, (0.03, 0.45, 0.62), (0.8, 0.3, 0.55), (0.09, 0.45, 0.7))
        top = hsv(rng.uniform(0.6, 0.7), rng.uniform(0.5, 0.7), rng.uniform(0.25, 0.38))
        return DayLight(
            to_sun,
            hsv(0.03, 0.4, 0.2),
            hsv(0.66, 0.2, 0.56),
            top,
            low,
            rng.uniform(100, 250),
            rng.uniform(0, 0.5),
            0.12,
            True,
        )
    top = hsv(rng.uniform(0.54, 0.62), rng.uniform(0.4, 0.65), rng.uniform(0.72, 0.92))
    low = hsv(rng.uniform(0.5, 0.6), rng.uniform(0.08, 0.25), rng.uniform(0.88, 0.98))
    clouds = rng.uniform(0, 0.15) if kind == "clear" else rng.uniform(0.3, 0.6)
    return DayLight(to_sun, hsv(0.12, 0.14, 0.62), hsv(0.6, 0.1, 0.68), top, low, rng.uniform(160, 500), clouds, 0.42)
