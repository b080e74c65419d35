"""Targets of a pyramid against a double loop over cells and pixels, and the maps that are refused."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mereo.errors import BadInput
from mereo.regions.cells import nearest_multiple, pyramid_targets, spread_to_finer


def by_a_loop(label_BHW: Tensor, cell_sizes: list[int], ignore_label: int) -> list[tuple[list, list | None]]:
    levels = []
    for number, size in enumerate(cell_sizes):
        classes, unities = [], []
        for label_HW in label_BHW.tolist():
            class_rows, unity_rows = [], []
            for y in range(0, len(label_HW), size):
                class_row, unity_row = [], []
                for x in range(0, len(label_HW[0]), size):
                    pixels = [label_HW[y + i][x + j] for i in range(size) for j in range(size)]
                    known = {pixel for pixel in pixels if pixel != ignore_label}
                    if number == len(cell_sizes) - 1:
                        class_row.append(label_HW[y + size // 2][x + size // 2])
                    elif len(known) > 1:
                        class_row.append(ignore_label)
                        unity_row.append(0)
                    elif ignore_label in pixels:
                        class_row.append(ignore_label)
                        unity_row.append(-1)
                    else:
                        class_row.append(known.pop())
                        unity_row.append(1)
                class_rows.append(class_row)
                unity_rows.append(unity_row)
            classes.append(class_rows)
            unities.append(unity_rows)
        levels.append((classes, unities if number < len(cell_sizes) - 1 else None))
    return levels


@given(
    st.sampled_from([[4, 2, 1], [8, 4, 2], [4, 2], [2, 1], [1], [4], [12, 6, 3], [14, 7]]),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from([255, 65535, 0]),
    st.sampled_from([torch.int32, torch.int64]),
    st.integers(0, 10**6),
)
@settings(max_examples=150, deadline=None)
def test_against_a_double_loop(
    cell_sizes: list[int], rows: int, columns: int, num_images: int, ignore_label: int, kind: torch.dtype, seed: int
) -> None:
    generator, side = torch.Generator().manual_seed(seed), cell_sizes[0]
    # Blocks, so that units are as frequent as mixed cells.
    small_Bhw = torch.randint(0, 4, (num_images, rows * side, columns * side), generator=generator)
    block = int(torch.randint(1, side + 1, (), generator=generator))
    label_BHW = small_Bhw.repeat_interleave(block, 1).repeat_interleave(block, 2)[:, : rows * side, : columns * side]
    is_void = torch.rand(label_BHW.shape, generator=generator) < 0.1 * float(torch.rand((), generator=generator))
    label_BHW = label_BHW.masked_fill(is_void, ignore_label).to(kind)
    found = pyramid_targets(label_BHW, cell_sizes, ignore_label=ignore_label)
    for (classes, unities), (class_Bhw, unity_Bhw) in zip(by_a_loop(label_BHW, cell_sizes, ignore_label), found):
        assert class_Bhw.tolist() == classes and class_Bhw.dtype == kind
        assert (unities is None) == (unity_Bhw is None)
        assert unity_Bhw is None or unity_Bhw.tolist() == unities


def test_all_classes_of_a_byte() -> None:
    label_BHW = torch.tensor([[[254, 254], [254, 254]], [[0, 0], [0, 0]], [[254, 0], [254, 254]]])
    (class_Bhw, unity_Bhw), _ = pyramid_targets(label_BHW, [2, 1])
    assert class_Bhw.flatten().tolist() == [254, 0, 255] and unity_Bhw.flatten().tolist() == [1, 1, 0]


def test_all_classes_of_two_bytes() -> None:
    label_BHW = torch.tensor([[[65534, 65534], [65534, 65534]], [[0, 0], [0, 0]], [[65535, 0], [65534, 65535]]])
    (class_Bhw, unity_Bhw), _ = pyramid_targets(label_BHW, [2, 1], ignore_label=65535)
    assert class_Bhw.flatten().tolist() == [65534, 0, 65535] and unity_Bhw.flatten().tolist() == [1, 1, 0]


@pytest.mark.parametrize("label", [-1, 300, 511])
def test_labels_that_are_no_bytes_are_not_taken_for_others(label: int) -> None:
    label_BHW = torch.zeros(1, 4, 4, dtype=torch.int32)
    label_BHW[0, 3, 3] = label
    with pytest.raises(BadInput, match=rf"labels must lie in 0..255, but got {label}; run"):
        pyramid_targets(label_BHW, [4, 2])


def test_nothing_but_ignored_pixels_and_nothing_but_one_class() -> None:
    for value, unity, label in ((255, -1, 255), (3, 1, 3)):
        for class_Bhw, unity_Bhw in pyramid_targets(torch.full((1, 8, 8), value), [8, 4, 2])[:-1]:
            assert (class_Bhw == label).all() and (unity_Bhw == unity).all()


def test_sides_that_are_no_multiples() -> None:
    with pytest.raises(BadInput, match="sides that are multiples of the coarsest cell, 8, but got 8x12; resize"):
        pyramid_targets(torch.zeros(1, 12, 8, dtype=torch.long), [8, 4])
    with pytest.raises(BadInput, match="sides that are multiples of the coarsest cell, 4, but got 4x0"):
        pyramid_targets(torch.zeros(1, 0, 4, dtype=torch.long), [4, 2])


@pytest.mark.parametrize("cell_sizes", [[], [8, 2], [4, 8], [7, 3], [0]])
def test_cells_that_are_not_halves_of_each_other(cell_sizes: list[int]) -> None:
    with pytest.raises(BadInput, match="cell sizes must halve from level to level"):
        pyramid_targets(torch.zeros(1, 24, 24, dtype=torch.long), cell_sizes)


@given(st.integers(1, 3000), st.sampled_from([1, 2, 4, 8, 32, 128]))
def test_the_nearest_multiple(length: int, cell_size: int) -> None:
    found = nearest_multiple(length, cell_size)
    assert found >= cell_size and found % cell_size == 0
    assert found == max(cell_size, int(length / cell_size + 0.5) * cell_size)


def test_a_cells_value_is_spread_over_what_it_covers() -> None:
    values_BKhw = torch.randn(2, 3, 2, 4)
    wanted = torch.nn.functional.interpolate(values_BKhw, scale_factor=4, mode="nearest")
    torch.testing.assert_close(spread_to_finer(values_BKhw, 4), wanted)
