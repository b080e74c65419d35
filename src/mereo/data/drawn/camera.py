"""A pinhole camera over a world in metres: x to the right, y up, z ahead, the ground at y = 0."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mereo.data.drawn.light import Vector, vector
from mereo.data.drawn.patterns import Place

NEAR_METRES = 0.15
# Pillow's integer rasteriser stays exact for coordinates of this size.
FARTHEST_PIXEL = 6000.0


@dataclass(frozen=True)
class Camera:
    """`yaw`, `pitch` and `roll` in radians; the focal length in units of the mean of width and height."""

    position: Vector
    height: int
    width: int
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    focal_length: float = 1.0

    @cached_property
    def rotation_33(self) -> np.ndarray:
        """World axes -> camera axes (right, down, ahead)."""
        sin_yaw, cos_yaw = np.sin(self.yaw), np.cos(self.yaw)
        sin_pitch, cos_pitch = np.sin(self.pitch), np.cos(self.pitch)
        right = vector(cos_yaw, 0, -sin_yaw)
        ahead = vector(sin_yaw * cos_pitch, sin_pitch, cos_yaw * cos_pitch)
        down = -np.cross(ahead, right)
        sin_roll, cos_roll = np.sin(self.roll), np.cos(self.roll)
        return np.stack([cos_roll * right + sin_roll * down, cos_roll * down - sin_roll * right, ahead])

    @property
    def right(self) -> Vector:
        """To the right on the ground."""
        return vector(np.cos(self.yaw), 0, -np.sin(self.yaw))

    @cached_property
    def to_pixel_33(self) -> np.ndarray:
        focal = self.focal_pixels
        intrinsic_33 = np.array([[focal, 0, self.width / 2], [0, focal, self.height / 2], [0, 0, 1]])
        return intrinsic_33 @ self.rotation_33

    @cached_property
    def from_pixel_33(self) -> np.ndarray:
        return np.linalg.inv(self.to_pixel_33)

    @cached_property
    def focal_pixels(self) -> float:
        return self.focal_length * (self.height + self.width) / 2

    def sees(self, point: Vector, radius: float) -> bool:
        """Whether a ball may be in view (true for some that are just outside)."""
        x, y, ahead = (self.rotation_33 @ (point - self.position)).tolist()
        if ahead < -radius:
            return False
        reach = max(ahead, 0.0) / self.focal_pixels
        return abs(x) < reach * self.width / 2 + 2 * radius and abs(y) < reach * self.height / 2 + 2 * radius

    def outline(self, points_N3: np.ndarray) -> np.ndarray | None:
        """A flat polygon of the world as a polygon in pixels, cut off where it is behind the camera or far outside."""
        homogeneous_N3 = _clipped(
            (points_N3 - self.position) @ self.to_pixel_33.T, np.array([0.0, 0.0, 1.0, -NEAR_METRES])
        )
        if len(homogeneous_N3) < 3:
            return None
        pixels_N2 = homogeneous_N3[:, :2] / homogeneous_N3[:, 2:]
        if np.abs(pixels_N2).max() > FARTHEST_PIXEL:
            for axis in (0, 1):
                for sign in (1.0, -1.0):
                    plane = np.zeros(4)
                    plane[axis], plane[3] = sign, FARTHEST_PIXEL
                    pixels_N2 = _clipped(pixels_N2, plane)
                    if len(pixels_N2) < 3:
                        return None
        return pixels_N2

    def place(
        self, origin: Vector, along_u: Vector, along_v: Vector, left: int, top: int, shape: tuple[int, int]
    ) -> Place:
        """Where the pixels of a window lie on the plane origin + u * along_u + v * along_v."""
        towards = origin - self.position
        rows_33 = np.array([cross(along_v, towards), cross(towards, along_u), cross(along_u, along_v)])
        to_plane_33 = rows_33 @ self.from_pixel_33 / (rows_33[2] @ towards)
        x = (left + 0.5 + np.arange(shape[1]))[None, :]
        y = (top + 0.5 + np.arange(shape[0]))[:, None]

        def numerator_HW(row: int) -> np.ndarray:
            x_part, y_part, constant = to_plane_33[row].tolist()
            return (x_part * x).astype(np.float32) + (y_part * y + constant).astype(np.float32)

        # Beyond the plane's horizon, outside every outline, the depth is capped.
        depth_HW = 1 / np.maximum(numerator_HW(2), np.float32(1e-4))
        return Place(numerator_HW(0) * depth_HW, numerator_HW(1) * depth_HW, depth_HW, to_plane_33)


def cross(first: Vector, second: Vector) -> Vector:
    """The cross product; numpy's own spends most of its time on axes."""
    (a, b, c), (d, e, f) = first.tolist(), second.tolist()
    return vector(b * f - c * e, c * d - a * f, a * e - b * d)


def _clipped(points_ND: np.ndarray, plane: np.ndarray) -> np.ndarray:
    """The polygon's part where plane[:-1] @ point + plane[-1] >= 0 (Sutherland and Hodgman)."""
    distance_N = points_ND @ plane[: points_ND.shape[1]] + plane[3] if len(points_ND) else np.zeros(0)
    if len(points_ND) == 0 or distance_N.min() >= 0:
        return points_ND
    kept: list[np.ndarray] = []
    for index in range(len(points_ND)):
        following = (index + 1) % len(points_ND)
        here, there = distance_N[index], distance_N[following]
        if here >= 0:
            kept.append(points_ND[index])
        if (here >= 0) != (there >= 0):
            kept.append(points_ND[index] + (points_ND[following] - points_ND[index]) * here / (here - there))
    return np.array(kept).reshape(-1, points_ND.shape[1])
