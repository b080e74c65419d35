"""Masks for other tools: COCO's run lengths letter by letter, rings that give the mask back, PNGs."""

import io
import tracemalloc

import numpy as np
import pytest
from faster_coco_eval import mask as coco_mask
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from mereo.data.run_lengths import run_lengths
from mereo.web.mask_answers import compressed_counts, mask_png, polygons

masks = arrays.arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14)))


def of_coco(mask_HW: np.ndarray) -> str:
    counts = coco_mask.encode(np.asfortranarray(mask_HW.astype(np.uint8)))["counts"]
    return counts.decode() if isinstance(counts, bytes) else counts


def filled(rings: list[list[float]], size: tuple[int, int]) -> np.ndarray:
    """By the even-odd rule, from its definition: how many upright edges lie to the left of a pixel's middle."""
    crossings_HW = np.zeros(size, dtype=int)
    for ring in rings:
        corners = np.array(ring).reshape(-1, 2)
        for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0)):
            if x0 == x1:
                crossings_HW[int(min(y0, y1)) : int(max(y0, y1)), int(x0) :] += 1
    return crossings_HW % 2 == 1


def shoelace(ring: list[float]) -> float:
    x, y = np.array(ring).reshape(-1, 2).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


@given(masks)
@settings(max_examples=150, deadline=None)
def test_counts_are_those_of_coco(mask_HW: np.ndarray) -> None:
    assert compressed_counts(mask_HW) == of_coco(mask_HW)
    assert (run_lengths(mask_HW).mask_HW() == mask_HW).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (131, 257), (2000, 3)])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999, 1.0])
def test_counts_of_odd_sizes_empty_full_and_sparse_masks(size: tuple[int, int], share: float) -> None:
    """Long runs take several letters, and differences of both signs."""
    mask_HW = np.random.default_rng(0).random(size) < share
    assert compressed_counts(mask_HW) == of_coco(mask_HW)


def test_counts_of_runs_of_millions() -> None:
    mask_HW = np.zeros((3000, 4000), dtype=bool)
    mask_HW[:, 1900:] = True
    mask_HW[7, 11] = True
    assert compressed_counts(mask_HW) == of_coco(mask_HW)


@given(masks)
@settings(max_examples=300, deadline=None)
def test_rings_filled_by_even_odd_are_the_mask_again(mask_HW: np.ndarray) -> None:
    rings = polygons(mask_HW)
    assert (filled(rings, mask_HW.shape) == mask_HW).all()
    assert sum(shoelace(ring) for ring in rings) == mask_HW.sum()
    for ring in rings:
        steps = np.diff(np.array([*ring, *ring[:2]]).reshape(-1, 2), axis=0)
        is_level = steps[:, 1] == 0
        assert (is_level != (steps[:, 0] == 0)).all(), "no step is oblique or empty"
        assert (is_level != np.roll(is_level, 1)).all(), "no corner lies on a straight line"


def test_a_hole_is_a_ring_the_other_way_round() -> None:
    mask_HW = np.ones((4, 5), dtype=bool)
    mask_HW[1:3, 2:4] = False
    outer, hole = polygons(mask_HW)
    assert outer == [0, 0, 5, 0, 5, 4, 0, 4] and shoelace(outer) == 20
    assert hole == [2, 1, 2, 3, 4, 3, 4, 1] and shoelace(hole) == -4


def test_pixels_that_touch_by_a_corner_have_rings_of_their_own() -> None:
    for mask_HW in (np.eye(2, dtype=bool), np.eye(2, dtype=bool)[::-1]):
        rings = polygons(mask_HW)
        assert len(rings) == 2 and all(shoelace(ring) == 1 and len(ring) == 8 for ring in rings)


def test_a_hole_that_touches_another_by_a_corner_is_one_ring() -> None:
    mask_HW = np.ones((4, 4), dtype=bool)
    mask_HW[1, 1] = mask_HW[2, 2] = False
    areas = sorted(shoelace(ring) for ring in polygons(mask_HW))
    assert areas == [-2, 16], "what is not inside hangs together by corners"


def test_no_pixel_no_ring() -> None:
    assert polygons(np.zeros((3, 4), dtype=bool)) == []
    assert polygons(np.ones((1, 1), dtype=bool)) == [[0, 0, 1, 0, 1, 1, 0, 1]]


@pytest.mark.parametrize("fill", [0, 1, None])
def test_a_png_has_one_bit_a_pixel(fill: int | None) -> None:
    mask_HW = np.random.default_rng(1).random((13, 21)) < 0.5 if fill is None else np.full((13, 21), bool(fill))
    with Image.open(io.BytesIO(mask_png(mask_HW))) as picture:
        assert picture.mode == "1" and (np.asarray(picture) == mask_HW).all()


def test_counts_of_twelve_megapixels_take_little_memory() -> None:
    """Time is measured by hand, since on a busy machine it is a matter of luck; wide copies, which cost it, are not."""
    y, x = np.ogrid[:3000, :4000]
    mask_HW = ((y - 1500) ** 2 + (x - 2000) ** 2 < 1400**2) & ((x // 64) % 2 == 0)
    tracemalloc.start()
    compressed_counts(mask_HW)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * mask_HW.size, "no wide copy of the mask"
