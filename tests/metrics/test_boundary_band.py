"""The band of pixels near borders of the truth, against loops over all pairs of pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mereo.errors import BadInput
from mereo.metrics.boundary_band import boundary_band

IGNORED = 255


def band_by_loops(label_HW: np.ndarray, distance: int, ignored: int | None) -> np.ndarray:
    """Every pixel against every pixel that has a neighbour of another label; those at the border are 1 away."""
    height, width = label_HW.shape
    at_border = []
    for y in range(height):
        for x in range(width):
            around = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
            labels = [int(label_HW[v, u]) for v, u in around if 0 <= v < height and 0 <= u < width]
            if label_HW[y, x] != ignored and any(one not in (ignored, int(label_HW[y, x])) for one in labels):
                at_border.append((y, x))
    band_HW = np.zeros((height, width), dtype=bool)
    for y in range(height):
        for x in range(width):
            squares = [(y - v) ** 2 + (x - u) ** 2 for v, u in at_border]
            band_HW[y, x] = label_HW[y, x] != ignored and any(one <= (distance - 1) ** 2 for one in squares)
    return band_HW


@settings(max_examples=60, deadline=None)
@given(
    label_HW=arrays(
        np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 0, 0, 1, 255])
    ),
    distance=st.integers(1, 4),
    ignored=st.sampled_from([IGNORED, None]),
)
def test_every_pair_of_pixels(label_HW: np.ndarray, distance: int, ignored: int | None) -> None:
    found_HW = boundary_band(label_HW, distance_pixels=distance, ignore_index=ignored)
    np.testing.assert_array_equal(found_HW, band_by_loops(label_HW, distance, ignored))


def test_eight_pixels_on_either_side_of_a_straight_border() -> None:
    label_HW = np.zeros((30, 50), dtype=np.int64)
    label_HW[:, 20:] = 3
    band_HW = boundary_band(label_HW, ignore_index=IGNORED)
    assert band_HW.dtype == bool and sorted(set(np.nonzero(band_HW)[1].tolist())) == list(range(12, 28))


def test_what_is_ignored_neither_counts_nor_makes_a_border() -> None:
    label_HW = np.zeros((9, 30), dtype=np.int64)
    label_HW[:, 10:12], label_HW[:, 12:] = IGNORED, 1
    assert not boundary_band(label_HW, ignore_index=IGNORED).any()
    label_HW[4, 10] = 1  # One pixel touches: near it there is a border, but the ignored ones stay out.
    band_HW = boundary_band(label_HW, distance_pixels=3, ignore_index=IGNORED)
    assert band_HW[4, 9] and band_HW[4, 7] and not band_HW[4, 6] and not band_HW[label_HW == IGNORED].any()


def test_one_label_and_one_pixel_have_no_border() -> None:
    for size in ((5, 7), (1, 1), (1, 7), (7, 1)):
        assert not boundary_band(np.zeros(size, dtype=int), ignore_index=None).any()


def test_mirrored_labels_have_a_mirrored_band() -> None:
    label_HW = np.random.default_rng(0).integers(0, 3, (12, 17))
    for turned in (np.fliplr, np.flipud, np.transpose):
        expected_HW = turned(boundary_band(label_HW, distance_pixels=2, ignore_index=0))
        np.testing.assert_array_equal(boundary_band(turned(label_HW), distance_pixels=2, ignore_index=0), expected_HW)


def test_bad_values() -> None:
    with pytest.raises(BadInput, match="distance_pixels must be at least 1, but got 0; the paper takes 8"):
        boundary_band(np.zeros((2, 2), dtype=int), distance_pixels=0, ignore_index=None)
    with pytest.raises(BadInput, match="label_HW must have 2 axes"):
        boundary_band(np.zeros((1, 2, 2), dtype=int), ignore_index=None)
