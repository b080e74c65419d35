"""Tiles cover everything, blend to exactly one, and give an edge's blind strip no say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mereo.assembly.tiles import MARGIN, tiles_along
from mereo.errors import BadInput


@st.composite
def tilings(draw: st.DrawFn) -> dict[str, int]:
    cell = draw(st.sampled_from([1, 2, 4, 8, 14, 32]))
    tile_cells = draw(st.integers(2, 40))
    overlap_cells = draw(st.integers(1, tile_cells // 2))
    return {
        "length": draw(st.integers(1, 3000)),
        "tile": tile_cells * cell,
        "overlap": overlap_cells * cell,
        "cell": cell,
    }


@given(tilings())
def test_every_cell_gets_weights_that_add_up_to_one(tiling: dict[str, int]) -> None:
    tiles = tiles_along(**tiling)
    num_cells = -(-tiling["length"] // tiling["cell"])
    total_c = np.zeros(num_cells)
    for tile in tiles:
        total_c[tile.cells] += tile.weight_c
        assert (tile.weight_c >= 0).all()
    np.testing.assert_allclose(total_c, 1, atol=1e-6)


@given(tilings())
def test_tiles_start_on_cells_and_keep_their_size(tiling: dict[str, int]) -> None:
    tiles, length, cell = tiles_along(**tiling), tiling["length"], tiling["cell"]
    assert tiles[0].start == 0 and tiles[-1].stop == length
    for tile in tiles:
        assert tile.start == tile.first_cell * cell
        assert len(tile.weight_c) == -(-(tile.stop - tile.start) // cell)
        if len(tiles) > 1:  # Never larger than asked for, and at most a cell smaller (the last one).
            assert tiling["tile"] - cell < tile.stop - tile.start <= tiling["tile"]
    for before, after in zip(tiles, tiles[1:]):
        assert before.start < after.start and before.stop - after.start >= tiling["overlap"] - cell + 1


def test_the_strip_at_an_inner_edge_counts_for_nothing_and_the_picture_s_own_edge_for_all() -> None:
    first, second = tiles_along(48 * 4, tile=32 * 4, overlap=16 * 4, cell=4)
    strip = int(MARGIN * 16)
    assert (first.weight_c[-strip:] == 0).all() and (second.weight_c[:strip] == 0).all()
    assert first.weight_c[0] == 1 and second.weight_c[-1] == 1
    middle_c = first.weight_c[16 + strip : 32 - strip]
    np.testing.assert_allclose(np.diff(middle_c), -1 / 8, atol=1e-6)


@pytest.mark.parametrize("wrong", [{"tile": 60}, {"tile": 32}, {"overlap": 100}, {"overlap": 0}, {"length": 0}])
def test_impossible_tilings_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(BadInput, match="must"):
        tiles_along(**{"length": 500, "tile": 128, "overlap": 32, "cell": 32, **wrong})
