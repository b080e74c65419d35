"""Connected components against scipy class by class, the rules of which are kept, and what comes in badly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from mereo.errors import BadInput
from mereo.regions.connected_components import class_components

SQUARE = np.ones((3, 3), dtype=bool)
label_maps = arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 1, 2, 255]))


def by_scipy(label_HW: np.ndarray, *, ignore_label: int = 255, opens: bool = False) -> list[tuple[int, int, bytes]]:
    """(area, class, mask) of every component, each class labelled by itself."""
    found = []
    for value in sorted(set(label_HW.ravel().tolist()) - {ignore_label}):
        mask_HW = label_HW == value
        if opens:
            eroded_HW = ndimage.binary_erosion(mask_HW, SQUARE, border_value=1)
            mask_HW = ndimage.binary_dilation(eroded_HW, SQUARE) & mask_HW
        numbers_HW, count = ndimage.label(mask_HW, structure=SQUARE)
        pieces = [numbers_HW == number for number in range(1, count + 1)]
        found += [(int(piece.sum()), value, piece.tobytes()) for piece in pieces]
    return sorted(found)


@given(label_maps, st.booleans())
@settings(max_examples=150, deadline=None)
def test_all_components_as_scipy_finds_them(label_HW: np.ndarray, opens: bool) -> None:
    found = class_components(label_HW, min_fraction=0, opens=opens)
    mine = [(int(a), int(c), m.tobytes()) for a, c, m in zip(found.area_M, found.class_M, found.mask_MHW)]
    assert sorted(mine) == by_scipy(label_HW, opens=opens)
    assert all(first >= second for first, second in zip(found.area_M, found.area_M[1:]))


@given(label_maps, st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_small_ones_are_left_out(label_HW: np.ndarray, min_fraction: float) -> None:
    areas = [area for area, _, _ in by_scipy(label_HW)]
    kept = sorted(area for area in areas if area >= min_fraction * max(areas))
    assert sorted(class_components(label_HW, min_fraction=min_fraction).area_M.tolist()) == kept


def test_areas_are_of_the_full_map_and_masks_of_the_grid() -> None:
    label_HW = np.zeros((40, 60), dtype=np.uint8)
    label_HW[10:30, 20:40] = 1
    label_HW[0, 0] = 2  # Too small for the grid, and for the share.
    found = class_components(label_HW, min_fraction=0, size=(4, 6))
    assert found.class_M.tolist() == [0, 1] and found.area_M.tolist() == [40 * 60 - 401, 400]
    assert found.mask_MHW.shape == (2, 4, 6) and found.mask_MHW[1].sum() == 4
    assert not (found.mask_MHW[0] & found.mask_MHW[1]).any()


def test_a_component_that_vanishes_on_the_grid_is_dropped() -> None:
    label_HW = np.zeros((8, 8), dtype=np.uint8)
    label_HW[:, 0] = 1  # The grid looks at columns 2 and 6.
    assert class_components(label_HW, size=(2, 2)).class_M.tolist() == [0]


def test_a_finer_grid() -> None:
    found = class_components(np.array([[0, 1]]), size=(2, 4))
    assert found.mask_MHW.tolist() == [[[True, True, False, False]] * 2, [[False, False, True, True]] * 2]


def test_diagonal_neighbours_belong_together() -> None:
    found = class_components(np.array([[1, 0], [0, 1]]))
    assert found.area_M.tolist() == [2, 2]


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.int64, np.uint16])
def test_every_kind_of_whole_numbers(kind: type) -> None:
    label_HW = np.array([[200, 200, 255], [254, 254, 254]], dtype=kind)
    found = class_components(label_HW)
    assert (found.class_M.tolist(), found.area_M.tolist()) == ([254, 200], [3, 2])
    assert label_HW.tolist() == [[200, 200, 255], [254, 254, 254]]


def test_tables_of_thousands_of_classes() -> None:
    label_HW = np.array([[3000, 3000, 65535]], dtype=np.int32)
    assert class_components(label_HW, ignore_label=65535).class_M.tolist() == [3000]


def test_nothing_is_labelled() -> None:
    found = class_components(np.full((5, 7), 255), size=(2, 3))
    assert found.mask_MHW.shape == (0, 2, 3) and len(found.class_M) == len(found.area_M) == 0


def test_nothing_is_ignored() -> None:
    assert class_components(np.full((5, 7), 255), ignore_label=None).area_M.tolist() == [35]


def test_bad_maps() -> None:
    with pytest.raises(BadInput, match="labels must be 0 or more, but got -1"):
        class_components(np.array([[-1, 0]]))
    with pytest.raises(BadInput, match="min_fraction must be from 0 to 1, but got 5"):
        class_components(np.zeros((2, 2)), min_fraction=5)
    with pytest.raises(BadInput, match=r"a label map must have pixels, but got \(0, 4\)"):
        class_components(np.zeros((0, 4)))
