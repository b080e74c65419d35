"""The paired bootstrap against a loop, its coverage on made worlds, and its refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.errors import BadInput
from mereo.metrics import paired_bootstrap as module
from mereo.metrics.confusion import iou_of_counts, mean_over_classes
from mereo.metrics.paired_bootstrap import paired_bootstrap


def drawn_counts(generator, truth_NK, quality):
    """Counts of a parser that finds about `quality` of the true pixels and paints some that are not."""
    hit_NK = generator.binomial(truth_NK, quality)
    return np.stack([hit_NK, truth_NK, hit_NK + generator.binomial(truth_NK, 0.2)], axis=-1)


def by_loop(counts_a_SNK3, counts_b_SNK3, num_resamples, seed, confidence):
    generator = np.random.default_rng(seed)
    num_images = counts_a_SNK3.shape[1]
    drawn_RN = generator.integers(num_images, size=(num_resamples, num_images))
    differences = []
    for drawn_N in drawn_RN:
        means = []
        for runs in (counts_a_SNK3, counts_b_SNK3):
            of_seeds = []
            for counts_NK3 in runs:
                total = np.zeros((counts_NK3.shape[1], 3))
                for image in drawn_N:
                    total += counts_NK3[image]
                iou = [i / (t + p - i) for i, t, p in total if t + p - i > 0]
                of_seeds.append(sum(iou) / len(iou))
            means.append(sum(of_seeds) / len(of_seeds))
        differences.append(means[0] - means[1])
    return np.quantile(differences, [(1 - confidence) / 2, (1 + confidence) / 2])


@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 2), st.sampled_from([0.8, 0.95]))
@settings(max_examples=15, deadline=None)
def test_equals_the_loop(world, seeds_of_a, seeds_of_b, confidence):
    generator = np.random.default_rng(world)
    # The last class is in few images, so that some resamples lack it.
    truth_NK = generator.integers(1, 50, (6, 3)) * (generator.random((6, 3)) < [1, 0.8, 0.2])
    a, b = (
        np.stack([drawn_counts(generator, truth_NK, quality) for _ in range(seeds)])
        for seeds, quality in ((seeds_of_a, 0.6), (seeds_of_b, 0.5))
    )
    ours = paired_bootstrap(a, b, num_resamples=60, seed=world, confidence=confidence)
    np.testing.assert_allclose([ours.low, ours.high], by_loop(a, b, 60, world, confidence), rtol=0, atol=1e-12)
    whole = [np.mean([mean_over_classes(iou_of_counts(one.sum(axis=0))) for one in runs]) for runs in (a, b)]
    assert ours.difference == pytest.approx(whole[0] - whole[1], abs=1e-12)


def test_blocks_do_not_change_the_answer(monkeypatch):
    generator = np.random.default_rng(3)
    truth_NK = generator.integers(1, 50, (9, 4))
    a, b = drawn_counts(generator, truth_NK, 0.6), drawn_counts(generator, truth_NK, 0.5)
    whole = paired_bootstrap(a, b, num_resamples=500)
    monkeypatch.setattr(module, "MAX_BLOCK_NUMBERS", 100)
    assert paired_bootstrap(a, b, num_resamples=500) == whole


def test_same_seed_same_interval_and_mirrored_sides():
    generator = np.random.default_rng(4)
    truth_NK = generator.integers(1, 50, (9, 4))
    a, b = drawn_counts(generator, truth_NK, 0.6), drawn_counts(generator, truth_NK, 0.5)
    there, back = paired_bootstrap(a, b), paired_bootstrap(b, a)
    assert there == paired_bootstrap(a, b) != paired_bootstrap(a, b, seed=1)
    np.testing.assert_allclose([there.difference, there.low, there.high], [-back.difference, -back.high, -back.low])


def test_verdicts():
    generator = np.random.default_rng(5)
    truth_NK = generator.integers(500, 900, (40, 4))
    good, bad = drawn_counts(generator, truth_NK, 0.8), drawn_counts(generator, truth_NK, 0.6)
    assert paired_bootstrap(good, bad).verdict == "measurable gain"
    assert paired_bootstrap(bad, good).verdict == "measurable loss"
    equal = paired_bootstrap(good, good)
    assert (equal.difference, equal.low, equal.high) == (0, 0, 0)
    assert equal.verdict == "no measurable gain"


def test_interval_covers_the_true_difference_about_as_often_as_it_says():
    """300 made worlds of equal parsers: the 90 % interval misses 0 in about 10 % of them (a bootstrap of 60 images)."""
    generator = np.random.default_rng(6)
    misses = 0
    for _ in range(300):
        truth_NK = generator.integers(20, 90, (60, 3))
        a, b = drawn_counts(generator, truth_NK, 0.7), drawn_counts(generator, truth_NK, 0.7)
        misses += paired_bootstrap(a, b, num_resamples=400, confidence=0.9).verdict != "no measurable gain"
    assert 15 <= misses <= 50


def test_images_without_labels_in_a_resample_are_no_obstacle():
    counts = np.zeros((2, 1, 3), dtype=np.int32)
    counts[0] = [[5, 10, 5]]
    answer = paired_bootstrap(counts, counts, num_resamples=50)
    assert (answer.low, answer.high) == (0, 0)


GOOD = np.full((3, 2, 3), 4)


@pytest.mark.parametrize(
    ("a", "b", "settings_", "message"),
    [
        (GOOD[0], GOOD[0], {}, r"counts must be seeds x images x classes x 3, but got shape \(2, 3\)"),
        (GOOD[:0], GOOD[:0], {}, "counts must be seeds x images x classes x 3"),
        (GOOD[..., :2], GOOD[..., :2], {}, "counts must be seeds x images x classes x 3"),
        (GOOD, GOOD[:2], {}, r"same images and classes, but got \(3, 2\) and \(2, 2\)"),
        (GOOD, GOOD + 1, {}, "same true pixels in each image"),
        (np.stack([GOOD, GOOD + 1]), GOOD, {}, "same true pixels in each image"),
        (GOOD[:1], GOOD[:1], {}, "a bootstrap must have at least 2 images, but got 1"),
        (GOOD, GOOD, {"num_resamples": 0}, "num_resamples must be at least 1, but got 0"),
        (GOOD, GOOD, {"confidence": 1}, "confidence must be between 0 and 1, but got 1"),
        (GOOD * 0, GOOD * 0, {}, "counts must hold labelled pixels, but got none"),
    ],
)
def test_refuses(a, b, settings_, message):
    with pytest.raises(BadInput, match=message):
        paired_bootstrap(a, b, **settings_)
