"""Fitting familiarity: which pictures are looked at, what the limit means, and that other kinds lie farther."""

import sys
from pathlib import Path

import numpy as np
import pytest

from mereo.data.sample import Sample, as_image
from mereo.errors import BadInput
from mereo.evaluation.familiarity_fit import fit_familiarity, fit_of
from mereo.metrics.mahalanobis import fitted_gaussian, mahalanobis_distance
from mereo.parser.familiarity import looked_at

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_parser import TAXONOMY, random_image, tiny_parser

NOISE_HWC = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)


def kind_of(seed: int) -> np.ndarray:
    """Bright above, dark below, a few blocks: pictures of one kind."""
    image_HWC = random_image(40, 56, seed=seed) // 8
    image_HWC[: 16 + seed % 5] += 200
    return image_HWC


class Pictures:
    taxonomy = TAXONOMY
    fingerprint = "pictures"

    def __init__(self, first: int, count: int) -> None:
        self.first, self.count, self.seen = first, count, []

    @property
    def names(self) -> list[str]:
        return [str(index) for index in range(self.count)]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        self.seen.append(index)
        return Sample(name=str(index), image_CHW=as_image(kind_of(self.first + index)))


def test_the_fit_is_that_of_the_pictures_as_they_are() -> None:
    parser, training, held_out = tiny_parser(), Pictures(0, 30), Pictures(100, 9)
    progress: list[tuple[int, int]] = []
    fit = fit_familiarity(parser, training, held_out, progress=lambda *counted: progress.append(counted))
    assert training.seen == list(range(30)) and held_out.seen == list(range(9)) and progress[-1] == (39, 39)
    features_NC = np.stack([looked_at(parser, kind_of(index)) for index in range(30)])
    others_NC = np.stack([looked_at(parser, kind_of(100 + index)) for index in range(9)])
    np.testing.assert_allclose(fit.distance_N, mahalanobis_distance(others_NC, fitted_gaussian(features_NC)), rtol=1e-9)
    assert fit.familiarity.usual == np.median(fit.distance_N)
    assert fit.familiarity.usual < fit.familiarity.limit <= fit.distance_N.max()
    assert (fit.familiarity.num_pictures, fit.familiarity.num_held_out) == (30, 9)
    assert fit.familiarity.distance(looked_at(parser, NOISE_HWC)) > 2 * fit.familiarity.limit / fit.familiarity.usual


def test_no_more_pictures_than_suffice_evenly_over_all() -> None:
    training, held_out = Pictures(0, 11), Pictures(100, 7)
    fit_familiarity(tiny_parser(), training, held_out, max_pictures=4)
    assert training.seen == [0, 2, 5, 8] and held_out.seen == [0, 1, 3, 5]


def test_the_limit_leaves_one_in_a_hundred_and_the_check_is_of_others() -> None:
    generator = np.random.default_rng(0)
    train_NC, others_NC = generator.normal(size=(400, 6)), generator.normal(size=(1000, 6))
    fit = fit_of(train_NC, others_NC)
    assert (fit.distance_N > fit.familiarity.limit).mean() == pytest.approx(0.01, abs=1e-3)
    expected = (fit.distance_N[1::2] > np.quantile(fit.distance_N[::2], 0.99)).mean()
    assert fit.warned_share == pytest.approx(expected) and 0 < expected < 0.03


def test_of_one_held_out_picture_nothing_can_be_checked() -> None:
    fit = fit_of(np.random.default_rng(0).normal(size=(5, 3)), np.ones((1, 3)))
    assert fit.warned_share is None and fit.familiarity.limit == fit.familiarity.usual


@pytest.mark.parametrize(("num_train", "num_held_out"), [(0, 3), (1, 3), (3, 0)])
def test_too_few_pictures(num_train: int, num_held_out: int) -> None:
    match = f"at least 2 training pictures and a held-out one, but got {num_train} and {num_held_out}; pass more"
    with pytest.raises(BadInput, match=match):
        fit_familiarity(tiny_parser(), Pictures(0, num_train), Pictures(100, num_held_out))
