"""Suffixes in names are executed."""

import pytest
import torch

from mereo.errors import BadInput
from mereo.shapes import require_shapes


def test_agreeing_shapes_pass() -> None:
    require_shapes(
        features_BChw=torch.zeros(2, 3, 4, 5),
        label_BHW=torch.zeros(2, 8, 10),
        box_N4=torch.zeros(7, 4),
        affinity_KK=torch.zeros(3, 3),
    )


def test_a_name_without_axes_is_refused() -> None:
    with pytest.raises(
        BadInput, match="tensor name must end in its axes, but got 'features'; write e.g. features_BCHW"
    ):
        require_shapes(features=torch.zeros(2))


def test_the_number_of_axes_counts() -> None:
    with pytest.raises(BadInput, match=r"label_BHW must have 3 axes \(BHW\), but got shape \(2, 3\); check its layout"):
        require_shapes(label_BHW=torch.zeros(2, 3))


def test_one_letter_has_one_size_over_all_tensors() -> None:
    with pytest.raises(BadInput, match="axis C must have one size .* got 3 in a_BC and 4 in b_CD"):
        require_shapes(a_BC=torch.zeros(2, 3), b_CD=torch.zeros(4, 5))


def test_one_letter_has_one_size_within_a_tensor() -> None:
    with pytest.raises(BadInput, match="axis K must have one size everywhere, but got 3 in affinity_KK and 4"):
        require_shapes(affinity_KK=torch.zeros(3, 4))


def test_small_and_large_letters_differ() -> None:
    require_shapes(coarse_hw=torch.zeros(2, 3), fine_HW=torch.zeros(4, 6))


def test_a_digit_is_a_size() -> None:
    with pytest.raises(BadInput, match=r"box_N4 must have 4 along its axis 4, but got shape \(7, 5\)"):
        require_shapes(box_N4=torch.zeros(7, 5))
