"""Colours that four readers can tell apart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mereo.data.palette import distinct_colours, hex_to_rgb, perceived_N43
from mereo.errors import BadInput

GOLDEN = ("#086cd0", "#f8e4d0", "#6c0808", "#e46c08")


def rgb_N3(colours: tuple[str, ...]) -> np.ndarray:
    return np.array([hex_to_rgb(colour) for colour in colours], dtype=np.uint8)


# In Oklab black and white lie 1 apart, and about 0.02 is a just noticeable difference.
@pytest.mark.parametrize(("count", "bound"), [(11, 0.11), (20, 0.07), (59, 0.035), (150, 0.02)])
def test_all_four_readers_tell_the_colours_apart(count: int, bound: float) -> None:
    perceived = perceived_N43(rgb_N3(distinct_colours(count)))
    for reader in range(4):
        distances = np.linalg.norm(perceived[:, None, reader] - perceived[None, :, reader], axis=-1)
        assert distances[~np.eye(count, dtype=bool)].min() >= bound


def test_neither_black_nor_white() -> None:
    lightness = perceived_N43(rgb_N3(distinct_colours(59)))[:, 0, 0]
    assert 0.32 < lightness.min() and lightness.max() < 0.93


def test_the_same_every_time_and_the_first_ones_stay() -> None:
    first = distinct_colours(20)
    distinct_colours.cache_clear()
    assert distinct_colours(20) == first == distinct_colours(59)[:20]


def test_golden_first_colours() -> None:
    """Parser files carry their colours; new ones should still look like the old ones."""
    assert distinct_colours(4) == GOLDEN


@pytest.mark.parametrize("count", [0, 1, 2, 2200])
def test_any_count(count: int) -> None:
    """More classes than colours: some repeat, but none is missing."""
    colours = distinct_colours(count)
    assert len(colours) == count and len(set(colours)) >= min(count, 2000)


def test_oklab_of_known_colours() -> None:
    """White, black, red and a grey (Ottosson's values)."""
    normal_N3 = perceived_N43(np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0]], dtype=np.uint8))[:, 0]
    expected = [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.62796, 0.22486, 0.12585]]
    np.testing.assert_allclose(normal_N3, expected, atol=2e-4)


def test_dichromats_see_grey_as_grey() -> None:
    perceived = perceived_N43(np.array([[128, 128, 128]], dtype=np.uint8))
    np.testing.assert_allclose(perceived, np.broadcast_to(perceived[:, :1], (1, 4, 3)), atol=1e-4)


def test_red_and_green_are_closer_to_a_deuteranope() -> None:
    red_and_green = perceived_N43(np.array([[200, 80, 0], [100, 130, 0]], dtype=np.uint8))
    normal, _, deuteranope, _ = np.linalg.norm(red_and_green[0] - red_and_green[1], axis=-1)
    assert deuteranope < normal / 3


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_hex(red: int, green: int, blue: int) -> None:
    assert hex_to_rgb(f"#{red:02x}{green:02X}{blue:02x}") == (red, green, blue)


@pytest.mark.parametrize(
    "colour",
    ["", "#", "0072b2", "#0072b", "#0072b22", "#00g2b2", "# 72b2b", "#+12345", "#1_2_34", "#-00001", "#00000\n"],
)
def test_bad_hex(colour: str) -> None:
    with pytest.raises(BadInput, match="a colour must be written #rrggbb, but got"):
        hex_to_rgb(colour)
