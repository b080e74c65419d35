"""The best level for all and for each: written out over images and levels."""

import numpy as np
import pytest

from mereo.errors import BadInput
from mereo.metrics.best_scale import grouping_quality, image_scores
from mereo.metrics.grouping_quality import covering, rand_index, shared_pixels, variation_of_information
from mereo.metrics.region_borders import border_counts

LEVELS = 3


def image(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Three levels of blocks, and two annotators."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices((24, 32))
    label_LHW = np.stack([(rows // side) * 100 + columns // side for side in (4, 8, 16)])
    own = int(random.integers(4, 17))
    return label_LHW, np.stack([(rows // own) * 7 + columns // 11, (rows // 9) * 50 + columns // own])


IMAGES = [image(seed) for seed in range(5)]
SCORES = [image_scores(*one) for one in IMAGES]


def test_means_over_annotators() -> None:
    for (label_LHW, annotators_AHW), scores in zip(IMAGES, SCORES):
        for level in range(LEVELS):
            tables = [shared_pixels(label_LHW[level], one_HW) for one_HW in annotators_AHW]
            assert scores.covering_L[level] == pytest.approx(np.mean([covering(table) for table in tables]))
            assert scores.rand_index_L[level] == pytest.approx(np.mean([rand_index(table) for table in tables]))
            information = np.mean([variation_of_information(table) for table in tables])
            assert scores.information_L[level] == pytest.approx(information)
        assert scores.num_regions_L.tolist() == [48, 12, 4]
        assert scores.borders_L == tuple(border_counts(label_LHW, annotators_AHW))
        assert scores.narrow_borders_L == tuple(border_counts(label_LHW, annotators_AHW, distance_pixels=2))


def test_best_of_all_and_best_of_each() -> None:
    found = grouping_quality(SCORES)
    for name, best in (("covering_L", max), ("rand_index_L", max), ("information_L", min)):
        values = [getattr(one, name).tolist() for one in SCORES]
        means = [sum(of_level) / len(of_level) for of_level in zip(*values)]
        scale = getattr(found, name.removesuffix("_L"))
        assert scale.ods == pytest.approx(best(means)) == pytest.approx(means[scale.level])
        assert scale.ois == pytest.approx(sum(map(best, values)) / len(values))
    assert {float(one.covering_L.argmax()) for one in SCORES} != {found.covering.level}, "images must differ"
    assert found.information.ois < found.information.ods and found.covering.ois > found.covering.ods
    assert found.num_regions_L == (48, 12, 4)


def test_borders_are_added_before_they_are_divided() -> None:
    found = grouping_quality(SCORES)
    of_levels = []
    for level in range(LEVELS):
        sums = np.sum([[c.found, c.drawn, c.right, c.answered] for c in (s.borders_L[level] for s in SCORES)], axis=0)
        recall, precision = sums[0] / sums[1], sums[2] / sums[3]
        of_levels.append(2 * recall * precision / (recall + precision))
        narrow = [s.narrow_borders_L[level] for s in SCORES]
        assert found.narrow_recall_L[level] == sum(c.found for c in narrow) / sum(c.drawn for c in narrow)
    assert found.border_f.ods == pytest.approx(max(of_levels)) == pytest.approx(of_levels[found.border_f.level])
    best = [max(s.borders_L, key=lambda counts: counts.f_measure) for s in SCORES]
    recall, precision = (
        sum(c.found for c in best) / sum(c.drawn for c in best),
        sum(c.right for c in best) / sum(c.answered for c in best),
    )
    assert found.border_f.ois == pytest.approx(2 * recall * precision / (recall + precision))


def test_the_truth_itself_is_best() -> None:
    label_LHW, annotators_AHW = IMAGES[0]
    found = grouping_quality([image_scores(np.stack([label_LHW[0], annotators_AHW[0]]), annotators_AHW[:1])])
    assert (found.covering.ods, found.rand_index.ods, found.information.ods, found.border_f.ods) == (1, 1, 0, 1)
    assert found.covering.level == found.information.level == 1 and found.narrow_recall_L[1] == 1


def test_wrong_arguments() -> None:
    with pytest.raises(BadInput, match="an image must have at least one level, but got none; pass its segmentations"):
        image_scores(np.zeros((0, 2, 2), int), np.zeros((1, 2, 2), int))
    shorter = image_scores(IMAGES[0][0][:2], IMAGES[0][1])
    with pytest.raises(BadInput, match=r"images must have one number of levels, but got \[2, 3\]; use the same"):
        grouping_quality([*SCORES, shorter])
    with pytest.raises(BadInput, match=r"images must have one number of levels, but got \[\]"):
        grouping_quality([])
