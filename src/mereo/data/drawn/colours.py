"""Colours as three numbers in 0..1, chosen and mixed."""

import colorsys

import numpy as np

Rng = np.random.Generator


def hsv(hue: float, saturation: float, value: float) -> np.ndarray:
    return np.array(colorsys.hsv_to_rgb(hue % 1.0, saturation, value), dtype=np.float32)


def mix(first: np.ndarray, second: np.ndarray, share_HW: np.ndarray) -> np.ndarray:
    """`first` where the share is 0, `second` where it is 1."""
    return first + (second - first) * np.asarray(share_HW, dtype=np.float32)[..., None]


def vary(rng: Rng, rgb: np.ndarray, amount: float = 0.06) -> np.ndarray:
    return np.clip(rgb * rng.normal(1, amount) + rng.normal(0, amount * 0.25, 3), 0.02, 1).astype(np.float32)


def pick(rng: Rng, *choices: tuple[float, float, float]) -> np.ndarray:
    """One of some (hue, saturation, value) triples, a little varied."""
    return vary(rng, hsv(*choices[rng.integers(len(choices))]))


def cloth_colour(rng: Rng) -> np.ndarray:
    """What clothes, sofas and curtains wear: many dull tones, some strong ones."""
    if rng.random() < 0.3:
        return hsv(rng.random(), rng.uniform(0.0, 0.15), rng.uniform(0.15, 0.9))
    return hsv(rng.random(), rng.uniform(0.25, 0.8), rng.uniform(0.3, 0.85))


def contrasting(rng: Rng, rgb: np.ndarray) -> np.ndarray:
    """A second colour that a pattern in `rgb` stays visible with."""
    if rng.random() < 0.5:
        near_white = hsv(rng.random(), 0.06, rng.uniform(0.85, 0.97))
        near_black = hsv(rng.random(), 0.3, rng.uniform(0.1, 0.22))
        return near_black if rgb.mean() > 0.5 else near_white
    hue, saturation, value = colorsys.rgb_to_hsv(*(float(c) for c in rgb))
    return hsv(hue + rng.uniform(0.3, 0.7), min(saturation + 0.2, 0.9), value - 0.35 if value > 0.55 else value + 0.4)


def wall_paint(rng: Rng) -> np.ndarray:
    return pick(
        rng,
        (0.11, 0.18, 0.9), (0.09, 0.3, 0.82), (0.03, 0.3, 0.78), (0.57, 0.16, 0.8), (0.3, 0.14, 0.76),
        (0.13, 0.42, 0.86), (0.0, 0.02, 0.88), (0.06, 0.45, 0.72), (0.97, 0.22, 0.8), (0.48, 0.16, 0.74),
    )  # fmt: skip


def wood_colour(rng: Rng) -> np.ndarray:
    return pick(rng, (0.08, 0.5, 0.62), (0.075, 0.6, 0.42), (0.09, 0.38, 0.78), (0.05, 0.6, 0.32), (0.1, 0.22, 0.84))


def car_paint(rng: Rng) -> np.ndarray:
    return pick(
        rng,
        (0.0, 0.0, 0.9), (0.6, 0.04, 0.62), (0.6, 0.1, 0.16), (0.99, 0.82, 0.68), (0.6, 0.72, 0.55),
        (0.56, 0.45, 0.72), (0.35, 0.5, 0.4), (0.12, 0.75, 0.86), (0.07, 0.8, 0.8), (0.1, 0.12, 0.74),
    )  # fmt: skip


def skin_colour(rng: Rng) -> np.ndarray:
    return pick(rng, (0.06, 0.34, 0.92), (0.065, 0.42, 0.8), (0.06, 0.5, 0.62), (0.055, 0.55, 0.45), (0.05, 0.55, 0.33))


def hair_colour(rng: Rng) -> np.ndarray:
    return pick(rng, (0.07, 0.6, 0.2), (0.06, 0.5, 0.35), (0.1, 0.5, 0.72), (0.0, 0.0, 0.08), (0.0, 0.0, 0.6))


def leaf_colour(rng: Rng, *, is_autumn: bool = False) -> np.ndarray:
    if is_autumn and rng.random() < 0.8:
        return hsv(rng.uniform(0.03, 0.15), rng.uniform(0.6, 0.85), rng.uniform(0.6, 0.85))
    return hsv(rng.uniform(0.2, 0.37), rng.uniform(0.4, 0.7), rng.uniform(0.36, 0.6))
