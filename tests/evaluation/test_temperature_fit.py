"""Fitting a temperature on samples: the scores are those that the parser compares, planted temperatures are found."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from mereo.data.sample import Sample, as_image, as_mask
from mereo.errors import BadInput
from mereo.evaluation.evaluate import evaluate
from mereo.evaluation.temperature_fit import ScoreSample, fit_of, fit_temperature, sampled_scores
from mereo.metrics.calibration import expected_calibration_error, reliability_counts
from mereo.parser.scene_parser import SceneParser

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_parser import TAXONOMY, random_image, taxonomy_of, tiny_parser

SIZE = (40, 56)


class DrawnByTheParser:
    """Labels drawn as often as a parser's own probabilities say: at temperature 1 its confidences are true."""

    taxonomy = TAXONOMY

    def __init__(self, parser: SceneParser, num_images: int, *, unlabelled: tuple[int, ...] = ()) -> None:
        self.parser, self.num_images, self.unlabelled = parser, num_images, unlabelled

    def __len__(self) -> int:
        return self.num_images

    def __getitem__(self, index: int) -> Sample:
        image_HWC = random_image(*SIZE, seed=index)
        generator = np.random.default_rng(index)
        probability_KHW = self.probabilities(image_HWC)
        label_HW = (probability_KHW.cumsum(axis=0) < generator.random(SIZE)).sum(axis=0).clip(0, 2)
        label_HW[generator.random(SIZE) < (1 if index in self.unlabelled else 0.1)] = 255
        return Sample(name=str(index), image_CHW=as_image(image_HWC), semantic_HW=as_mask(label_HW))

    def probabilities(self, image_HWC: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            image_BCHW = torch.from_numpy(image_HWC.copy()).permute(2, 0, 1)[None]
            logits_1Khw = self.parser(image_BCHW).predictions[0].logits_BKhw
            resized = torch.nn.functional.interpolate(logits_1Khw, size=SIZE, mode="bilinear", align_corners=False)
        return resized[0].softmax(dim=0).double().numpy()


@pytest.fixture(scope="module")
def parser() -> SceneParser:
    """With logits a few units apart, as trained parsers have."""
    return times(tiny_parser(), 40)


def times(parser: SceneParser, factor: float) -> SceneParser:
    """The same parser, `factor` times as sure."""
    other = tiny_parser()
    other.load_state_dict(parser.state_dict())
    with torch.no_grad():
        other.heads[0].classify.weight.mul_(factor)
        other.heads[0].classify.bias.mul_(factor)
    return other


@pytest.mark.parametrize("planted", [0.5, 3.0])
def test_a_planted_temperature_is_found_and_mends_the_confidences(parser: SceneParser, planted: float) -> None:
    samples = DrawnByTheParser(parser, 6)
    wrong = times(parser, planted)
    fit = fit_temperature(wrong, samples)
    assert fit.temperature == pytest.approx(planted, rel=0.1)
    assert fit.error_before > 3 * fit.error_after
    assert fit.halves is not None and fit.halves.temperature == pytest.approx(planted, rel=0.15)
    assert fit.halves.error_before > 2 * fit.halves.error_after
    # What the fit promised is what an evaluation finds; and no label moves.
    before = evaluate(wrong, samples, with_confidence=True)
    assert wrong.temperature == 1.0, "fitting changes nothing"
    wrong.temperature = fit.temperature
    after = evaluate(wrong, samples, with_confidence=True)
    np.testing.assert_array_equal(after.confusion_KK, before.confusion_KK)
    assert after.expected_calibration_error < 0.4 * before.expected_calibration_error
    assert after.expected_calibration_error == pytest.approx(fit.error_after, abs=0.02)
    assert fit_temperature(wrong, samples).temperature == fit.temperature, "a stored temperature is not fitted upon"


@pytest.mark.parametrize("options", [{}, {"scales": (0.5, 1.0), "flip": True}], ids=["plain", "scales and flip"])
def test_the_scores_are_those_that_confidences_come_from(parser: SceneParser, options: dict) -> None:
    samples = DrawnByTheParser(parser, 3)
    sample = sampled_scores(parser, samples, **options)
    parser.temperature = 1.7
    try:
        whole = sum(
            reliability_counts(
                np.asarray(one.semantic_HW),
                (
                    parse := parser.parse(np.moveaxis(one.image_CHW.numpy(), 0, -1), with_confidence=True, **options)
                ).semantic,
                parse.confidence,
                ignore_index=255,
            )
            for one in (samples[index] for index in range(3))
        )
    finally:
        parser.temperature = 1.0
    of_sample_B3 = sample.reliability(1.7)
    # A sample of the same pixels: the same shares of pixels and right pixels in each bin, up to chance.
    np.testing.assert_allclose(
        of_sample_B3[:, :2] / of_sample_B3[:, 0].sum(), whole[:, :2] / whole[:, 0].sum(), atol=0.02
    )
    gap = expected_calibration_error(of_sample_B3) - expected_calibration_error(whole)
    assert abs(gap) < 0.02


def test_memory_is_bounded_and_images_are_left_out_evenly(parser: SceneParser) -> None:
    samples = DrawnByTheParser(parser, 7)
    few = sampled_scores(parser, samples, max_numbers=3 * 14)
    assert len(few.label_N) == 14 and np.bincount(few.image_N).tolist() == [2] * 7
    fewer = sampled_scores(parser, samples, max_numbers=3 * 4)
    assert len(fewer.label_N) == 4 and fewer.logits_NK.shape == (4, 3) and fewer.logits_NK.dtype == np.float32


def test_drawn_by_counting(parser: SceneParser) -> None:
    samples = DrawnByTheParser(parser, 2)
    first, again, other = (sampled_scores(parser, samples, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.logits_NK, again.logits_NK)
    assert not np.array_equal(first.label_N, other.label_N)
    assert (first.label_N != 255).all()


def test_halves_are_even_and_odd_images() -> None:
    generator = np.random.default_rng(0)
    logits_NK = generator.normal(size=(400, 3)) * 2
    label_N = np.where(generator.random(400) < 0.7, logits_NK.argmax(axis=1), generator.integers(0, 3, 400))
    image_N = np.repeat(np.arange(4), 100)
    fit = fit_of(ScoreSample(logits_NK, label_N, image_N))
    of_even = fit_of(ScoreSample(*(one[image_N % 2 == 0] for one in (logits_NK, label_N, image_N))))
    assert fit.halves is not None and fit.halves.temperature == of_even.temperature != fit.temperature
    odd = ScoreSample(*(one[image_N % 2 == 1] for one in (logits_NK, label_N, image_N)))
    assert fit.halves.error_before == expected_calibration_error(odd.reliability(1.0))
    assert fit.halves.error_after == expected_calibration_error(odd.reliability(of_even.temperature))
    assert of_even.halves is None, "of one half alone nothing can be held out"


def test_unlabelled_images_are_passed_over_and_reported(parser: SceneParser) -> None:
    seen: list[tuple[int, int]] = []
    samples = DrawnByTheParser(parser, 3, unlabelled=(1,))
    fit = fit_temperature(parser, samples, progress=lambda done, total: seen.append((done, total)))
    assert fit.num_pixels == 2 * 2000 and seen == [(1, 3), (2, 3), (3, 3)] and fit.halves is None
    with pytest.raises(
        BadInput, match="samples must hold labelled pixels to fit a temperature, but got none in 1 images"
    ):
        fit_temperature(parser, DrawnByTheParser(parser, 1, unlabelled=(0,)))


def test_other_classes_and_no_images_are_refused(parser: SceneParser) -> None:
    samples = DrawnByTheParser(parser, 2)
    samples.taxonomy = taxonomy_of("sky", "road", "boat")
    with pytest.raises(BadInput, match="only the parser knows car; only the data has boat"):
        fit_temperature(parser, samples)
    with pytest.raises(BadInput, match="but got none in 0 images"):
        fit_temperature(parser, DrawnByTheParser(parser, 0))


def test_the_parser_is_left_in_its_mode(parser: SceneParser) -> None:
    parser.train()
    try:
        sampled_scores(parser, DrawnByTheParser(tiny_parser(), 1))
        assert parser.training
    finally:
        parser.eval()
