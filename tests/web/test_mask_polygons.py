"""Rings around a mask: COCO's tools give the mask back, holes and all, and so does whoever fills them himself."""

import numpy as np
import pytest
from faster_coco_eval import mask as coco_mask
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mereo.web.mask_polygons import polygons

masks = arrays.arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14)))
# Mostly true: many holes, which lie in rows and under each other.
HOLED = [np.random.default_rng(seed).random((40, 60)) < share for seed in range(4) for share in (0.5, 0.8, 0.95)]


def of_coco(rings: list[list[float]], size: tuple[int, int]) -> np.ndarray:
    """As COCO reads a segmentation: every ring filled, and all joined."""
    if not rings:
        return np.zeros(size, dtype=bool)
    return np.asarray(coco_mask.decode(coco_mask.merge(coco_mask.frPyObjects(rings, *size)))) == 1


def filled(ring: list[float], size: tuple[int, int]) -> np.ndarray:
    """By the even-odd rule, from its definition: how many upright edges lie to the left of a pixel's middle."""
    crossings_HW = np.zeros(size, dtype=int)
    corners = np.array(ring).reshape(-1, 2)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0)):
        if x0 == x1:
            crossings_HW[int(min(y0, y1)) : int(max(y0, y1)), int(x0) :] += 1
    return crossings_HW % 2 == 1


def wound(ring: list[float], size: tuple[int, int]) -> np.ndarray:
    """By the other rule that drawing programs know: how often the ring runs around a pixel."""
    turns_HW = np.zeros(size, dtype=int)
    corners = np.array(ring).reshape(-1, 2)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0)):
        if x0 == x1:
            turns_HW[int(min(y0, y1)) : int(max(y0, y1)), int(x0) :] += 1 if y1 < y0 else -1
    return turns_HW != 0


def shoelace(ring: list[float]) -> float:
    x, y = np.array(ring).reshape(-1, 2).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def never_leaves(ring: list[float], mask_HW: np.ndarray) -> bool:
    """Whether on one side at least of each step, bridges among them, there is a pixel of the mask."""
    corners = np.array(ring, dtype=int).reshape(-1, 2)
    padded_hw = np.pad(mask_HW, 1)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0)):
        if x0 == x1:
            sides = padded_hw[min(y0, y1) + 1 : max(y0, y1) + 1, x0 : x0 + 2].any(axis=1)
        else:
            sides = padded_hw[y0 : y0 + 2, min(x0, x1) + 1 : max(x0, x1) + 1].any(axis=0)
        if not sides.all():
            return False
    return True


def require_rings_of(mask_HW: np.ndarray) -> None:
    rings = polygons(mask_HW)
    assert np.array_equal(of_coco(rings, mask_HW.shape), mask_HW)
    assert sum(shoelace(ring) for ring in rings) == mask_HW.sum()
    for rule in (filled, wound):
        assert np.array_equal(sum((rule(ring, mask_HW.shape).astype(int) for ring in rings), 0 * mask_HW), mask_HW)
    for ring in rings:
        steps = np.diff(np.array([*ring, *ring[:2]]).reshape(-1, 2), axis=0)
        is_level = steps[:, 1] == 0
        assert (is_level != (steps[:, 0] == 0)).all(), "no step is oblique or empty"
        assert (is_level != np.roll(is_level, 1)).all(), "no corner lies on a straight line"
        assert never_leaves(ring, mask_HW)


@given(masks)
@settings(max_examples=400, deadline=None)
def test_rings_are_the_mask_again(mask_HW: np.ndarray) -> None:
    require_rings_of(mask_HW)


@pytest.mark.parametrize("number", range(len(HOLED)))
def test_many_holes(number: int) -> None:
    require_rings_of(HOLED[number])


def test_a_ring_goes_to_its_hole_and_back_the_same_way() -> None:
    mask_HW = np.ones((4, 5), dtype=bool)
    mask_HW[1:3, 2:4] = False
    (ring,) = polygons(mask_HW)
    assert ring == [0, 0, 2, 0, 2, 3, 4, 3, 4, 1, 2, 1, 2, 0, 5, 0, 5, 4, 0, 4]
    assert shoelace(ring) == 16


def test_a_piece_in_a_hole_of_another_has_its_own_ring() -> None:
    mask_HW = np.zeros((9, 9), dtype=bool)
    mask_HW[1:8, 1:8] = True
    mask_HW[2:7, 2:7] = False
    mask_HW[3:6, 3:6] = True
    mask_HW[4, 4] = False
    outer, inner = polygons(mask_HW)
    assert shoelace(outer) == 49 - 25 and shoelace(inner) == 9 - 1


def test_pixels_that_touch_by_a_corner_have_rings_of_their_own() -> None:
    for mask_HW in (np.eye(2, dtype=bool), np.eye(2, dtype=bool)[::-1]):
        rings = polygons(mask_HW)
        assert len(rings) == 2 and all(shoelace(ring) == 1 and len(ring) == 8 for ring in rings)


def test_a_hole_that_touches_another_by_a_corner_is_cut_open_once() -> None:
    mask_HW = np.ones((4, 4), dtype=bool)
    mask_HW[1, 1] = mask_HW[2, 2] = False
    (ring,) = polygons(mask_HW)
    assert shoelace(ring) == 14, "what is not inside hangs together by corners"


def test_no_pixel_no_ring() -> None:
    assert polygons(np.zeros((3, 4), dtype=bool)) == []
    assert polygons(np.ones((1, 1), dtype=bool)) == [[0, 0, 1, 0, 1, 1, 0, 1]]
