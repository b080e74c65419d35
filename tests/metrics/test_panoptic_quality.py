"""Panoptic quality against sets of pixels and torchmetrics; void, crowds, the edges of matching; its refusals."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from torchmetrics.functional.detection import panoptic_quality as torchmetrics_panoptic_quality

from mereo.data.panoptic_map import PanopticMap, PanopticSegment
from mereo.errors import BadInput
from mereo.metrics import panoptic_quality as module
from mereo.metrics.panoptic_quality import PanopticCounts, panoptic_counts

NUM_CLASSES, MOST = 3, 5
SHAPE = (6, 7)


def made(ids, segments=None) -> PanopticMap:
    """Of ids, and (id, class[, is_crowd]) for each segment; left out: every id is of class id % 3."""
    ids_HW = np.atleast_2d(np.array(ids))
    if segments is None:
        segments = [(number, number % NUM_CLASSES) for number in np.unique(ids_HW).tolist() if number]
    return PanopticMap(ids_HW, tuple(PanopticSegment(*segment) for segment in segments))


def counted(true, predicted) -> PanopticCounts:
    return panoptic_counts(true, predicted, num_classes=NUM_CLASSES)


def by_pixel_sets(true: PanopticMap, predicted: PanopticMap):
    """TP, FP, FN and sum of IoU of each class, from the definition."""

    def pixels(panoptic, number):
        return {(row, column) for row, column in np.argwhere(panoptic.ids_HW == number).tolist()}

    void = pixels(true, 0)
    table = [[0, 0, 0, 0.0] for _ in range(NUM_CLASSES)]
    matched_true, matched_predicted = set(), set()
    for t in true.segments:
        for p in predicted.segments:
            if t.class_index != p.class_index or t.is_crowd:
                continue
            known = pixels(predicted, p.id) - void
            union = pixels(true, t.id) | known
            iou = len(pixels(true, t.id) & known) / len(union)
            if iou > 0.5:
                assert t.id not in matched_true and p.id not in matched_predicted, "a match must be the only one"
                matched_true.add(t.id)
                matched_predicted.add(p.id)
                table[t.class_index][0] += 1
                table[t.class_index][3] += iou
    for t in true.segments:
        if t.id not in matched_true and not t.is_crowd:
            table[t.class_index][2] += 1
    for p in predicted.segments:
        ignored = void.union(
            *(pixels(true, t.id) for t in true.segments if t.is_crowd and t.class_index == p.class_index)
        )
        own = pixels(predicted, p.id)
        if p.id not in matched_predicted and len(own & ignored) / len(own) <= 0.5:
            table[p.class_index][1] += 1
    return table


def require_equal(counts: PanopticCounts, table) -> None:
    for index, (tp, fp, fn, iou_sum) in enumerate(table):
        assert counts.true_positives_K[index] == tp
        assert counts.false_positives_K[index] == fp
        assert counts.false_negatives_K[index] == fn
        assert counts.iou_sum_K[index] == pytest.approx(iou_sum, abs=1e-12)
        weight = tp + fp / 2 + fn / 2
        if weight == 0:
            assert np.isnan([counts.pq_K[index], counts.sq_K[index], counts.rq_K[index]]).all()
        else:
            assert counts.pq_K[index] == pytest.approx(iou_sum / weight, abs=1e-12)
            assert counts.sq_K[index] == pytest.approx(iou_sum / tp if tp else 0, abs=1e-12)
            assert counts.rq_K[index] == pytest.approx(tp / weight, abs=1e-12)


@st.composite
def pairs(draw, with_void=True, with_crowds=True):
    """A truth, and an answer that repeats much of it, under other ids."""
    lowest = 0 if with_void else 1
    position_HW = draw(arrays(np.int64, SHAPE, elements=st.integers(0, MOST), fill=st.integers(0, MOST)))
    change_HW = draw(arrays(np.int64, SHAPE, elements=st.integers(-1, MOST), fill=st.just(-1)))
    answer_HW = np.maximum(np.where(change_HW < 0, position_HW, change_HW), lowest)
    ids = st.lists(st.integers(1, 2**24 - 1), min_size=MOST, max_size=MOST, unique=True)
    classes = draw(st.lists(st.integers(0, NUM_CLASSES - 1), min_size=MOST, max_size=MOST))
    maps = []
    for is_answer, part_HW in ((False, position_HW), (True, answer_HW)):
        numbers = draw(ids)
        segments = []
        for position in range(1, MOST + 1):
            if (part_HW == position).any():
                index = draw(st.sampled_from([classes[position - 1]] * 4 + [0])) if is_answer else classes[position - 1]
                is_crowd = with_crowds and not is_answer and draw(st.sampled_from([False, False, True]))
                segments.append((numbers[position - 1], index, is_crowd))
        maps.append(made(np.array([0, *numbers])[part_HW], draw(st.permutations(segments))))
    return tuple(maps)


@given(pairs())
@settings(max_examples=100, deadline=None)
def test_equals_sets_of_pixels(pair):
    require_equal(counted(*pair), by_pixel_sets(*pair))


@given(st.lists(pairs(), min_size=1, max_size=3))
@settings(max_examples=40, deadline=None)
def test_images_add_up_and_quality_never_exceeds_one(images):
    table = np.sum([by_pixel_sets(*pair) for pair in images], axis=0)
    counts = sum((counted(*pair) for pair in images), PanopticCounts.none(NUM_CLASSES))
    require_equal(counts, table)
    present = table[:, :3].sum(axis=1) > 0
    for measure in ("pq", "sq", "rq"):
        values_K = getattr(counts, f"{measure}_K")
        assert ((values_K[present] >= 0) & (values_K[present] <= 1)).all()
        if present.any():
            assert getattr(counts.quality(), measure) == pytest.approx(values_K[present].mean(), abs=1e-12)
    assert counts.quality().num_classes == present.sum()


# Where the answer is void, torchmetrics cuts the truth, too, and forgives misses; COCO does neither. No crowds there.
@given(pairs(with_crowds=False, with_void=False))
@settings(max_examples=60, deadline=None)
def test_equals_torchmetrics_where_it_means_the_same(pair):
    def tensor(panoptic):
        class_of = {segment.id: segment.class_index for segment in panoptic.segments} | {0: NUM_CLASSES}
        category_HW = np.vectorize(class_of.get)(panoptic.ids_HW)
        return torch.from_numpy(np.stack([category_HW, panoptic.ids_HW], axis=-1))[None]

    theirs = torchmetrics_panoptic_quality(
        tensor(pair[1]), tensor(pair[0]), things=set(range(NUM_CLASSES)), stuffs=set(), return_per_class=True
    )
    # torchmetrics divides in single precision, and writes 0 for a class that is nowhere.
    np.testing.assert_allclose(np.nan_to_num(counted(*pair).pq_K), theirs.numpy().ravel(), rtol=0, atol=1e-6)


@given(pairs())
@settings(max_examples=60, deadline=None)
def test_many_segments_are_counted_the_same_way(pair):
    """The other way to count pairs, for maps of so many segments that a table of all pairs would be too large."""
    true, predicted = pair
    positions = true.positions(), predicted.positions()
    sizes = len(true.segments) + 1, len(predicted.segments) + 1
    by_table = module._shared_pixels(*positions, *sizes)
    by_sorting = module._shared_pixels(*positions, sizes[0], 1 << 40)
    for ours, theirs in zip(by_table, by_sorting):
        np.testing.assert_array_equal(ours, theirs)


@given(pairs())
@settings(max_examples=40, deadline=None)
def test_of_itself_everything_is_found(pair):
    true = replace(pair[0], segments=tuple(replace(one, is_crowd=False) for one in pair[0].segments))
    counts = counted(true, true)
    assert counts.true_positives_K.sum() == len(true.segments)
    assert counts.false_positives_K.sum() == counts.false_negatives_K.sum() == 0
    assert not true.segments or counts.quality().pq == 1


def only(counts: PanopticCounts, index: int) -> tuple:
    """TP, FP, FN and the sum of IoU of one class, after a look that the others are empty."""
    arrays_K = (counts.true_positives_K, counts.false_positives_K, counts.false_negatives_K, counts.iou_sum_K)
    assert all(np.delete(array_K, index).sum() == 0 for array_K in arrays_K)
    return tuple(array_K[index].item() for array_K in arrays_K)


def test_half_is_no_match():
    assert only(counted(made([1, 1, 1, 0]), made([1, 1, 1, 1])), 1) == (1, 0, 0, 1.0)
    assert only(counted(made([1, 1, 2, 2], [(1, 1), (2, 1)]), made([1, 1, 1, 1])), 1) == (0, 1, 2, 0.0)
    assert only(counted(made([[1] * 5 + [2] * 4], [(1, 1), (2, 1)]), made([1] * 9)), 1) == (1, 0, 1, 5 / 9)


def test_void_is_taken_out_of_the_answer_before_matching():
    # 3 of 3 known pixels are right, though the answer reaches over 5 pixels that nobody labelled.
    assert only(counted(made([0, 0, 0, 0, 0, 1, 1, 1]), made([1] * 8)), 1) == (1, 0, 0, 1.0)


def test_answers_mostly_on_void_are_forgiven():
    true = made([0, 0, 0, 0, 1, 1, 1, 1])
    assert only(counted(true, made([4, 4, 4, 4, 4, 0, 0, 0])), 1) == (0, 0, 1, 0.0)
    assert only(counted(true, made([0, 4, 4, 4, 4, 4, 4, 0])), 1) == (1, 0, 0, 0.75)
    half = counted(true, made([0, 0, 2, 2, 2, 2, 0, 0]))  # Exactly half on void: that is not more than half.
    assert half.false_positives_K.tolist() == [0, 0, 1] and half.false_negatives_K.tolist() == [0, 1, 0]


def test_crowds_are_neither_missed_nor_found():
    true = made([1, 1, 1, 1, 2, 2], [(1, 1, True), (2, 2)])
    assert only(counted(true, made([0, 0, 0, 0, 2, 2])), 2) == (1, 0, 0, 1.0)
    # Answers of the crowd's class on the crowd are forgiven, even one that covers it exactly; of another class not.
    assert only(counted(true, made([1, 1, 1, 1, 2, 2])), 2) == (1, 0, 0, 1.0)
    assert only(counted(true, made([1, 1, 4, 4, 2, 2])), 2) == (1, 0, 0, 1.0)
    assert counted(true, made([3, 3, 3, 3, 2, 2])).false_positives_K.tolist() == [1, 0, 0]


def test_void_and_crowds_are_added_before_the_half_is_taken():
    answer = made([0, 1, 1, 1, 1, 1, 1, 2])
    with_crowd = made(
        [0, 0, 1, 1, 1, 2, 2, 2], [(1, 1, True), (2, 2)]
    )  # Of six pixels one on void, three on the crowd.
    assert counted(with_crowd, answer).false_positives_K[1] == 0
    assert counted(made([0, 0, 3, 3, 3, 2, 2, 2]), answer).false_positives_K[1] == 1
    assert counted(made([2, 2, 1, 1, 1, 2, 2, 2], [(1, 1, True), (2, 2)]), answer).false_positives_K[1] == 1
    two_crowds = made([1, 2, 3, 3], [(1, 1, True), (2, 1, True), (3, 2)])
    assert counted(two_crowds, made([1, 1, 1, 2])).false_positives_K[1] == 0


def test_an_answer_that_calls_itself_a_crowd_is_an_answer():
    assert only(counted(made([1, 1]), made([1, 1], [(1, 1, True)])), 1) == (1, 0, 0, 1.0)


def test_nothing_answered_and_nothing_labelled():
    true, nothing = made([1, 1, 2, 2]), made([0, 0, 0, 0])
    assert counted(true, nothing).false_negatives_K.tolist() == [0, 1, 1]
    quality = counted(true, nothing).quality()
    assert (quality.pq, quality.sq, quality.rq, quality.num_classes) == (0, 0, 0, 2)
    empty = counted(nothing, true).quality()
    assert np.isnan([empty.pq, empty.sq, empty.rq]).all() and empty.num_classes == 0
    assert np.isnan(PanopticCounts.none(0).quality().pq)


def test_means_over_chosen_classes():
    counts = counted(made([0, 1, 1, 2, 2]), made([0, 1, 1, 0, 3]))
    assert counts.quality(np.array([True, True, False])).pq == 0.5  # 3 was made up, 1 found; 2 is not asked for.
    assert counts.quality([False, True, False]).pq == 1
    assert counts.quality(np.zeros(3, dtype=bool)).num_classes == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.uint32, np.int64, np.uint64])
def test_any_integer_type(dtype):
    true, predicted = np.array([[0, 1, 200]], dtype=dtype), np.array([[7, 7, 200]], dtype=dtype)
    counts = counted(made(true), made(predicted))
    assert counts.true_positives_K.tolist() == [0, 1, 1] and counts.iou_sum_K.tolist() == [0, 1, 1]


def test_refuses():
    whole = made([[1, 1], [2, 2]])
    with pytest.raises(BadInput, match="must have one size, but got 2x2 in the panoptic map and 2x1 in"):
        counted(whole, made([1, 1]))
    with pytest.raises(BadInput, match=r"one of 3 \(0 to 2\), but got 3 for segment 2 in"):
        counted(made([1, 2], [(1, 0), (2, 3)]), made([1, 1]))
    with pytest.raises(BadInput, match=r"one of 3 \(0 to 2\), but got 9 for segment 1 in"):
        counted(made([1, 1]), made([1, 1], [(1, 9)]))
    for pair in ((made([1, 5], [(1, 0)]), made([1, 1])), (made([1, 1]), made([1, 5], [(1, 0)]))):
        with pytest.raises(BadInput, match=r"listed among its segments, but got id 5 at pixel \(row 0, column 1\)"):
            counted(*pair)
    for pair in ((made([1, 1], [(1, 0), (7, 1)]), made([1, 1])), (made([1, 1]), made([1, 1], [(1, 0), (7, 1)]))):
        with pytest.raises(BadInput, match="every listed segment must have pixels, but got none of id 7"):
            counted(*pair)
    with pytest.raises(BadInput, match="one list of classes, but got 3 and 4"):
        PanopticCounts.none(3) + PanopticCounts.none(4)
