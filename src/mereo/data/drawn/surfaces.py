"""Surfaces: what a patch is made of. Each has a material, a texture, and the colour of every place on it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mereo.data.drawn.colours import Rng, cloth_colour, contrasting, hsv, mix, vary, wall_paint, wood_colour
from mereo.data.drawn.noise import cell_noise, noise
from mereo.data.drawn.patterns import Place, chequers, dots, grid_cells, stripes, zigzag

Colouring = Callable[[Place], np.ndarray]


@dataclass(frozen=True)
class Surface:
    material: str | None
    texture: str
    colour: Colouring


def plain(rgb: np.ndarray, material: str | None, *, texture: str = "smooth") -> Surface:
    return Surface(material, texture, lambda place: rgb)


def mottled(
    rgb: np.ndarray,
    material: str,
    *,
    texture: str = "smooth",
    scale: float = 0.6,
    amount: float = 0.12,
    offset: float = 0.0,
) -> Surface:
    """One colour with soft uneven brightness: plaster, painted metal, soil, fur."""

    def colour(place: Place) -> np.ndarray:
        uneven = noise(place.u + offset, place.v, scale=scale, pixel=place.finest) - 0.5
        return rgb * (1 + 2 * amount * uneven * place.fade(scale / 3))[..., None]

    return Surface(material, texture, colour)


def bricks(rng: Rng, rgb: np.ndarray | None = None, *, material: str = "brick", size: float | None = None) -> Surface:
    if rgb is None:
        rgb = hsv(rng.uniform(0.0, 0.09), rng.uniform(0.3, 0.65), rng.uniform(0.45, 0.78))
    mortar = vary(rng, hsv(0.09, 0.1, rng.uniform(0.55, 0.85)))
    height = size or rng.uniform(0.11, 0.22)
    width, salt, tint = height * rng.uniform(2.0, 2.8), int(rng.integers(256)), rng.uniform(0.25, 0.5)

    def colour(place: Place) -> np.ndarray:
        cell, row, column = grid_cells(place, width=width, height=height, gap=height * 0.16, is_staggered=True)
        visible = place.fade(height / 1.4)
        shade = 1 + tint * (cell_noise(row, column, salt) - 0.5) * visible
        cell = 0.86 + (cell - 0.86) * visible
        return mix(mortar, rgb * shade[..., None], cell)

    return Surface(material, "bricked", colour)


def tiles(
    rng: Rng,
    rgb: np.ndarray,
    *,
    material: str = "ceramic",
    size: tuple[float, float] = (0.3, 0.3),
    is_staggered: bool = False,
    is_chequered: bool = False,
) -> Surface:
    """Slabs, floor tiles and roof tiles; chequered in two colours if asked."""
    width, height = size
    gap_rgb = rgb * rng.uniform(0.55, 0.75)
    second, salt, tint = contrasting(rng, rgb), int(rng.integers(256)), rng.uniform(0.08, 0.22)

    def colour(place: Place) -> np.ndarray:
        cell, row, column = grid_cells(
            place, width=width, height=height, gap=min(size) * 0.07, is_staggered=is_staggered
        )
        visible = place.fade(min(size) / 1.5)
        shade = 1 + tint * (cell_noise(row, column, salt) - 0.5) * visible
        first = mix(rgb, second, np.mod(row + column, 2) * visible + 0.5 * (1 - visible)) if is_chequered else rgb
        return mix(gap_rgb, first * shade[..., None], 0.9 + (cell - 0.9) * visible)

    return Surface(material, "chequered" if is_chequered else "tiled", colour)


def planks(rng: Rng, rgb: np.ndarray | None = None, *, width: float = 0.14, is_upright: bool = False) -> Surface:
    """Boards along u (or along v), each with its own tint and grain."""
    rgb = wood_colour(rng) if rgb is None else rgb
    salt, length, tint = int(rng.integers(256)), width * rng.uniform(7, 12), rng.uniform(0.15, 0.35)

    def colour(place: Place) -> np.ndarray:
        if is_upright:
            place = place.turned()
        cell, row, column = grid_cells(place, width=length, height=width, gap=width * 0.08, is_staggered=True)
        visible = place.fade(width / 1.5)
        grain = noise(place.u * 0.15, place.v + row * 3.7, scale=width * 0.5, pixel=place.finest) - 0.5
        shade = 1 + (tint * (cell_noise(row, column, salt) - 0.5) + 0.3 * grain) * visible
        return rgb * (shade * (0.62 + 0.38 * (0.92 + (cell - 0.92) * visible)))[..., None]

    return Surface("wood", "grained", colour)


def wood(rng: Rng, rgb: np.ndarray | None = None) -> Surface:
    """One piece of wood with grain along u."""
    rgb = wood_colour(rng) if rgb is None else rgb
    shift = rng.uniform(0, 50)

    def colour(place: Place) -> np.ndarray:
        grain = noise(place.u * 0.12 + shift, place.v, scale=0.08, pixel=place.finest) - 0.5
        return rgb * (1 + 0.45 * grain)[..., None]

    return Surface("wood", "grained", colour)


def asphalt(rng: Rng) -> Surface:
    rgb, shift = vary(rng, hsv(0.6, 0.04, rng.uniform(0.3, 0.5))), rng.uniform(0, 90)

    def colour(place: Place) -> np.ndarray:
        coarse = noise(place.u * 0.5 + shift, place.v * 0.2, scale=1.5, pixel=place.finest) - 0.5
        fine = noise(place.u, place.v + shift, scale=0.06, pixel=place.finest) - 0.5
        return rgb * (1 + 0.25 * coarse + 0.3 * fine * (0.25 + 0.75 * place.fade(0.04)))[..., None]

    return Surface("asphalt", "speckled", colour)


def soil(rng: Rng) -> Surface:
    rgb = hsv(rng.uniform(0.06, 0.1), rng.uniform(0.3, 0.5), rng.uniform(0.5, 0.72))
    return mottled(rgb, "soil", texture="speckled", scale=0.25, amount=0.3, offset=rng.uniform(0, 90))


def turf(rng: Rng, rgb: np.ndarray) -> Surface:
    """Grass: blades near by, soft patches of two greens farther off."""
    dry, shift = vary(rng, rgb * np.array([1.35, 1.12, 0.8], dtype=np.float32), 0.04), rng.uniform(0, 90)

    def colour(place: Place) -> np.ndarray:
        patches = noise(place.u + shift, place.v, scale=5.0, pixel=place.finest)
        # A blade stands upright, so the noise is stretched along the depth.
        blades = noise(place.u, place.v * 0.35 + shift, scale=0.12, pixel=place.finest) - 0.5
        rgb_HW3 = mix(rgb, dry, np.clip(2.4 * patches - 0.7, 0, 1))
        return rgb_HW3 * (1 + 0.75 * blades * (0.35 + 0.65 * place.fade(0.06)))[..., None]

    return Surface("vegetation", "grassy", colour)


def furrows(rng: Rng, crop: np.ndarray, *, period: float) -> Surface:
    """Rows of a crop with soil between them."""
    earth = hsv(rng.uniform(0.05, 0.09), rng.uniform(0.35, 0.55), rng.uniform(0.35, 0.55))

    def colour(place: Place) -> np.ndarray:
        wobble = 0.12 * period * noise(place.u, place.v, scale=1.0, pixel=place.finest)
        row = stripes(place.u + wobble, place.pixel_u, period=period, share=0.62)
        leaf = noise(place.u, place.v, scale=0.3, pixel=place.finest) - 0.5
        return mix(earth, crop, row) * (1 + 0.5 * leaf * (0.3 + 0.7 * place.fade(0.2)))[..., None]

    return Surface("vegetation", "furrowed", colour)


def ripples(sky_rgb: np.ndarray, deep_rgb: np.ndarray) -> Surface:
    """Water: the sky's colour far off, the water's own near by, in long flat waves."""

    def colour(place: Place) -> np.ndarray:
        waves = noise(place.u * 0.3, place.v, scale=0.7, pixel=place.finest) - 0.5
        shown = np.clip(0.25 + place.depth / 40 + 0.9 * waves * (0.35 + 0.65 * place.fade(0.5)), 0, 1)
        return mix(deep_rgb, sky_rgb, shown)

    return Surface("water", "rippled", colour)


def leaves(rgb: np.ndarray, *, scale: float, shift: float = 0.0) -> Surface:
    def colour(place: Place) -> np.ndarray:
        tuft = noise(place.u + shift, place.v, scale=scale, pixel=place.finest) - 0.5
        rgb_HW3 = rgb * (1 + 1.1 * tuft)[..., None]
        return rgb_HW3 * (1 + 0.35 * tuft[..., None] * np.array([1.0, 0.4, -0.6], dtype=np.float32))

    return Surface("vegetation", "leafy", colour)


def glass(rng: Rng, sky_rgb: np.ndarray, *, height: float = 1.0) -> Surface:
    """A dark pane that mirrors the sky above and something darker below."""
    dark, shift = hsv(rng.uniform(0.52, 0.62), rng.uniform(0.15, 0.4), rng.uniform(0.16, 0.34)), rng.uniform(0, 9)

    def colour(place: Place) -> np.ndarray:
        slant = np.mod(place.v / height + 0.25 * place.u / height + shift, 1.0)
        return mix(dark, sky_rgb, 0.12 + 0.5 * slant**2)

    return Surface("glass", "smooth", colour)


def blotches(rgb: np.ndarray, second: np.ndarray, material: str, *, scale: float, shift: float) -> Surface:
    def colour(place: Place) -> np.ndarray:
        cloud = noise(place.u + shift, place.v, scale=scale, pixel=place.finest)
        return mix(rgb, second, np.clip((cloud - 0.53) * 14 + 0.5, 0, 1))

    return Surface(material, "blotchy", colour)


def patterned(
    rng: Rng,
    rgb: np.ndarray,
    material: str,
    *,
    period: float,
    texture: str | None = None,
    second: np.ndarray | None = None,
) -> Surface:
    """A printed pattern in two colours; without `texture` any of them, or none."""
    if texture is None:
        texture = str(rng.choice(["smooth", "smooth", "striped", "chequered", "dotted", "zigzagged"]))
    if texture == "smooth":
        return mottled(rgb, material, scale=period, amount=0.06, offset=rng.uniform(0, 9))
    second = contrasting(rng, rgb) if second is None else second
    is_along_u = bool(rng.random() < 0.6)
    share = rng.uniform(0.35, 0.6)

    def colour(place: Place) -> np.ndarray:
        if texture == "striped":
            x, pixel = (place.u, place.pixel_u) if is_along_u else (place.v, place.pixel_v)
            return mix(rgb, second, stripes(x, pixel, period=period, share=share))
        if texture == "chequered":
            return mix(rgb, second, chequers(place, period=period * 1.4))
        if texture == "dotted":
            return mix(rgb, second, dots(place, period=period, share=share + 0.1))
        return mix(rgb, second, zigzag(place, period=period * 1.5))

    return Surface(material, texture, colour)


def fabric(rng: Rng, *, period: float, rgb: np.ndarray | None = None, texture: str | None = None) -> Surface:
    return patterned(rng, cloth_colour(rng) if rgb is None else rgb, "fabric", period=period, texture=texture)


def facade(rng: Rng) -> Surface:
    """The outer wall of a house."""
    kind = rng.random()
    if kind < 0.42:
        return bricks(rng)
    if kind < 0.82:
        return mottled(wall_paint(rng), "plaster", scale=1.5, amount=0.1, offset=rng.uniform(0, 90))
    if kind < 0.92:
        grey = hsv(0.1, rng.uniform(0.05, 0.2), rng.uniform(0.55, 0.8))
        return bricks(rng, grey, material="stone", size=rng.uniform(0.35, 0.55))
    return planks(rng, wall_paint(rng) * 0.9, width=0.22)
