"""Token semantics and diversity: by hand, by a loop, and what does not count."""

import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mereo.errors import BadInput
from mereo.metrics.token_semantics import token_histograms, token_semantics


def by_a_loop(weight_KHW: np.ndarray, label_HW: np.ndarray, num_classes: int) -> tuple[float, float]:
    histograms = []
    for mask_HW in weight_KHW:
        votes = [0.0] * num_classes
        for weight, label in zip(mask_HW.ravel().tolist(), label_HW.ravel().tolist()):
            if label != 255:
                votes[label] += weight
        if sum(votes) > 0:
            histograms.append([vote / sum(votes) for vote in votes])
    if not histograms:
        return math.nan, math.nan
    entropies = [-sum(p * math.log(p) for p in one if p > 0) for one in histograms]
    mean = [sum(column) / len(histograms) for column in zip(*histograms)]
    spread = [sum((p - m) ** 2 for p, m in zip(one, mean)) for one in histograms]
    return sum(entropies) / len(entropies), sum(spread) / len(spread)


@given(
    arrays(np.float32, (4, 3, 5), elements=st.floats(0, 1, width=32).map(lambda x: x if x > 1e-3 else 0.0)),
    arrays(np.int64, (3, 5), elements=st.sampled_from([0, 1, 2, 255])),
)
@settings(max_examples=150, deadline=None)
def test_by_a_loop(weight_KHW: np.ndarray, label_HW: np.ndarray) -> None:
    assert token_semantics(weight_KHW, label_HW, 3) == pytest.approx(by_a_loop(weight_KHW, label_HW, 3), nan_ok=True)


def test_tokens_of_one_class_each_say_the_most() -> None:
    label_HW = np.array([[0, 0, 1, 2]])
    weight_KHW = np.array([[[1, 0.5, 0, 0]], [[0, 0, 0.3, 0]], [[0, 0, 0, 0.9]]])
    semantics, diversity = token_semantics(weight_KHW, label_HW, 3)
    assert semantics == 0 and diversity == pytest.approx(2 / 3)


def test_tokens_of_everything_say_nothing() -> None:
    label_HW = np.array([[0, 1, 2, 3]])
    semantics, diversity = token_semantics(np.full((5, 1, 4), 0.2), label_HW, 4)
    assert semantics == pytest.approx(math.log(4)) and diversity == pytest.approx(0)


def test_classes_that_are_absent_and_the_strength_of_a_token_do_not_matter() -> None:
    label_HW, weight_KHW = np.array([[0, 5, 5, 255]]), np.random.default_rng(0).random((3, 1, 4))
    compact = token_semantics(weight_KHW, np.array([[0, 1, 1, 255]]), 2)
    assert token_semantics(weight_KHW, label_HW, 9) == pytest.approx(compact)
    assert token_semantics(weight_KHW * 7, label_HW, 9) == pytest.approx(compact)


def test_histograms_of_thousands_of_classes_are_those_of_a_product() -> None:
    random = np.random.default_rng(0)
    weight_Khw, label_HW = random.random((5, 6, 8)), random.choice([0, 17, 3000, 3687, 255], (6, 8))
    one_hot_PN = label_HW.reshape(-1, 1) == np.arange(3688)
    one_hot_PN[:, 255] = False
    found_KN = token_histograms(weight_Khw, label_HW, 3688)
    np.testing.assert_allclose(found_KN, weight_Khw.reshape(5, -1) @ one_hot_PN, rtol=1e-12)


def test_memory_grows_with_the_classes_of_the_picture_not_of_the_taxonomy() -> None:
    """Tokens of 64x64, 4,000 classes: a column each would be 130 MB of counts."""
    weight_Khw, label_HW = np.ones((8, 64, 64)), np.zeros((64, 64), dtype=np.int64)
    tracemalloc.start()
    try:
        token_histograms(weight_Khw, label_HW, 4000)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [(6, 10), (7, 13), (2, 3)])
def test_labels_of_another_size_vote_with_the_cell_they_lie_in(size: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    weight_Khw, label_HW = random.random((4, 3, 5)), random.integers(0, 3, size)
    rows, columns = ((np.arange(n) + 0.5) * cells / n for n, cells in zip(size, (3, 5)))
    enlarged_KHW = weight_Khw[:, rows.astype(int)[:, None], columns.astype(int)]
    assert token_semantics(weight_Khw, label_HW, 3) == pytest.approx(by_a_loop(enlarged_KHW, label_HW, 3))


def test_bad_weights_and_labels() -> None:
    with pytest.raises(BadInput, match="labels must be classes 0 to 1, but got 0 to 7"):
        token_semantics(np.ones((1, 1, 2)), np.array([[0, 7]]), 2)
    with pytest.raises(BadInput, match="weights of tokens must be 0 or more, but got -1"):
        token_semantics(-np.ones((1, 1, 2)), np.array([[0, 1]]), 2)
