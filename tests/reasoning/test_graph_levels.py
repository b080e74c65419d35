"""Which map a level looks at, and the maps at the levels' strides."""

import pytest
import torch

from mereo.reasoning.graph_levels import level_sources, maps_at_strides


@pytest.mark.parametrize(
    ("strides", "sources"),
    [
        ((2, 4, 8, 16, 32), (1, 2, 3, 4)),
        ((4, 8, 16, 16), (0, 1, 2, 3)),  # Dilated: the last map is the top, the one before it keeps its level.
        ((8, 32), (0, 0, 0, 1)),
        ((4, 32), (0, 0, 1, 1)),
        ((16, 16, 16, 16), (0, 1, 2, 3)),  # A plain ViT, four of its blocks.
    ],
)
def test_sources(strides: tuple[int, ...], sources: tuple[int, ...]) -> None:
    assert level_sources(strides, (4, 8, 16, 32)) == sources


def test_grids_of_the_levels() -> None:
    map_1111 = torch.full((1, 1, 5, 8), 3.0)
    levels = maps_at_strides([map_1111] * 4, (37, 61), (4, 8, 16, 32))
    assert [tuple(level.shape[-2:]) for level in levels] == [(10, 16), (5, 8), (3, 4), (2, 2)]
    assert levels[1] is map_1111 and all((level == 3).all() for level in levels)
