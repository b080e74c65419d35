"""The confusion matrix as a picture: colours say the shares, any number of classes fits, absent ones are hatched."""

import numpy as np
import pytest

from mereo.data.palette import perceived_N43
from mereo.drawing.confusion_picture import MAX_CLASSES, draw_confusion
from mereo.drawing.lettering import drawable
from mereo.drawing.matrix_picture import FAINT, HATCH, PAPER, _Layout, share_colours
from mereo.errors import BadInput


def share_colour(share: float, *, is_right: bool) -> tuple[int, ...]:
    return tuple(share_colours(np.array(share), is_blue=is_right).tolist())


def random_confusion(num_classes: int, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    confusion_KK = generator.integers(0, 100, (num_classes, num_classes))
    # Each class has another number of true pixels.
    return confusion_KK * (generator.permutation(num_classes)[:, None] + 1)


def cells(picture_HWC: np.ndarray, names: list[str]) -> np.ndarray:
    """The colour of each cell, taken in its upper left corner, beside its number (K K 3)."""
    layout = _Layout.of([drawable(name, otherwise="") for name in names])
    corners = [[layout.corner(row, column) for column in range(layout.num)] for row in range(layout.num)]
    return np.array([[picture_HWC[y + 2, x + 2] for x, y in line] for line in corners])


def test_cells_show_shares_of_the_true_class_by_frequency() -> None:
    confusion_KK, names = random_confusion(7), [f"class {index}" for index in range(7)]
    order = sorted(range(7), key=lambda index: -int(confusion_KK[index].sum()))
    found = cells(draw_confusion(confusion_KK, names), names)
    for row, true in enumerate(order):
        for column, answered in enumerate(order):
            share = confusion_KK[true, answered] / confusion_KK[true].sum()
            assert tuple(found[row, column]) == share_colour(share, is_right=row == column)


def test_a_class_without_a_true_pixel_is_hatched_and_last() -> None:
    confusion_KK = np.array([[5, 1, 2], [0, 0, 0], [1, 1, 30]])
    layout = _Layout.of(["b", "a", "nowhere"])
    picture_HWC = draw_confusion(confusion_KK, ["a", "nowhere", "b"])
    x, y = layout.corner(2, 0)
    row = picture_HWC[y + 1 : y + layout.cell - 2, x + 1 : x + 3 * layout.cell - 2].reshape(-1, 3)
    colours = {tuple(colour) for colour in np.unique(row, axis=0).tolist()}
    assert {FAINT, HATCH} <= colours
    assert not colours & {share_colour(0.0, is_right=True), share_colour(0.0, is_right=False)}
    # What was wrongly answered as this class still shows, in its column.
    wrong = tuple(cells(picture_HWC, ["b", "a", "nowhere"])[0, 2])
    assert wrong == share_colour(1 / 32, is_right=False)


def test_nothing_labelled_at_all() -> None:
    found = cells(draw_confusion(np.zeros((3, 3), int), ["a", "b", "c"]), ["a", "b", "c"])
    assert {tuple(colour) for colour in found.reshape(-1, 3).tolist()} <= {FAINT, HATCH}


@pytest.mark.parametrize("num_classes", [1, 2, 11, 19, 150])
def test_every_number_of_classes_fits(num_classes: int) -> None:
    names = [f"a rather long name of a class, number {index}" for index in range(num_classes)]
    picture_HWC = draw_confusion(random_confusion(num_classes), names)
    assert picture_HWC.dtype == np.uint8 and max(picture_HWC.shape) < 3200
    # A border of paper is left on every side: nothing is cut off.
    for side in (picture_HWC[:6], picture_HWC[-6:], picture_HWC[:, :6], picture_HWC[:, -6:]):
        assert (side == PAPER).all()


def test_of_very_many_classes_the_most_frequent_are_shown() -> None:
    num_classes = MAX_CLASSES + 400
    picture_HWC = draw_confusion(np.eye(num_classes, dtype=int), [str(index) for index in range(num_classes)])
    assert max(picture_HWC.shape) < 4000


def test_names_without_letters_of_the_font_are_drawn() -> None:
    draw_confusion(random_confusion(3), ["道路", "Straße", "a\nb"])


def test_colours_say_how_much_and_whether_right_to_every_reader() -> None:
    shares = np.linspace(0, 1, 40).tolist()
    for is_right in (True, False):
        lightness_N4 = perceived_N43(np.array([share_colour(share, is_right=is_right) for share in shares]))[..., 0]
        assert (np.diff(lightness_N4, axis=0) < 0).all(), "the larger the share, the darker"
    for share in (0.2, 0.5, 1.0):
        pair = np.array([share_colour(share, is_right=True), share_colour(share, is_right=False)])
        right_43, wrong_43 = perceived_N43(pair)
        assert np.linalg.norm(right_43 - wrong_43, axis=-1).min() > 0.08


def test_refuses_other_numbers_of_names() -> None:
    with pytest.raises(BadInput, match="names must be one a class of the matrix, but got 2 for 3"):
        draw_confusion(np.zeros((3, 3), int), ["a", "b"])
    with pytest.raises(BadInput, match="axis K must have one size everywhere"):
        draw_confusion(np.zeros((3, 2), int), ["a", "b", "c"])
