"""Boundary IoU of label maps against the authors' definition, class by class: erosion, subtraction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import binary_erosion, maximum_filter, minimum_filter

from mereo.errors import BadInput
from mereo.metrics.boundary_iou import boundary_counts, boundary_distance, boundary_region
from mereo.metrics.confusion import iou_of_counts

NUM_CLASSES, IGNORED = 3, 255
sizes = st.tuples(st.integers(1, 14), st.integers(1, 14))


@st.composite
def pairs(draw):
    """Label maps with areas, not noise alone: a coarse grid, each cell repeated."""
    height, width = draw(sizes)
    repeats = draw(st.integers(1, 5))
    label = draw(arrays(np.int32, (height, width), elements=st.sampled_from([0, 1, 2, IGNORED])))
    predicted = draw(arrays(np.int32, (height, width), elements=st.integers(0, 2)))
    return tuple(one.repeat(repeats, 0).repeat(repeats, 1) for one in (label, predicted))


def band_of_mask(mask_HW, distance):
    """The authors' mask_to_boundary: pad by 0, erode 3x3 `distance` times, what was lost is the boundary."""
    padded = np.pad(mask_HW, 1)
    eroded = binary_erosion(padded, np.ones((3, 3)), iterations=distance)
    return mask_HW & ~eroded[1:-1, 1:-1]


def class_by_class(label_HW, predicted_HW, ratio):
    distance = max(1, int(round(ratio * np.sqrt(label_HW.shape[0] ** 2 + label_HW.shape[1] ** 2))))
    known = label_HW != IGNORED
    rows = []
    for index in range(NUM_CLASSES):
        truth = band_of_mask(label_HW == index, distance)
        answer = band_of_mask((predicted_HW == index) & known, distance)
        rows.append([(truth & answer).sum(), truth.sum(), answer.sum()])
    return np.array(rows)


@given(pairs(), st.sampled_from([0.02, 0.1, 0.3]))
@settings(max_examples=200, deadline=None)
def test_equals_erosion_class_by_class(pair, ratio):
    ours = boundary_counts(*pair, num_classes=NUM_CLASSES, ignore_index=IGNORED, dilation_ratio=ratio)
    assert ours.dtype == np.int64
    np.testing.assert_array_equal(ours, class_by_class(*pair, ratio))


@given(pairs(), st.integers(1, 6))
@settings(max_examples=100, deadline=None)
def test_region_is_where_minimum_and_maximum_of_the_window_differ(pair, distance):
    size = 2 * distance + 1
    low = minimum_filter(pair[0], size, mode="constant", cval=-1)
    high = maximum_filter(pair[0], size, mode="constant", cval=-1)
    np.testing.assert_array_equal(boundary_region(pair[0], distance_pixels=distance), low != high)


@given(pairs(), st.integers(0, 2))
@settings(max_examples=100, deadline=None)
def test_what_is_predicted_without_a_label_changes_nothing(pair, other):
    label_HW, predicted_HW = pair
    changed_HW = np.where(label_HW == IGNORED, other, predicted_HW)
    arguments = {"num_classes": NUM_CLASSES, "ignore_index": IGNORED}
    np.testing.assert_array_equal(
        boundary_counts(label_HW, predicted_HW, **arguments), boundary_counts(label_HW, changed_HW, **arguments)
    )


@given(pairs())
@settings(max_examples=60, deadline=None)
def test_right_wherever_there_is_a_label_is_one(pair):
    label_HW, predicted_HW = pair
    right_HW = np.where(label_HW == IGNORED, predicted_HW, label_HW)
    iou_K = iou_of_counts(boundary_counts(label_HW, right_HW, num_classes=NUM_CLASSES, ignore_index=IGNORED))
    np.testing.assert_array_equal(iou_K[~np.isnan(iou_K)], 1)
    np.testing.assert_array_equal(~np.isnan(iou_K), [(label_HW == index).any() for index in range(NUM_CLASSES)])


def test_a_shifted_square_loses_more_at_its_border_than_inside():
    label_HW = np.zeros((200, 200), dtype=np.int32)
    label_HW[50:150, 50:150] = 1
    shifted_HW = np.roll(label_HW, 3, axis=1)
    counts = boundary_counts(label_HW, shifted_HW, num_classes=2, ignore_index=IGNORED)
    plain = (label_HW & shifted_HW).sum() / (label_HW | shifted_HW).sum()
    assert iou_of_counts(counts)[1] < plain - 0.1


def test_a_size_as_of_a_photograph_with_another_ignore_index():
    """One realistic map: 480x360, window of 25 pixels, against the erosion oracle; and -1 as ignored id."""
    generator = np.random.default_rng(0)
    label_HW = generator.integers(0, 3, (9, 12)).repeat(40, 0).repeat(40, 1)
    predicted_HW = np.roll(label_HW, (5, -7), axis=(0, 1))
    label_HW[100:140, 200:260] = IGNORED
    expected = class_by_class(label_HW, predicted_HW, 0.02)
    counts = boundary_counts(label_HW, predicted_HW, num_classes=NUM_CLASSES, ignore_index=IGNORED)
    np.testing.assert_array_equal(counts, expected)
    negative_HW = np.where(label_HW == IGNORED, -1, label_HW)
    counts = boundary_counts(negative_HW, predicted_HW, num_classes=NUM_CLASSES, ignore_index=-1)
    np.testing.assert_array_equal(counts, expected)


@pytest.mark.parametrize("num_classes", [255, 256, 257, 1000])
def test_class_counts_around_a_byte(num_classes):
    last = num_classes - 1
    label_HW = np.array([[last, last, 0, 65535]])
    predicted_HW = np.array([[last, 0, 0, last]])
    counts = boundary_counts(label_HW, predicted_HW, num_classes=num_classes, ignore_index=65535)
    np.testing.assert_array_equal(counts[[0, last]], [[1, 1, 2], [1, 2, 1]])
    assert counts.sum() == 8


def test_distance_is_two_percent_of_the_diagonal_and_at_least_one():
    assert boundary_distance(3, 4) == 1
    assert boundary_distance(300, 400) == 10
    with pytest.raises(BadInput, match=r"dilation_ratio must be in \(0, 1\], but got 0"):
        boundary_distance(3, 4, dilation_ratio=0)
    with pytest.raises(BadInput, match="distance_pixels must be at least 1, but got 0"):
        boundary_region(np.zeros((2, 2), dtype=int), distance_pixels=0)


def test_refuses_ids_out_of_range():
    with pytest.raises(BadInput, match="predicted_HW must hold ids 0 to 2, but got 3"):
        boundary_counts(np.array([[0]]), np.array([[3]]), num_classes=NUM_CLASSES, ignore_index=IGNORED)
