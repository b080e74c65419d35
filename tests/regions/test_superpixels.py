"""Superpixels: connected, at most so many, named in order, and true to the borders that people draw."""

import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from mereo.errors import BadEnvironment, BadInput
from mereo.regions.superpixels import Method, in_raster_order, superpixel_hierarchy, superpixels

METHODS = get_args(Method)
BSDS = Path(__file__).parents[3] / "shared" / "data" / "bsds500" / "val"


def noisy_blocks(seed: int, height: int, width: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (-(-height // 8), -(-width // 8), 3))
    blocks = coarse.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]
    return np.clip(blocks + random.normal(0, 5, blocks.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("method", METHODS)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 40), st.integers(1, 60))
@settings(max_examples=25, deadline=None)
def test_connected_few_and_in_order(method: Method, seed: int, height: int, width: int, max_regions: int) -> None:
    label_HW = superpixels(noisy_blocks(seed, height, width), max_regions=max_regions, method=method)
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
@pytest.mark.parametrize("method", ["watershed", "felzenszwalb"])
def test_a_constant_picture_is_one_region(method: Method, shape: tuple[int, int]) -> None:
    assert not superpixels(np.full((*shape, 3), 77, np.uint8), method=method).any()


@pytest.mark.parametrize("method", METHODS)
def test_the_same_picture_gives_the_same_answer_and_stays_as_it_is(method: Method) -> None:
    image_HW3 = noisy_blocks(0, 40, 50)
    before = image_HW3.copy()
    again_HW = superpixels(np.asfortranarray(image_HW3), method=method)
    np.testing.assert_array_equal(superpixels(image_HW3, method=method), again_HW)
    np.testing.assert_array_equal(image_HW3, before)


@pytest.mark.parametrize("method", METHODS)
def test_a_hierarchy_is_one_tree(method: Method) -> None:
    image_HW3 = np.random.default_rng(3).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    numbers = [4000, 60, 1, 20, 7]
    found = superpixel_hierarchy(image_HW3, numbers, method=method)
    assert all(label_HW.max() < number for label_HW, number in zip(found, numbers))
    assert found[1].max() > 30 and not found[2].any(), "the test needs numbers between one and all"
    for fine_HW, coarse_HW in zip((found[0], found[1], found[3], found[4]), (found[1], found[3], found[4], found[2])):
        pairs = np.unique(np.stack([fine_HW.ravel(), coarse_HW.ravel()]), axis=1)
        assert pairs.shape[1] == fine_HW.max() + 1, "each region must lie in one of the next"
    np.testing.assert_array_equal(found[3], superpixel_hierarchy(image_HW3, [4000, 20], method=method)[1])


def test_a_hierarchy_of_nothing() -> None:
    assert superpixel_hierarchy(np.zeros((4, 4, 3), np.uint8), []) == []


def test_without_scikit_image(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
    for method in ("slic", "felzenszwalb"):
        with pytest.raises(BadEnvironment, match=f"the superpixels '{method}' must have scikit-image, but got none"):
            superpixels(np.zeros((4, 4, 3), np.uint8), method=method)
    assert not superpixels(np.zeros((4, 4, 3), np.uint8)).any()


def test_whatever_a_provider_calls_them() -> None:
    label_HW = superpixels(noisy_blocks(2, 40, 50), max_regions=30)
    others = np.random.default_rng(0).permutation(1000)[: label_HW.max() + 1]
    np.testing.assert_array_equal(in_raster_order(others[label_HW]), label_HW)


def by_sorting(label_HW: np.ndarray) -> np.ndarray:
    _, first, number_P = np.unique(label_HW.ravel(), return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number_P.reshape(label_HW.shape)]


kinds = st.sampled_from([np.uint8, np.int32, np.int64, np.uint64, np.bool_, np.float64])


@given(st.integers(0, 10**6), st.integers(0, 9), st.integers(1, 9), kinds, st.sampled_from([2, 8, 40, 100, 10**6]))
@settings(max_examples=200, deadline=None)
def test_few_small_numbers_are_named_as_any_others(
    seed: int, height: int, width: int, kind: type[np.generic], most: int
) -> None:
    random = np.random.default_rng(seed)
    least = -(most // 2) if kind in (np.int32, np.int64, np.float64) and seed % 3 == 0 else 0
    label_HW = random.integers(least, most, (height, width)).astype(kind)
    for one_HW in (label_HW, label_HW[::-1, ::-1], np.asfortranarray(label_HW)):
        found_HW = in_raster_order(one_HW)
        assert found_HW.dtype == np.int32
        np.testing.assert_array_equal(found_HW, by_sorting(one_HW))


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
    with pytest.raises(BadInput, match="superpixels must be one of watershed, slic, felzenszwalb, but got 'guess'"):
        superpixels(np.zeros((4, 4, 3), np.uint8), method="guess")
