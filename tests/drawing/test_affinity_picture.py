"""The picture of the affinity: darker where a class speaks for another, hatched where nothing can be said."""

import numpy as np
import pytest
import torch

from mereo.drawing import affinity_picture
from mereo.drawing.affinity_picture import draw_affinity
from mereo.drawing.matrix_picture import FAINT, HATCH, PAPER, MatrixWords, _Layout, share_colours
from mereo.errors import BadInput
from mereo.reasoning.cooccurrence import class_affinity

# Nowhere, car, sky; rows speak for columns.
AFFINITY_KK = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.5], [0.0, 0.8, 1.0]])


def cells(picture_HWC: np.ndarray, names: list[str]) -> np.ndarray:
    """The colour of each cell, taken in its upper left corner, beside its number (K K 3)."""
    layout = _Layout.of(names)
    corners = [[layout.corner(row, column) for column in range(layout.num)] for row in range(layout.num)]
    return np.array([[picture_HWC[y + 2, x + 2] for x, y in line] for line in corners])


def test_rows_are_those_that_support_and_columns_those_supported() -> None:
    """Sky is in most images and stands first; what it gives to the car stands in its row."""
    picture_HWC = draw_affinity(AFFINITY_KK, ("nowhere", "car", "sky"), np.array([0, 5, 9]))
    found = cells(picture_HWC, ["sky", "car", "nowhere"])
    assert found[0, 1].tolist() == share_colours(np.array(0.8), is_blue=True).tolist()  # sky speaks for car
    assert found[1, 0].tolist() == share_colours(np.array(0.5), is_blue=True).tolist()  # car speaks for sky
    hatched = {tuple(colour) for colour in found[[0, 1, 0, 1, 2, 2, 2], [0, 1, 2, 2, 0, 1, 2]].tolist()}
    assert hatched <= {FAINT, HATCH}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[MatrixWords]:
    """The words of each matrix that is drawn."""
    told: list[MatrixWords] = []

    def draw(*arrays: np.ndarray, names: object, notes: object, words: MatrixWords) -> np.ndarray:
        told.append(words)
        return np.zeros((1, 1, 3), np.uint8)

    monkeypatch.setattr(affinity_picture, "draw_matrix", draw)
    return told


def test_the_caption_says_what_sums_to_100(drawn: list[MatrixWords]) -> None:
    counts_KK = torch.tensor([[9, 6, 2], [6, 7, 1], [2, 1, 3]])
    names, images_K = ("sky", "road", "car"), np.array([9, 7, 3])
    for normalise, sums_over in (("target", "column"), ("source", "row")):
        affinity_KK = class_affinity(counts_KK, normalise=normalise).numpy()
        draw_affinity(affinity_KK, names, images_K, sums_over=sums_over)
    assert [words.line for words in drawn] == [
        "percent; a row supports a column; columns sum to 100",
        "percent; a row supports a column; rows sum to 100",
    ]


def test_the_caption_says_no_sum_that_is_not_there(drawn: list[MatrixWords]) -> None:
    """Of the class that meets no other, and where those that are left out give the rest."""
    draw_affinity(np.array([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]]), ("sky", "road", "bed"), np.array([9, 7, 3]))
    spread_KK = np.full((250, 250), 1 / 249)
    np.fill_diagonal(spread_KK, 1)
    draw_affinity(spread_KK, [f"class {k}" for k in range(250)], np.arange(250) + 1)
    # Those that are left out are in no image: the rest is the whole.
    images_K = np.arange(250) + 1
    images_K[180:], spread_KK[180:], spread_KK[:, 180:] = 0, 0, 0
    spread_KK[:180, :180] *= 249 / 179
    draw_affinity(spread_KK, [f"class {k}" for k in range(250)], images_K)
    assert [words.line for words in drawn] == [
        "percent; a row supports a column",
        "percent; a row supports a column (200 most frequent of 250)",
        "percent; a row supports a column; columns sum to 100 (200 most frequent of 250)",
    ]


@pytest.mark.parametrize("num_classes", [1, 2, 3, 11])
def test_the_caption_fits_the_picture(num_classes: int) -> None:
    """Its last letter has paper to its right."""
    affinity_KK = np.full((num_classes, num_classes), 1 / max(1, num_classes - 1))
    picture_HWC = draw_affinity(affinity_KK, ["a"] * num_classes, np.full(num_classes, 3))
    layout = _Layout.of(["a"] * num_classes)
    assert (picture_HWC[: 20 + 3 * layout.title, -8:] == PAPER).all()


def test_many_classes_are_cut_to_the_most_frequent() -> None:
    affinity_KK = np.eye(250)
    affinity_KK[249, 50], affinity_KK[248, 49] = 0.7, 0.9  # Class 49 is the 201st.
    picture_HWC = draw_affinity(affinity_KK, [f"class {k}" for k in range(250)], np.arange(250) + 1)
    assert max(picture_HWC.shape) < 4000
    found = cells(picture_HWC, [f"class {k}" for k in range(249, 49, -1)])
    assert found[0, 199].tolist() == share_colours(np.array(0.7), is_blue=True).tolist()
    assert not (found == share_colours(np.array(0.9), is_blue=True)).all(axis=-1).any()


def test_names_must_fit() -> None:
    with pytest.raises(BadInput, match="names must be one a class of the matrix, but got 2 for 3; pass the taxonomy's"):
        draw_affinity(AFFINITY_KK, ("sky", "car"), np.array([9, 5, 0]))
