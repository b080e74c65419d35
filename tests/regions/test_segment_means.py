"""Means over segments of a finer grid, pixel by pixel."""

import numpy as np

from mereo.regions.segment_means import mean_over_segments


def test_a_pixel_has_the_features_of_the_cell_in_which_its_middle_lies() -> None:
    features_Chw, segment_HW = np.array([[[10.0, 20.0]]]), np.array([[0, 1, 2]])
    assert mean_over_segments(features_Chw, segment_HW, 3).tolist() == [[10.0], [20.0], [20.0]]


def test_means_are_those_of_a_loop_over_pixels() -> None:
    random = np.random.default_rng(0)
    features_Chw, segment_HW = random.normal(size=(3, 4, 5)), random.integers(-1, 4, size=(11, 13))
    found_NC = mean_over_segments(features_Chw, segment_HW, 4)
    for segment in range(4):
        total_C, count = np.zeros(3), 0
        for y in range(11):
            for x in range(13):
                if segment_HW[y, x] == segment:
                    total_C += features_Chw[:, int((y + 0.5) * 4 / 11), int((x + 0.5) * 5 / 13)]
                    count += 1
        np.testing.assert_allclose(found_NC[segment], total_C / count, atol=1e-12)
