"""Pictures of tokens and of their matching: orange where they look, a tile each, what is too much or too little."""

import numpy as np
import pytest
from PIL import Image

from mereo.assembly.seen_tokens import SeenToken, seen_tokens
from mereo.drawing.matching_picture import draw_matching, draw_matching_with_labels
from mereo.drawing.token_pictures import GAP, TILE_WIDTH, draw_token, draw_token_sheet, lit, token_words
from mereo.errors import BadInput
from mereo.losses.concept_regions import ConceptRegions

IMAGE_HWC = np.full((60, 80, 3), 40, np.uint8)  # Dark, as a street at dusk.
LEFT_hw = np.array([[1.0, 0.0], [1.0, 0.0]])


def tokens_of(*weights_hw: np.ndarray) -> tuple[SeenToken, ...]:
    return seen_tokens(np.stack(weights_hw), np.zeros((60, 80), dtype=int), 2)


def orangeness(picture_HWC: np.ndarray) -> np.ndarray:
    return picture_HWC[..., 0].astype(int) - picture_HWC[..., 2]


def test_orange_where_the_token_looks_and_pale_elsewhere() -> None:
    picture_HWC = draw_token(IMAGE_HWC, tokens_of(LEFT_hw * 0.01)[0])
    assert picture_HWC.shape == (180, TILE_WIDTH, 3)
    assert orangeness(picture_HWC)[10, 10] > 100 and orangeness(picture_HWC)[10, -10] == 0
    assert picture_HWC[10, -10].min() > 150, "the dark photograph must be pale where nothing is said"


def test_the_dot_lies_at_the_centre() -> None:
    token = tokens_of(LEFT_hw)[0]
    picture_HWC = draw_token(IMAGE_HWC, token)
    x, y = round(token.centre_xy[0] * 3), round(token.centre_xy[1] * 3)
    assert orangeness(picture_HWC)[y, x] < 0


def test_extreme_photographs() -> None:
    for shape in ((1, 1, 3), (5000, 3, 3), (3, 5000, 3)):
        picture_HWC = draw_token(np.zeros(shape, np.uint8), seen_tokens(np.ones((1, 2, 2)), np.zeros(shape[:2]), 1)[0])
        assert picture_HWC.shape[1] == TILE_WIDTH and 1 <= picture_HWC.shape[0] <= 320


def test_a_sheet_has_a_tile_for_each() -> None:
    tokens = tokens_of(*(LEFT_hw for _ in range(8)))
    sheet_HWC = draw_token_sheet(IMAGE_HWC, tokens, ["Straße", "道路"])
    assert sheet_HWC.shape[1] == 6 * (TILE_WIDTH + GAP) + GAP
    corners = [
        (GAP + 4 + row * (180 + 40 + GAP + 6), GAP + 4 + column * (TILE_WIDTH + GAP))
        for row in (0, 1)
        for column in range(6)
    ]
    assert [orangeness(sheet_HWC)[y, x] > 100 for y, x in corners] == [True] * 8 + [False] * 4


def test_words() -> None:
    (token,) = seen_tokens(np.ones((1, 2, 2)), np.array([[0, 1], [1, 1]]), 2)
    assert token_words(token, ["sky", "road"]) == ("#0, mass 100 %, entropy 0.56", "road 75 %, sky 25 %")


def test_no_token() -> None:
    with pytest.raises(BadInput, match="a sheet of tokens must have at least one, but got none"):
        draw_token_sheet(IMAGE_HWC, (), [])


def test_lit_is_the_photograph_mixed_with_orange_by_the_share() -> None:
    half = np.asarray(lit(IMAGE_HWC, np.full((2, 2), 0.5), size=(6, 8)))[3, 4].astype(int)
    none, full = (np.asarray(lit(IMAGE_HWC, np.full((2, 2), s), size=(6, 8)))[3, 4].astype(int) for s in (0.0, 1.0))
    np.testing.assert_allclose(half, (none + full) / 2, atol=1)


def matching_case() -> tuple[np.ndarray, np.ndarray]:
    label_HW = np.zeros((60, 80), dtype=np.int64)
    label_HW[:, 40:] = 1
    probability_Khw = np.stack([LEFT_hw, 1 - LEFT_hw, np.full((2, 2), 0.05)]).astype(np.float32)
    return label_HW, probability_Khw


def test_the_matching_shows_each_component_beside_its_union() -> None:
    label_HW, probability_Khw = matching_case()
    picture_HWC = draw_matching_with_labels(
        IMAGE_HWC, probability_Khw, label_HW, class_names=["a", "b"], loss=ConceptRegions(total=2)
    )
    for row, is_left in ((0, True), (1, False)):
        y = 10 + 30 + row * (128 + 20 + 10)
        for column in (0, 1):  # The component, then the union.
            left, right = (orangeness(picture_HWC)[y, 10 + column * 180 + x] > 60 for x in (20, 150))
            assert (left, right) == (is_left, not is_left)


def test_nothing_labelled_and_names_that_do_not_fit() -> None:
    _, probability_Khw = matching_case()
    nothing = np.zeros(0, dtype=int)
    assert draw_matching(IMAGE_HWC, probability_Khw, np.zeros((0, 2, 2)), nothing, nothing, names=[]).min() < 100
    with pytest.raises(BadInput, match="names must be one a component, but got 2 for 1"):
        draw_matching(IMAGE_HWC, probability_Khw, np.ones((1, 2, 2)), nothing, nothing, names=["a", "b"])


def test_pictures_are_images() -> None:
    Image.fromarray(draw_token_sheet(IMAGE_HWC, tokens_of(LEFT_hw), ["a", "b"]))
