"""The gradient by a loop, and one piece for each of its minima."""

import numpy as np
import pytest

from mereo.regions.watershed_superpixels import gradient_magnitude, watershed_pieces


def test_the_gradient_by_a_loop() -> None:
    colour_HWC = np.random.default_rng(0).random((4, 5, 3))
    found_HW = gradient_magnitude(colour_HWC)
    for y in range(4):
        for x in range(5):
            near = [(y + dy, x + dx) for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))]
            squares = [((colour_HWC[y, x] - colour_HWC[j, i]) ** 2).sum() for j, i in near if 0 <= j < 4 and 0 <= i < 5]
            assert found_HW[y, x] == pytest.approx(sum(squares) ** 0.5)


def test_a_piece_for_each_minimum() -> None:
    """Three flat stripes with ramps between them: three minima."""
    row_W = np.array([0, 0, 0, 1, 2, 3, 3, 3, 4, 5, 6, 6, 6], dtype=np.float32)
    colour_HW3 = np.broadcast_to(row_W[None, :, None], (5, 13, 3)).copy()
    pieces_HW = watershed_pieces(colour_HW3)
    assert len(np.unique(pieces_HW)) == 3
    assert (pieces_HW == pieces_HW[:1]).all()
    assert len({int(pieces_HW[0, x]) for x in (1, 6, 11)}) == 3
