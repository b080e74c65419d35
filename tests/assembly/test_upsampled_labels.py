"""Labels from coarse scores: equal to F.interpolate and argmax in float64 wherever rounding cannot decide."""

import tracemalloc

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from mereo.assembly.upsampled_labels import labels_of_scores
from mereo.errors import BadInput


def full_scores(scores_Khw: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """The oracle: all scores at full size, in float64."""
    return F.interpolate(scores_Khw[None].double(), size=size, mode="bilinear", align_corners=False)[0]


def assert_equal_up_to_rounding(label_HW: np.ndarray, scores_Khw: torch.Tensor, size: tuple[int, int]) -> None:
    """The chosen class's true score may lie below the best one by no more than 8 roundings of the largest score."""
    full_KHW = full_scores(scores_Khw, size)
    chosen_HW = full_KHW.gather(0, torch.from_numpy(label_HW).long()[None])[0]
    bound = 8 * torch.finfo(torch.float32).eps * float(scores_Khw.abs().max())
    assert float((full_KHW.amax(dim=0) - chosen_HW).max()) <= bound


def random_scores(shape: tuple[int, int, int], seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 5


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 7),
    st.tuples(st.integers(1, 9), st.integers(1, 30)),
    st.tuples(st.integers(1, 70), st.integers(1, 200)),
    st.one_of(st.none(), st.integers(1, 80)),
    st.integers(0, 1000),
)
def test_equals_interpolate_and_argmax(
    num_classes: int, coarse: tuple[int, int], size: tuple[int, int], band_rows: int | None, seed: int
) -> None:
    scores_Khw = random_scores((num_classes, *coarse), seed)
    label_HW = labels_of_scores(scores_Khw, size, band_rows=band_rows)
    assert label_HW.shape == size and label_HW.dtype == np.int32
    assert_equal_up_to_rounding(label_HW, scores_Khw, size)


@pytest.mark.parametrize(
    ("coarse", "size"),
    [
        ((1, 1), (1, 1)),
        ((1, 1), (37, 300)),
        ((3750, 1), (60000, 1)),
        ((1, 3750), (1, 60000)),
        ((40, 300), (7, 9)),
        ((40, 300), (1, 1)),
        ((30, 40), (360, 480)),
        ((5, 7), (5, 7)),
    ],
    ids=str,
)
def test_sizes_at_the_limits(coarse: tuple[int, int], size: tuple[int, int]) -> None:
    scores_Khw = random_scores((5, *coarse))
    assert_equal_up_to_rounding(labels_of_scores(scores_Khw, size), scores_Khw, size)


def test_size_unchanged_is_plain_argmax() -> None:
    scores_Khw = random_scores((6, 20, 100))
    np.testing.assert_array_equal(labels_of_scores(scores_Khw, (20, 100)), scores_Khw.argmax(dim=0).numpy())


def test_equal_scores_give_the_first_class() -> None:
    assert (labels_of_scores(torch.zeros(4, 3, 3), (9, 200)) == 0).all()


def test_blocks_do_not_show() -> None:
    scores_Khw = random_scores((4, 6, 50))
    expected_HW = labels_of_scores(scores_Khw, (90, 700), band_rows=90)
    for band_rows in (1, 7, 89, 1000):
        np.testing.assert_array_equal(labels_of_scores(scores_Khw, (90, 700), band_rows=band_rows), expected_HW)


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_confidence_is_the_winners_softmax_probability(scale: float) -> None:
    scores_Khw = random_scores((12, 5, 20)) * scale
    label_HW, confidence_HW = labels_of_scores(scores_Khw, (60, 200), with_confidence=True)
    expected_HW = full_scores(scores_Khw, (60, 200)).softmax(dim=0).amax(dim=0).numpy()
    assert confidence_HW.dtype == np.float16 and label_HW.shape == confidence_HW.shape
    np.testing.assert_allclose(confidence_HW, expected_HW, rtol=6e-4)
    np.testing.assert_array_equal(label_HW, labels_of_scores(scores_Khw, (60, 200)))


def test_confidence_of_probabilities_is_their_own() -> None:
    probability_Khw = random_scores((5, 6, 9)).softmax(dim=0)
    _, confidence_HW = labels_of_scores(probability_Khw, (40, 50), with_confidence=True, are_logits=False)
    np.testing.assert_allclose(confidence_HW, full_scores(probability_Khw, (40, 50)).amax(dim=0), rtol=6e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(dtype: torch.dtype) -> None:
    scores_Khw = random_scores((3, 4, 5)).to(dtype)
    assert_equal_up_to_rounding(labels_of_scores(scores_Khw, (33, 44)), scores_Khw.float(), (33, 44))


def test_nan_scores_stay_inside_the_classes() -> None:
    scores_Khw = random_scores((3, 4, 5))
    scores_Khw[1, 2, 2] = float("nan")
    label_HW = labels_of_scores(scores_Khw, (40, 50))
    assert label_HW.min() >= 0 and label_HW.max() <= 2


def test_no_full_resolution_scores_are_held() -> None:
    # Torch's memory is not Python's, so what F.interpolate and lerp give back is watched by its largest tensor.
    sizes = []
    lerp = torch.lerp

    def watched(*arguments: torch.Tensor) -> torch.Tensor:
        result = lerp(*arguments)
        sizes.append(result.numel() * result.element_size())
        return result

    scores_Khw = random_scores((40, 32, 64))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "lerp", watched)
        tracemalloc.start()
        labels_of_scores(scores_Khw, (512, 1024))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert max(sizes) <= 2**21  # The whole would be 84 MB.
    assert peak <= 2 * 4 * 512 * 1024


@pytest.mark.parametrize(
    ("shape", "size"), [((0, 3, 3), (5, 5)), ((2, 0, 3), (5, 5)), ((2, 3, 3), (0, 5)), ((2, 3, 3), (5, -1))]
)
def test_empty_is_refused(shape: tuple[int, int, int], size: tuple[int, int]) -> None:
    with pytest.raises(BadInput, match="scores and size must have no empty axis, but got"):
        labels_of_scores(torch.zeros(shape), size)


def test_wrong_axes_are_refused() -> None:
    with pytest.raises(BadInput, match=r"scores_Khw must have 3 axes"):
        labels_of_scores(torch.zeros(1, 2, 3, 3), (5, 5))
    with pytest.raises(BadInput, match="band_rows must be at least 1, but got 0"):
        labels_of_scores(torch.zeros(2, 3, 3), (5, 5), band_rows=0)
