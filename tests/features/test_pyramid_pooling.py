"""Pyramid pooling as a stage of its own. What it computes: also test_necks.py, within the feature pyramid."""

import math

import pytest
import torch
from stage_contract import StageContract
from torch import Tensor
from written_out import answer_of, brick, brick_3x3, num_parameters, small_map, trained

from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureLayout
from mereo.features.feature_pyramid import FeaturePyramid
from mereo.features.pyramid_pooling import PooledPyramid, PyramidPoolingConfig
from mereo.strict_yaml import validated


class TestPooledPyramid(StageContract):
    def build(self, layout: FeatureLayout) -> PooledPyramid:
        return PooledPyramid(layout, width=6)


def cell_mean(features_CHW: Tensor, grid_size: int, row: int, column: int) -> Tensor:
    _, height, width = features_CHW.shape
    rows = slice(row * height // grid_size, math.ceil((row + 1) * height / grid_size))
    columns = slice(column * width // grid_size, math.ceil((column + 1) * width / grid_size))
    return features_CHW[:, rows, columns].mean(dim=(1, 2))


def between(position: int, size: int, grid_size: int) -> list[tuple[int, float]]:
    """The two cells that a pixel lies between, centres at halves, and the share of each."""
    source = min(max((position + 0.5) * grid_size / size - 0.5, 0.0), grid_size - 1.0)
    first = int(source)
    return [(first, 1 - (source - first)), (min(first + 1, grid_size - 1), source - first)]


def test_by_a_loop_over_pixels_and_cells() -> None:
    torch.manual_seed(0)
    stage = trained(PooledPyramid(FeatureLayout((5,), (8,)), width=3, grid_sizes=(1, 2, 3)))
    last_BCHW = small_map(5)
    wanted = []
    for features_CHW in last_BCHW:
        maps = [features_CHW]
        for grid_size, branch in zip((1, 2, 3), stage.pooling.branches):
            spread_CHW = torch.zeros(3, 3, 4, dtype=torch.float64)
            for y in range(3):
                for x in range(4):
                    for row, row_share in between(y, 3, grid_size):
                        for column, column_share in between(x, 4, grid_size):
                            cell_C = brick(branch, cell_mean(features_CHW, grid_size, row, column))
                            spread_CHW[:, y, x] += row_share * column_share * cell_C
            maps.append(spread_CHW)
        wanted.append(brick_3x3(stage.pooling.project, torch.cat(maps)))
    torch.testing.assert_close(answer_of(stage, last_BCHW).last, torch.stack(wanted))


def test_parameters_at_the_papers_widths() -> None:
    with torch.device("meta"):
        stage = PooledPyramid(FeatureLayout((2048,), (8,)))
    # Four branches of 2048 to 512 with their norms; 3x3 from 2048 + 4 x 512 to 512 with its norm.
    assert num_parameters(stage) == 4 * (2048 * 512 + 2 * 512) + (2048 + 4 * 512) * 512 * 9 + 2 * 512 == 23_073_792


def test_the_feature_pyramid_keeps_its_keys() -> None:
    """Parsers that were saved before pyramid pooling became a stage load as they did."""
    with torch.device("meta"):
        keys = FeaturePyramid(FeatureLayout((4, 5), (4, 8)), width=3, grid_sizes=(1, 2)).state_dict()
    wanted = {f"pooling.{part}.0.weight" for part in ("branches.0", "branches.1", "project")}
    assert {key for key in keys if key.startswith("pooling.") and key.endswith(".0.weight")} == wanted


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ({"grid_sizes": []}, "grid_sizes: .*at least 1 item"),
        ({"grid_sizes": [1, 0]}, "grid_sizes.1: .*greater than or equal to 1, but got 0"),
        ({"width": 0}, "width: .*greater than or equal to 1, but got 0"),
        ({"widht": 3}, "did you mean 'width'"),
    ],
)
def test_wrong_settings(content: dict[str, object], match: str) -> None:
    with pytest.raises(BadInput, match=match):
        validated(PyramidPoolingConfig, content, source="a test")


def test_the_config_builds_what_it_says() -> None:
    stage = PyramidPoolingConfig(width=5, grid_sizes=(2,)).build(FeatureLayout((3, 4), (4, 8)))
    assert (stage.layout.channels, stage.layout.strides, len(stage.pooling.branches)) == ((3, 5), (4, 8), 1)
