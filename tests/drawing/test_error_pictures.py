"""Pictures of mistakes: wrong pixels orange, right ones grey, unlabelled ones dark; small whatever the photograph."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from mereo.drawing.error_pictures import MAX_SIDE, draw_mistakes, error_pictures
from mereo.errors import BadInput

COLOURS_K3 = np.array([[20, 90, 200], [240, 240, 0], [0, 160, 60]])


def opened(content: bytes) -> np.ndarray:
    with Image.open(BytesIO(content)) as picture:
        assert picture.format == "JPEG"
        return np.asarray(picture).astype(int)


def test_each_pixel_tells_right_wrong_or_unlabelled() -> None:
    generator = np.random.default_rng(0)
    image_HWC = generator.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    label_HW, predicted_HW = generator.integers(0, 3, (2, 20, 30))
    label_HW[generator.random((20, 30)) < 0.2] = 255
    red_HW, green_HW, blue_HW = np.moveaxis(
        draw_mistakes(image_HWC, label_HW, predicted_HW, ignore_index=255).astype(int), -1, 0
    )
    is_wrong_HW = (label_HW != predicted_HW) & (label_HW != 255)
    np.testing.assert_array_equal(red_HW - blue_HW > 150, is_wrong_HW)
    is_grey_HW = (red_HW == green_HW) & (green_HW == blue_HW) & (red_HW >= 150)
    np.testing.assert_array_equal(is_grey_HW, label_HW == predicted_HW)
    np.testing.assert_array_equal(red_HW < 50, label_HW == 255)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1, 1), (1, 1)),
        ((1, 5000), (MAX_SIDE, 1)),
        ((300, 400), (400, 300)),
        ((1500, 2000), (640, 480)),
        ((3000, 2), (1, MAX_SIDE)),
    ],
)
def test_four_small_pictures_of_any_photograph(size: tuple[int, int], expected: tuple[int, int]) -> None:
    label_HW = np.zeros(size, dtype=np.int32)
    pictures = error_pictures(
        np.full((*size, 3), 200, np.uint8), label_HW, label_HW + 1, colours_K3=COLOURS_K3, ignore_index=255
    )
    width, height = pictures.size
    assert (width, height) == expected
    truth, answer = opened(pictures.truth), opened(pictures.answer)
    assert truth.shape == answer.shape == opened(pictures.photograph).shape == (height, width, 3)
    # Blue for the first class, yellow for the second.
    assert truth[0, 0, 2] > truth[0, 0, 0] + 50 and answer[0, 0, 0] > answer[0, 0, 2] + 50
    assert abs(opened(pictures.photograph) - 200).max() < 8


def test_an_ignored_pixel_is_dark_in_the_truth_and_answered_in_the_answer() -> None:
    label_HW = np.full((40, 40), 255)
    pictures = error_pictures(
        np.full((40, 40, 3), 200, np.uint8), label_HW, np.ones((40, 40), int), colours_K3=COLOURS_K3, ignore_index=255
    )
    assert opened(pictures.truth).max() < 70 and opened(pictures.answer)[..., 0].min() > 180


def test_maps_of_another_size_are_refused() -> None:
    with pytest.raises(BadInput, match="axis W must have one size everywhere"):
        error_pictures(
            np.zeros((4, 4, 3), np.uint8),
            np.zeros((4, 5), int),
            np.zeros((4, 5), int),
            colours_K3=COLOURS_K3,
            ignore_index=255,
        )
