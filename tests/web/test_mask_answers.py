"""Masks for other tools: COCO's run lengths letter by letter, PNGs."""

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
from mereo.drawing.mask_png import mask_png
from mereo.web.mask_answers import compressed_counts

masks = arrays.arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14)))


def of_coco(mask_HW: np.ndarray) -> str:
    counts = coco_mask.encode(np.asfortranarray(mask_HW.astype(np.uint8)))["counts"]
    return counts.decode() if isinstance(counts, bytes) else counts


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
