"""Counts by assigned and answering level, against one confusion matrix a pair of levels."""

import numpy as np
import pytest

from mereo.errors import BadInput
from mereo.metrics.confusion import confusion_matrix, region_counts
from mereo.metrics.level_counts import level_counts

K, IGNORED = 4, 255


def maps(seed: int, num_levels: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    label_HW = generator.choice([0, 1, 2, 3, IGNORED], (13, 17)).astype(np.uint8)
    return label_HW, generator.integers(0, num_levels, (13, 17)), generator.integers(0, K, (num_levels, 13, 17))


@pytest.mark.parametrize("seed", range(4))
def test_one_confusion_matrix_a_pair_of_levels(seed: int) -> None:
    label_HW, level_HW, answer_LHW = maps(seed)
    counts_LLK3 = level_counts(label_HW, level_HW, answer_LHW, num_classes=K, ignore_index=IGNORED)
    assert counts_LLK3.dtype == np.int64
    for assigned in range(3):
        group_HW = np.where(level_HW == assigned, label_HW, IGNORED)
        for answering in range(3):
            matrix_KK = confusion_matrix(group_HW, answer_LHW[answering], num_classes=K, ignore_index=IGNORED)
            np.testing.assert_array_equal(counts_LLK3[assigned, answering], region_counts(matrix_KK))


def test_the_diagonal_is_the_fused_answer_and_columns_are_levels_alone() -> None:
    label_HW, level_HW, answer_LHW = maps(9)
    counts_LLK3 = level_counts(label_HW, level_HW, answer_LHW, num_classes=K, ignore_index=IGNORED)
    fused_HW = np.take_along_axis(answer_LHW, level_HW[None], axis=0)[0]
    fused_KK = confusion_matrix(label_HW, fused_HW, num_classes=K, ignore_index=IGNORED)
    np.testing.assert_array_equal(sum(counts_LLK3[n, n] for n in range(3)), region_counts(fused_KK))
    for answering in range(3):
        alone_KK = confusion_matrix(label_HW, answer_LHW[answering], num_classes=K, ignore_index=IGNORED)
        np.testing.assert_array_equal(counts_LLK3[:, answering].sum(axis=0), region_counts(alone_KK))


def test_nothing_labelled_and_no_ignore_index() -> None:
    label_HW, level_HW, answer_LHW = maps(1)
    everywhere = level_counts(
        np.full_like(label_HW, IGNORED), level_HW, answer_LHW, num_classes=K, ignore_index=IGNORED
    )
    assert everywhere.shape == (3, 3, K, 3) and not everywhere.any()
    none = level_counts(np.zeros_like(label_HW), level_HW, answer_LHW, num_classes=K, ignore_index=None)
    assert none[..., 1].sum() == 3 * label_HW.size


def test_refuses() -> None:
    label_HW, level_HW, answer_LHW = maps(1)
    with pytest.raises(BadInput, match="levels must be 0 to 1, but got 0 to 2; pass the answers of all levels"):
        level_counts(label_HW, level_HW, answer_LHW[:2], num_classes=K, ignore_index=IGNORED)
    with pytest.raises(BadInput, match="predicted_HW must hold ids 0 to 2"):
        level_counts(label_HW % 3, level_HW, answer_LHW, num_classes=3, ignore_index=None)
    with pytest.raises(BadInput, match="axis W must have one size everywhere"):
        level_counts(label_HW, level_HW[:, :5], answer_LHW, num_classes=K, ignore_index=IGNORED)
