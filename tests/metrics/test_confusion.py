"""The confusion matrix against a loop, scikit-learn and torchmetrics; its measures and its refusals."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix
from torchmetrics.classification import MulticlassJaccardIndex
from torchmetrics.functional.segmentation import mean_iou as torchmetrics_mean_iou

from mereo.errors import BadInput
from mereo.metrics.confusion import (
    confusion_matrix,
    frequency_weighted_iou,
    iou_of_counts,
    iou_per_class,
    mean_iou,
    mean_over_classes,
    pixel_accuracy,
    region_counts,
)

NUM_CLASSES, IGNORED = 4, 255
SHAPE = (7, 9)
labels = arrays(np.int32, SHAPE, elements=st.sampled_from([0, 1, 2, 3, IGNORED]))
predictions = arrays(np.int32, SHAPE, elements=st.integers(0, 3))


def by_loop(label_HW, predicted_HW):
    counts = np.zeros((NUM_CLASSES, NUM_CLASSES), dtype=np.int64)
    for truth, answer in zip(label_HW.ravel(), predicted_HW.ravel()):
        if truth != IGNORED:
            counts[truth, answer] += 1
    return counts


def confusion(label_HW, predicted_HW, **changes):
    return confusion_matrix(label_HW, predicted_HW, **{"num_classes": NUM_CLASSES, "ignore_index": IGNORED, **changes})


@given(labels, predictions)
@settings(max_examples=100, deadline=None)
def test_equals_loop_and_scikit_learn(label_HW, predicted_HW):
    counts = confusion(label_HW, predicted_HW)
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, by_loop(label_HW, predicted_HW))
    known = label_HW != IGNORED
    if known.any():
        theirs = sklearn_confusion_matrix(label_HW[known], predicted_HW[known], labels=range(NUM_CLASSES))
        np.testing.assert_array_equal(counts, theirs)


@given(labels, predictions)
@settings(max_examples=60, deadline=None)
def test_counts_of_parts_add_up(label_HW, predicted_HW):
    parts = confusion(label_HW[:3], predicted_HW[:3]) + confusion(label_HW[3:], predicted_HW[3:])
    np.testing.assert_array_equal(parts, confusion(label_HW, predicted_HW))


@given(labels, predictions)
@settings(max_examples=60, deadline=None)
def test_iou_of_each_class_equals_torchmetrics(label_HW, predicted_HW):
    counts = confusion(label_HW, predicted_HW)
    theirs = MulticlassJaccardIndex(NUM_CLASSES, average=None, ignore_index=IGNORED)(
        torch.from_numpy(predicted_HW), torch.from_numpy(label_HW)
    )
    # torchmetrics writes 0 for a class that is nowhere; here it has no value.
    np.testing.assert_allclose(np.nan_to_num(iou_per_class(counts)), theirs.double(), atol=1e-6)


@given(arrays(np.int32, SHAPE, elements=st.integers(0, 3)), predictions)
@settings(max_examples=60, deadline=None)
def test_mean_iou_has_the_convention_of_torchmetrics(label_HW, predicted_HW):
    """A class that is nowhere is left out; one that is only predicted counts as 0."""
    theirs = torchmetrics_mean_iou(
        torch.from_numpy(predicted_HW)[None].long(),
        torch.from_numpy(label_HW)[None].long(),
        num_classes=NUM_CLASSES,
        input_format="index",
    )
    assert mean_iou(confusion(label_HW, predicted_HW)) == pytest.approx(float(theirs), abs=1e-6)


@given(labels, predictions)
@settings(max_examples=60, deadline=None)
def test_frequency_weighted_iou_equals_torchmetrics(label_HW, predicted_HW):
    found = frequency_weighted_iou(confusion(label_HW, predicted_HW))
    if (label_HW == IGNORED).all():
        assert np.isnan(found)
        return
    theirs = MulticlassJaccardIndex(NUM_CLASSES, average="weighted", ignore_index=IGNORED)(
        torch.from_numpy(predicted_HW), torch.from_numpy(label_HW)
    )
    assert found == pytest.approx(float(theirs), abs=1e-6)


def test_absent_classes():
    counts = confusion(np.array([[0, 0, 1]]), np.array([[0, 0, 2]]))
    iou = iou_per_class(counts)
    np.testing.assert_array_equal(iou[:3], [1, 0, 0])  # 1 was missed; 2 is never true, but was predicted.
    assert np.isnan(iou[3])  # Neither true nor predicted.
    assert mean_iou(counts) == pytest.approx(1 / 3)
    assert frequency_weighted_iou(counts) == pytest.approx(2 / 3)
    assert pixel_accuracy(counts) == pytest.approx(2 / 3)


def test_nothing_labelled_has_no_measures():
    counts = confusion(np.full(SHAPE, IGNORED), np.zeros(SHAPE, dtype=int))
    assert counts.sum() == 0
    assert np.isnan(mean_iou(counts)) and np.isnan(pixel_accuracy(counts))


def test_region_counts():
    counts = confusion(np.array([[0, 0, 1, 255]]), np.array([[0, 1, 1, 3]]))
    np.testing.assert_array_equal(region_counts(counts), [[1, 2, 1], [1, 1, 2], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(iou_of_counts(region_counts(counts)), iou_per_class(counts))


def test_mean_over_classes_keeps_leading_axes():
    values = np.random.default_rng(0).random((5, 6))
    values[2:4, 1] = np.nan
    np.testing.assert_allclose(mean_over_classes(values), np.nanmean(values, axis=-1))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.uint64])
def test_any_integer_type(dtype):
    label_HW, predicted_HW = np.array([[0, 3, 255]], dtype=dtype), np.array([[0, 2, 1]], dtype=dtype)
    np.testing.assert_array_equal(confusion(label_HW, predicted_HW), by_loop(label_HW.astype(int), predicted_HW))


def test_more_classes_than_a_byte_holds():
    label_HW, predicted_HW = np.array([[0, 299, 65535]]), np.array([[299, 299, 0]])
    counts = confusion_matrix(label_HW, predicted_HW, num_classes=300, ignore_index=65535)
    assert counts[0, 299] == counts[299, 299] == 1 and counts.sum() == 2


def test_inputs_are_left_as_they_were():
    label_HW, predicted_HW = np.array([[0, 255]], dtype=np.intp), np.array([[1, 1]], dtype=np.intp)
    confusion(label_HW, predicted_HW)
    np.testing.assert_array_equal(label_HW, [[0, 255]])
    np.testing.assert_array_equal(predicted_HW, [[1, 1]])


GOOD = np.zeros((2, 3), dtype=np.int32)


@pytest.mark.parametrize(
    ("label_HW", "predicted_HW", "changes", "message"),
    [
        (GOOD, GOOD[:, :2], {}, "axis W must have one size everywhere"),
        (GOOD[0], GOOD[0], {}, "label_HW must have 2 axes"),
        (GOOD.astype(float), GOOD, {}, "label_HW must hold integers, but got float64"),
        (GOOD, GOOD == 0, {}, "predicted_HW must hold integers, but got bool"),
        (GOOD[:0], GOOD[:0], {}, "label_HW must hold at least one pixel"),
        (
            GOOD + 4,
            GOOD,
            {},
            r"label_HW must hold ids 0 to 3 or 255 \(ignored\), but got 4 at pixel \(row 0, column 0\)",
        ),
        (GOOD - 1, GOOD, {}, "label_HW must hold ids 0 to 3.* but got -1"),
        (
            GOOD,
            np.array([[0, 0, 0], [0, 255, 0]]),
            {},
            r"predicted_HW must hold ids 0 to 3, but got 255 at .*row 1, column 1",
        ),
        (GOOD + 255, GOOD, {"ignore_index": None}, "label_HW must hold ids 0 to 3, but got 255"),
        (GOOD, GOOD, {"ignore_index": 3}, "ignore_index must lie outside of the 4 classes, but got 3"),
        (GOOD, GOOD, {"num_classes": 0}, "num_classes must be at least 1, but got 0"),
    ],
)
def test_refuses(label_HW, predicted_HW, changes, message):
    with pytest.raises(BadInput, match=message):
        confusion(label_HW, predicted_HW, **changes)
