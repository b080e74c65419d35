"""Confidence under a temperature, scores at single pixels, and where a parse is unsure."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mereo.assembly.parse import UNSURE_BELOW, Parse
from mereo.assembly.upsampled_labels import labels_of_scores, scores_at
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.errors import BadInput

TEMPERATURES = [0.3, 1.0, 2.5, 10.0]


def random_scores(shape: tuple[int, int, int], seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 5


def full_scores(scores_Khw: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return F.interpolate(scores_Khw[None].double(), size=size, mode="bilinear", align_corners=False)[0]


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_logits_are_divided_in_the_confidence_alone(temperature: float) -> None:
    scores_Khw = random_scores((12, 5, 20))
    label_HW, confidence_HW = labels_of_scores(scores_Khw, (60, 200), with_confidence=True, temperature=temperature)
    expected_HW = (full_scores(scores_Khw, (60, 200)) / temperature).softmax(dim=0).amax(dim=0).numpy()
    np.testing.assert_allclose(confidence_HW, expected_HW, rtol=6e-4)
    np.testing.assert_array_equal(label_HW, labels_of_scores(scores_Khw, (60, 200)))


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_probabilities_are_sharpened_by_their_logarithms(temperature: float) -> None:
    probability_Khw = random_scores((7, 6, 9)).softmax(dim=0)
    label_HW, confidence_HW = labels_of_scores(
        probability_Khw, (40, 50), with_confidence=True, are_logits=False, temperature=temperature
    )
    expected_HW = (full_scores(probability_Khw, (40, 50)).log() / temperature).softmax(dim=0).amax(dim=0)
    np.testing.assert_allclose(confidence_HW, expected_HW, rtol=1e-3)
    np.testing.assert_array_equal(label_HW, labels_of_scores(probability_Khw, (40, 50), are_logits=False))


def test_a_class_far_below_shows_at_a_high_temperature() -> None:
    scores_Khw = torch.tensor([0.0, -60.0, -60.0])[:, None, None].expand(3, 4, 4)
    _, confidence_HW = labels_of_scores(scores_Khw, (8, 8), with_confidence=True, temperature=20.0)
    np.testing.assert_allclose(confidence_HW, 1 / (1 + 2 * np.exp(-3.0)), rtol=1e-3)


def test_an_improbable_class_shows_at_a_high_temperature() -> None:
    probability_Khw = torch.tensor([0.98, 0.01, 0.01])[:, None, None].expand(3, 4, 4)
    options = {"with_confidence": True, "are_logits": False, "temperature": 10.0}
    _, confidence_HW = labels_of_scores(probability_Khw, (8, 8), **options)
    np.testing.assert_allclose(confidence_HW, 0.98**0.1 / (0.98**0.1 + 2 * 0.01**0.1), rtol=1e-3)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_that_is_none_is_refused(temperature: float) -> None:
    with pytest.raises(BadInput, match="temperature must be above 0, but got"):
        labels_of_scores(torch.zeros(2, 3, 3), (5, 5), with_confidence=True, temperature=temperature)


@pytest.mark.parametrize(
    ("coarse", "size"),
    [((5, 7), (33, 44)), ((1, 1), (3, 9)), ((40, 30), (7, 9)), ((1, 50), (1, 900)), ((4, 4), (4, 4))],
)
def test_scores_at_pixels_are_those_of_the_whole(coarse: tuple[int, int], size: tuple[int, int]) -> None:
    scores_Khw = random_scores((3, *coarse))
    row_N, column_N = (index.ravel() for index in torch.meshgrid(*map(torch.arange, size), indexing="ij"))
    found_NK = scores_at(scores_Khw, size, row_N, column_N)
    expected_NK = full_scores(scores_Khw, size).flatten(1).T
    torch.testing.assert_close(found_NK.double(), expected_NK, rtol=0, atol=2e-5)


TAXONOMY = Taxonomy("street", LabelTable(("sky", "road")))


def parse_with(confidence_HW: np.ndarray | None, *, size: tuple[int, int] = (2, 3)) -> Parse:
    return Parse(np.zeros((*size, 3), np.uint8), np.zeros(size, int), TAXONOMY, "street 7", confidence=confidence_HW)


def test_unsure_is_strictly_below_the_threshold() -> None:
    below, above = np.nextafter(np.float16(0.5), np.float16(0)), np.nextafter(np.float16(0.5), np.float16(1))
    parse = parse_with(np.array([[0, below, 0.5], [above, 0.9, 1]], dtype=np.float16))
    assert parse.unsure().tolist() == parse.unsure(UNSURE_BELOW).tolist() == [[True, True, False], [False] * 3]
    assert not parse.unsure(0).any() and parse.unsure(1).sum() == 5
    assert parse.unsure().dtype == bool


def test_the_threshold_is_not_rounded_to_half_precision() -> None:
    value = np.float16(0.1)  # 0.09998: below 0.1.
    assert parse_with(np.full((2, 3), value)).unsure(0.1).all()
    value = np.float16(0.7)  # 0.70019: not below 0.7002, whose nearest half it is.
    assert not parse_with(np.full((2, 3), value)).unsure(0.7001).any()
    assert parse_with(np.full((2, 3), value)).unsure(0.7002).all()


def test_unsure_needs_confidences_and_a_threshold_between_0_and_1() -> None:
    with pytest.raises(BadInput, match="must have confidences to say where it is unsure, but got none in street 7"):
        parse_with(None).unsure()
    for threshold in (-0.1, 1.1, float("nan")):
        with pytest.raises(BadInput, match="threshold must be from 0 to 1, but got"):
            parse_with(np.ones((2, 3))).unsure(threshold)
    with pytest.raises(BadInput, match="parse with with_confidence=True"):
        parse_with(None).overlay(unsure_below=0.5)
