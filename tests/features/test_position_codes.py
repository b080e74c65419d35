"""Position codes: the formula number by number."""

import math

import pytest
import torch

from mereo.errors import BadInput
from mereo.features.position_codes import position_codes


@pytest.mark.parametrize("width", [1, 2, 5, 8])
def test_by_the_formula(width: int) -> None:
    position_N = torch.tensor([0.0, 1.0, 2.5, 300.0], dtype=torch.float64)
    code_ND = position_codes(position_N, width=width)
    assert code_ND.shape == (4, width)
    for n, position in enumerate(position_N.tolist()):
        for column in range(width):
            angle = position / 10_000 ** ((column // 2 * 2) / width)
            assert code_ND[n, column].item() == pytest.approx(math.cos(angle) if column % 2 else math.sin(angle))


def test_positions_of_any_shape_and_whole_numbers() -> None:
    position = torch.arange(6).view(2, 3)
    code = position_codes(position, width=4)
    assert code.shape == (2, 3, 4) and code.dtype == torch.float32
    torch.testing.assert_close(code[1, 2], position_codes(torch.tensor([5.0]), width=4)[0])


def test_half_precision_counts_far() -> None:
    """The angle of cell 2047 must not be rounded to that of cell 2048."""
    code_ND = position_codes(torch.tensor([2046.0], dtype=torch.bfloat16), width=2)
    assert code_ND.dtype == torch.float32


def test_no_width() -> None:
    with pytest.raises(BadInput, match="the width of position codes must be at least 1, but got 0"):
        position_codes(torch.zeros(1), width=0)
