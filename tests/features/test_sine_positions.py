"""Sine positions against the equation, number by number, and what attention needs of them."""

import math

import pytest
import torch

from mereo.errors import BadInput
from mereo.features.sine_positions import sine_positions


def test_every_number_by_the_equation() -> None:
    height, width, channels = 3, 5, 8
    positions_Chw = sine_positions((height, width), channels=channels).double()
    half = channels // 2
    for channel in range(channels):
        for row in range(height):
            for column in range(width):
                part = (row + 1) / (height + 1e-6) if channel < half else (column + 1) / (width + 1e-6)
                index = channel % half
                angle = 2 * math.pi * part / 10000 ** (2 * (index // 2) / half)
                wanted = math.sin(angle) if index % 2 == 0 else math.cos(angle)
                assert float(positions_Chw[channel, row, column]) == pytest.approx(wanted, abs=1e-6)


def test_no_two_pixels_are_alike() -> None:
    positions_PC = sine_positions((12, 17), channels=16).flatten(1).T
    distance_PP = torch.cdist(positions_PC, positions_PC) + torch.eye(len(positions_PC))
    assert distance_PP.min() > 1e-2


@pytest.mark.parametrize("channels", [0, 6, -4])
def test_channels_come_in_fours(channels: int) -> None:
    with pytest.raises(BadInput, match=f"channels of sine positions must be a multiple of 4, but got {channels}"):
        sine_positions((2, 2), channels=channels)
