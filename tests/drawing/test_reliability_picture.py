"""The reliability diagram: points where they belong, one or two curves, empty bins and rare bins."""

import numpy as np
import pytest

from mereo.drawing.reliability_picture import COLOURS, PLOT, SIZE, ReliabilityCurve, draw_reliability, points_of
from mereo.errors import BadInput
from mereo.metrics.calibration import UNITS


def counts_of(*bins: tuple[int, int, float]) -> np.ndarray:
    """Pixels, share that is right and mean confidence of each bin."""
    return np.array([[pixels, round(pixels * right), round(pixels * sure * UNITS)] for pixels, right, sure in bins])


def colour_at(picture_HWC: np.ndarray, confidence: float, right: float) -> tuple[int, ...]:
    left, top, end, bottom = PLOT
    x, y = left + confidence * (end - left), bottom - right * (bottom - top)
    return tuple(picture_HWC[round(y), round(x)].tolist())


def test_points_stand_at_confidence_and_share_of_right_pixels() -> None:
    counts_B3 = counts_of((0, 0, 0), (1000, 0.4, 0.375), (3000, 0.9, 0.625), (0, 0, 0))
    assert points_of(counts_B3) == [(0.375, 0.4, 0.25), (0.625, 0.9, 0.75)]
    picture_HWC = draw_reliability([ReliabilityCurve("now", counts_B3)])
    assert picture_HWC.shape == (SIZE[1], SIZE[0], 3) and picture_HWC.dtype == np.uint8
    for confidence, right, _ in points_of(counts_B3):
        assert colour_at(picture_HWC, confidence, right) == COLOURS[0]


def test_a_second_curve_is_orange_and_a_rare_bin_hollow() -> None:
    now = ReliabilityCurve("now", counts_of((10, 0.1, 0.25), (10**6, 0.8, 0.8)))
    before = ReliabilityCurve("before", counts_of((10**6, 0.6, 0.3), (10**6, 0.3, 0.8)))
    picture_HWC = draw_reliability([now, before])
    assert colour_at(picture_HWC, 0.3, 0.6) == COLOURS[1]
    assert colour_at(picture_HWC, 0.8, 0.8) == COLOURS[0]
    assert colour_at(picture_HWC, 0.25, 0.1) != COLOURS[0]


def test_nothing_counted_and_one_bin_can_be_drawn() -> None:
    draw_reliability([ReliabilityCurve("nothing", np.zeros((20, 3), int))])
    draw_reliability([ReliabilityCurve("道路", counts_of((5, 1, 1.0)))])


def test_refuses_other_numbers_of_curves() -> None:
    curve = ReliabilityCurve("now", np.zeros((20, 3), int))
    for curves in ([], [curve] * 3):
        with pytest.raises(BadInput, match=f"curves must be one or two, but got {len(curves)}"):
            draw_reliability(curves)
