"""Patterns on a surface, as shares in 0..1 with edges that are as soft as a pixel is wide."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Place:
    """Where the pixels of a patch lie on its surface: (u, v) in metres, and the depth.

    `to_plane_33` takes pixels to the plane; how large a pixel is there follows from it, when asked for.
    """

    u: np.ndarray
    v: np.ndarray
    depth: np.ndarray
    to_plane_33: np.ndarray

    @cached_property
    def pixel_u(self) -> np.ndarray:
        return self._pixel_size(self.u, 0)

    @cached_property
    def pixel_v(self) -> np.ndarray:
        return self._pixel_size(self.v, 1)

    def _pixel_size(self, coordinate_HW: np.ndarray, row: int) -> np.ndarray:
        (x_part, y_part, _), (x_depth, y_depth, _) = self.to_plane_33[row].tolist(), self.to_plane_33[2].tolist()
        across_HW, down_HW = x_part - coordinate_HW * np.float32(x_depth), y_part - coordinate_HW * np.float32(y_depth)
        return np.sqrt(across_HW * across_HW + down_HW * down_HW + np.float32(1e-14)) * self.depth

    @cached_property
    def pixel(self) -> np.ndarray:
        return np.maximum(self.pixel_u, self.pixel_v)

    @cached_property
    def finest(self) -> float:
        """The size of a pixel where the surface is seen largest."""
        return float(min(self.pixel_u.min(), self.pixel_v.min()))

    def cropped(self, rows: slice, columns: slice) -> "Place":
        return Place(self.u[rows, columns], self.v[rows, columns], self.depth[rows, columns], self.to_plane_33)

    def at(self, pixels_P: np.ndarray) -> "Place":
        """Only some pixels, given by their numbers in reading order, as one row."""
        return Place(
            self.u.ravel().take(pixels_P),
            self.v.ravel().take(pixels_P),
            self.depth.ravel().take(pixels_P),
            self.to_plane_33,
        )

    def turned(self) -> "Place":
        """u and v exchanged."""
        return Place(self.v, self.u, self.depth, self.to_plane_33[[1, 0, 2]])

    def fade(self, detail: float) -> np.ndarray:
        """1 where a detail of this size spans several pixels, 0 where it is smaller than one: distance blurs."""
        return np.clip(1.6 - self.pixel / detail, 0, 1)


def inside(distance: np.ndarray, pixel: np.ndarray) -> np.ndarray:
    """The covered share of a pixel whose centre lies `distance` inside an edge."""
    return np.clip(distance / pixel + 0.5, 0, 1)


def between(x: np.ndarray, pixel: np.ndarray, low: float, high: float) -> np.ndarray:
    return inside((high - low) / 2 - np.abs(x - (low + high) / 2), pixel)


def rectangle(place: Place, left: float, right: float, bottom: float, top: float) -> np.ndarray:
    return between(place.u, place.pixel_u, left, right) * between(place.v, place.pixel_v, bottom, top)


def ellipse(place: Place, u: float, v: float, radius_u: float, radius_v: float) -> np.ndarray:
    reach = np.sqrt(((place.u - u) / radius_u) ** 2 + ((place.v - v) / radius_v) ** 2)
    return inside((1 - reach) * min(radius_u, radius_v), place.pixel)


def stripes(x: np.ndarray, pixel: np.ndarray, *, period: float, share: float = 0.5) -> np.ndarray:
    return inside(share * period / 2 - np.abs(np.mod(x, period) - period / 2), pixel)


def chequers(place: Place, *, period: float) -> np.ndarray:
    rows = stripes(place.v, place.pixel_v, period=period)
    columns = stripes(place.u, place.pixel_u, period=period)
    return rows + columns - 2 * rows * columns


def dots(place: Place, *, period: float, share: float = 0.5) -> np.ndarray:
    """Every second row is shifted by half a period."""
    row = np.floor(place.v / period)
    du = np.mod(place.u + period / 2 * np.mod(row, 2), period) - period / 2
    dv = np.mod(place.v, period) - period / 2
    return inside(share * period / 2 - np.sqrt(du**2 + dv**2), place.pixel)


def zigzag(place: Place, *, period: float) -> np.ndarray:
    wave = np.abs(np.mod(place.u, period) - period / 2)
    return stripes(place.v + wave, place.pixel, period=period * 0.8)


def grid_cells(
    place: Place, *, width: float, height: float, gap: float, is_staggered: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(share covered by a cell and not by the gap, row, column): bricks, tiles, planks, slabs, windows."""
    row = np.floor(place.v / height)
    u = place.u + (0.5 * width * np.mod(row, 2) if is_staggered else 0)
    column = np.floor(u / width)
    across = inside((width - gap) / 2 - np.abs(np.mod(u, width) - width / 2), place.pixel_u)
    along = inside((height - gap) / 2 - np.abs(np.mod(place.v, height) - height / 2), place.pixel_v)
    return across * along, row, column
