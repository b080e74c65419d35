"""Run lengths hold a mask exactly, in COCO's order."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mereo.data.run_lengths import run_lengths


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)))
@settings(max_examples=80, deadline=None)
def test_a_mask_comes_back(mask_HW: np.ndarray) -> None:
    runs = run_lengths(mask_HW)
    assert np.array_equal(runs.mask_HW(), mask_HW)
    assert runs.area == mask_HW.sum() and runs.counts.sum() == mask_HW.size
    assert (runs.counts[1:] > 0).all()


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)), st.integers(0, 1))
@settings(max_examples=30, deadline=None)
def test_the_order_is_cocos(mask_HW: np.ndarray, start: int) -> None:
    from faster_coco_eval.core import mask as coco_masks

    mask_HW[0, 0] = bool(start)
    runs = run_lengths(mask_HW)
    theirs = coco_masks.frPyObjects({"size": list(runs.size), "counts": runs.counts.tolist()}, *runs.size)
    assert np.array_equal(coco_masks.decode(theirs).astype(bool), mask_HW)
