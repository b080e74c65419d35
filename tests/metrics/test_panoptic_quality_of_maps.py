"""Panoptic quality of id maps with class ids of one's own: the counts beneath, images as they come, what is refused."""

import math

import numpy as np
import pytest

from mereo.data.panoptic_map import PanopticMap, PanopticSegment
from mereo.errors import BadInput
from mereo.metrics.panoptic_quality import PanopticQuality, panoptic_counts, panoptic_quality

TRUTH_HW = np.array([[1, 1, 1, 2], [1, 0, 3, 2], [4, 4, 3, 3]])
PREDICTION_HW = np.array([[9, 9, 9, 8], [9, 8, 8, 8], [5, 6, 6, 6]])
TRUTH, PREDICTION = {1: 7, 2: 20, 3: 7, 4: 30}, {9: 7, 8: 20, 5: 30, 6: 7}


def test_it_is_that_of_the_counts() -> None:
    found = panoptic_quality(PREDICTION_HW, TRUTH_HW, PREDICTION, TRUTH, [7, 40], [20, 30])
    index = {7: 0, 40: 1, 20: 2, 30: 3}
    counts = panoptic_counts(
        PanopticMap(TRUTH_HW, tuple(PanopticSegment(i, index[c]) for i, c in TRUTH.items())),
        PanopticMap(PREDICTION_HW, tuple(PanopticSegment(i, index[c]) for i, c in PREDICTION.items())),
        num_classes=4,
    )
    whole, things = counts.quality(), counts.quality(np.array([True, True, False, False]))
    assert (found.pq, found.sq, found.rq) == (whole.pq, whole.sq, whole.rq)
    assert found.pq_things == things.pq and found.per_class[7].pq == counts.pq_K[0]
    assert found.per_class[7].pq == pytest.approx((1 + 0) / (1 + 1))  # Segment 9 is 1; 6 shares 2 of 4 pixels with 3.
    assert math.isnan(found.per_class[40].pq)


def test_images_as_they_come_and_crowds() -> None:
    quality = PanopticQuality([7, 40], [20, 30])
    quality.update(PREDICTION_HW, TRUTH_HW, PREDICTION, TRUTH)
    quality.update(TRUTH_HW, TRUTH_HW, TRUTH, TRUTH)
    one = panoptic_quality(PREDICTION_HW, TRUTH_HW, PREDICTION, TRUTH, [7, 40], [20, 30])
    assert one.pq < quality.pq < 1
    ids_HW = np.array([[1, 1, 2, 2]])
    with_crowd = panoptic_quality(ids_HW, ids_HW, {1: 7, 2: 7}, {1: 7, 2: 7}, [7], [20], crowd=[2])
    assert with_crowd.pq == 1 and with_crowd.counts.true_positives_K.tolist() == [1, 0]


def test_a_listed_segment_without_a_pixel_counts_for_nothing() -> None:
    ids_HW = np.array([[1, 1]])
    assert panoptic_quality(ids_HW, ids_HW, {1: 7, 5: 7}, {1: 7, 6: 7}, [7], []).pq == 1


def test_what_is_refused() -> None:
    with pytest.raises(BadInput, match=r"things and stuff must be different class ids, but got \[7, 7\]; name each"):
        PanopticQuality([7], [7])
    with pytest.raises(BadInput, match=r"classes must be things or stuff, but got \[8\] in the truth; name them, too"):
        panoptic_quality(np.ones((1, 1), int), np.ones((1, 1), int), {1: 7}, {1: 8}, [7], [])
