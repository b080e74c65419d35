"""What tokens look at: shares, centres in the picture's pixels, order."""

import math

import numpy as np
import pytest

from mereo.assembly.seen_tokens import seen_tokens

SEMANTIC_HW = np.repeat([[0, 1, 1, 2]], 4, axis=0).repeat(10, axis=0).repeat(10, axis=1)  # 40 x 40


def test_the_heaviest_first_and_the_empty_ones_left_out() -> None:
    weight_Khw = np.zeros((3, 2, 2), dtype=np.float32)
    weight_Khw[0, 0, 0], weight_Khw[2] = 0.5, 0.75
    tokens = seen_tokens(weight_Khw, SEMANTIC_HW, 4)
    assert [one.index for one in tokens] == [2, 0]
    assert [one.mass for one in tokens] == pytest.approx([3 / 3.5, 0.5 / 3.5])


def test_centres_classes_and_entropy_by_hand() -> None:
    weight_Khw = np.zeros((1, 2, 2))
    weight_Khw[0, 1, 0], weight_Khw[0, 1, 1] = 1, 3
    (token,) = seen_tokens(weight_Khw, SEMANTIC_HW, 4)
    assert token.centre_xy == pytest.approx((25.0, 30.0))
    # The left cell holds classes 0 and 1, the right one 1 and 2, each half.
    assert token.classes == ((1, 0.5), (2, pytest.approx(0.375)), (0, pytest.approx(0.125)))
    wanted = -(0.5 * math.log(0.5) + 0.375 * math.log(0.375) + 0.125 * math.log(0.125))
    assert token.entropy == pytest.approx(wanted)


def test_a_token_of_one_class_has_no_entropy() -> None:
    (token,) = seen_tokens(np.ones((1, 3, 3)), np.zeros((9, 9), dtype=int), 2)
    assert token.entropy == 0 and token.classes == ((0, 1.0),)
