"""Superpixels: connected, at most so many, named in order, and true to the borders that people draw."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from mereo.errors import BadInput
from mereo.regions.superpixels import gradient_magnitude, in_raster_order, superpixels

BSDS = Path(__file__).parents[3] / "shared" / "data" / "bsds500" / "val"


def noisy_blocks(seed: int, height: int, width: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (-(-height // 8), -(-width // 8), 3))
    blocks = coarse.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]
    return np.clip(blocks + random.normal(0, 5, blocks.shape), 0, 255).astype(np.uint8)


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 40), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_connected_few_and_in_order(seed: int, height: int, width: int, max_regions: int) -> None:
    label_HW = superpixels(noisy_blocks(seed, height, width), max_regions=max_regions)
    assert label_HW.dtype == np.int32 and label_HW.shape == (height, width)
    numbers, first = np.unique(label_HW, return_index=True)
    assert numbers.tolist() == list(range(len(numbers))) and len(numbers) <= max_regions
    assert (np.diff(first) > 0).all(), "regions must be named in the order of their first pixels"
    assert all(ndimage.label(label_HW == number)[1] == 1 for number in numbers)


def test_blocks_are_found() -> None:
    image_HW3 = noisy_blocks(1, 32, 48)
    label_HW = superpixels(image_HW3, max_regions=24)
    inner = label_HW.reshape(4, 8, 6, 8)[:, 2:6, :, 2:6].transpose(0, 2, 1, 3).reshape(24, -1)
    assert (inner == inner[:, :1]).all() and len(np.unique(inner)) == 24


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (30, 40)])
def test_a_constant_picture_is_one_region(shape: tuple[int, int]) -> None:
    assert not superpixels(np.full((*shape, 3), 77, np.uint8)).any()


def test_the_same_picture_gives_the_same_answer_and_stays_as_it_is() -> None:
    image_HW3 = noisy_blocks(0, 40, 50)
    before = image_HW3.copy()
    np.testing.assert_array_equal(superpixels(image_HW3), superpixels(np.asfortranarray(image_HW3)))
    np.testing.assert_array_equal(image_HW3, before)


def test_whatever_a_provider_calls_them() -> None:
    label_HW = superpixels(noisy_blocks(2, 40, 50), max_regions=30)
    others = np.random.default_rng(0).permutation(1000)[: label_HW.max() + 1]
    np.testing.assert_array_equal(in_raster_order(others[label_HW]), label_HW)


def test_the_gradient_by_a_loop() -> None:
    colour_HWC = np.random.default_rng(0).random((4, 5, 3))
    found_HW = gradient_magnitude(colour_HWC)
    for y in range(4):
        for x in range(5):
            near = [(y + dy, x + dx) for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))]
            squares = [((colour_HWC[y, x] - colour_HWC[j, i]) ** 2).sum() for j, i in near if 0 <= j < 4 and 0 <= i < 5]
            assert found_HW[y, x] == pytest.approx(sum(squares) ** 0.5)


def borders(label_HW: np.ndarray) -> np.ndarray:
    edge_HW = np.zeros(label_HW.shape, dtype=bool)
    edge_HW[:, :-1] |= label_HW[:, 1:] != label_HW[:, :-1]
    edge_HW[:-1] |= label_HW[1:] != label_HW[:-1]
    return edge_HW


@pytest.mark.skipif(not BSDS.is_dir(), reason="no ../shared/data/bsds500")
def test_borders_that_people_draw_are_near_borders_of_superpixels() -> None:
    recalls = []
    for path in sorted((BSDS / "images").iterdir())[:80:20]:
        image_HW3 = np.array(Image.open(path).convert("RGB"))
        stacked = np.array(Image.open(BSDS / "annotators" / f"{path.stem}.png"))
        distance_HW = ndimage.distance_transform_edt(~borders(superpixels(image_HW3)))
        for label_HW in stacked.reshape(-1, *image_HW3.shape[:2]):
            recalls.append((distance_HW[borders(label_HW)] <= 2).mean())
    assert np.mean(recalls) > 0.86


def test_wrong_arguments() -> None:
    with pytest.raises(
        BadInput, match=r"an image must be an array H x W x 3 uint8 with pixels in it, but got \(4, 4\)"
    ):
        superpixels(np.zeros((4, 4), np.uint8))
    with pytest.raises(BadInput, match="max_regions must be at least 1, but got 0"):
        superpixels(np.zeros((4, 4, 3), np.uint8), max_regions=0)
    with pytest.raises(BadInput, match="the method of superpixels must be watershed, but got 'guess'"):
        superpixels(np.zeros((4, 4, 3), np.uint8), method="guess")
