"""The picture of the affinity: darker where a class speaks for another, hatched where nothing can be said."""

import numpy as np
import pytest

from mereo.drawing.affinity_picture import draw_affinity
from mereo.drawing.matrix_picture import FAINT, HATCH, share_colours
from mereo.errors import BadInput

AFFINITY_KK = np.array([[1.0, 0.8, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 1.0]])


def test_cells_are_shares_of_support() -> None:
    picture_HWC = draw_affinity(AFFINITY_KK, ("sky", "car", "nowhere"), np.array([9, 5, 0]))
    for share in (0.8, 0.5):
        colour = share_colours(np.array(share), is_blue=True)
        assert (picture_HWC == colour).all(axis=-1).sum() > 4000
    assert (picture_HWC == FAINT).all(axis=-1).any() and (picture_HWC == HATCH).all(axis=-1).any()


def test_many_classes_are_cut_to_the_most_frequent() -> None:
    picture_HWC = draw_affinity(np.eye(250), [f"class {k}" for k in range(250)], np.arange(250))
    assert max(picture_HWC.shape) < 4000


def test_names_must_fit() -> None:
    with pytest.raises(BadInput, match="names must be one a class of the matrix, but got 2 for 3; pass the taxonomy's"):
        draw_affinity(AFFINITY_KK, ("sky", "car"), np.array([9, 5, 0]))
