"""Tiles against the whole: equal where a parser looks only nearby, within a stated share of pixels for real parsers."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_parser import TAXONOMY, random_image, tiny_parser
from torch import Tensor, nn

from mereo.data.drawn_scenes import DrawnScenes
from mereo.data.pictures.image_bands import ArrayBands
from mereo.data.pictures.tiff_bands import TiffBands
from mereo.errors import BadInput
from mereo.features.feature_maps import FeatureLayout, FeatureMaps
from mereo.heads.pixel_classes import PixelClasses
from mereo.parser.asking.tiled_parsing import AUTO_WHOLE_PIXELS, label_bands, tile_side_for
from mereo.parser.preprocessing import PreprocessingConfig
from mereo.parser.scene_parser import SceneParser
from mereo.parser.weights import load


class NearSighted(nn.Module):
    """A backbone of stride 4 whose cells see no further than 10 pixels beyond themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.layout = FeatureLayout((6,), (4,))
        self.convs = nn.Sequential(
            nn.Conv2d(3, 6, 5, stride=2, padding=2), nn.Tanh(), nn.Conv2d(6, 6, 3, stride=2, padding=1), nn.Tanh()
        )

    def forward(self, image_BCHW: Tensor) -> FeatureMaps:
        return FeatureMaps((self.convs(image_BCHW),), (4,))


def near_sighted() -> SceneParser:
    torch.manual_seed(0)
    backbone = NearSighted()
    head = PixelClasses(backbone.layout, num_classes=3)
    nn.init.normal_(head.classify.weight, std=3.0)
    preprocessing = PreprocessingConfig(working_side=64)
    return SceneParser(backbone, (), (head,), taxonomy=TAXONOMY, preprocessing=preprocessing).eval()


NEAR_SIGHTED = near_sighted()


def share_of_difference(first_HW: np.ndarray, second_HW: np.ndarray) -> float:
    return float((first_HW != second_HW).mean())


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from([64, 96, 128, 256]), st.booleans())
def test_what_looks_only_nearby_says_the_same_in_tiles(height: int, width: int, tile: int, flip: bool) -> None:
    # The mirrored picture's cells lie elsewhere where the width is no multiple of a cell: in the whole, too.
    image_HWC = random_image(height, -(-width // 4) * 4 if flip else width)
    options = {"flip": flip, "with_confidence": True}
    whole = NEAR_SIGHTED.parse(image_HWC, working_side=max(image_HWC.shape), **options)
    tiled = NEAR_SIGHTED.parse(image_HWC, tile=tile, **options)
    assert share_of_difference(whole.semantic, tiled.semantic) <= 1e-4 + 1 / (height * width)
    assert whole.confidence is not None and tiled.confidence is not None
    np.testing.assert_allclose(tiled.confidence, whole.confidence, atol=2e-3)


def test_several_classes_are_told_apart_in_these_tests() -> None:
    assert len(NEAR_SIGHTED.parse(random_image(100, 100)).names_found) == 3


def test_reduced_pictures_too() -> None:
    """Pillow's 8-bit reduction against torch's in floats: pixels on the border of two classes may differ."""
    image_HWC = random_image(500, 700)
    whole = NEAR_SIGHTED.parse(image_HWC, working_side=350)
    tiled = NEAR_SIGHTED.parse(image_HWC, working_side=350, tile=128)
    assert whole.semantic.shape == tiled.semantic.shape == (500, 700)
    assert share_of_difference(whole.semantic, tiled.semantic) < 0.01


@pytest.mark.parametrize("path", ["fcn", "deeplabv3", "upernet"])
def test_one_tile_that_holds_everything_is_the_whole(path: str) -> None:
    parser, image_HWC = tiny_parser(path), random_image(300, 420)
    options = {"scales": (1.0, 0.75), "flip": True}
    whole = parser.parse(image_HWC, working_side=420, **options)
    assert np.array_equal(parser.parse(image_HWC, tile=512, **options).semantic, whole.semantic)
    assert parser.parse(image_HWC, tile=256, **options).semantic.shape == (300, 420)


@pytest.mark.slow
def test_the_built_in_parser_differs_in_few_pixels() -> None:
    """It pools over the whole picture, which a tile does not see: the share that docs/parsing.md states."""
    sample = DrawnScenes(1, seed=3, size=(720, 960), kinds=("street",))[0]
    image_HWC = np.ascontiguousarray(np.moveaxis(np.asarray(sample.image_CHW), 0, -1))
    parser = load("street")
    whole = parser.parse(image_HWC, working_side=960)
    assert share_of_difference(parser.parse(image_HWC, tile=512).semantic, whole.semantic) < 0.1


def test_bands_come_from_top_to_bottom_and_leave_nothing_out() -> None:
    image_HWC = random_image(700, 150)
    tops = []
    whole = NEAR_SIGHTED.parse(image_HWC, tile=128).semantic
    for band in label_bands(NEAR_SIGHTED, ArrayBands(image_HWC), (700, 150), tile=128):
        tops.append(band.top)
        assert np.array_equal(band.label_HW, whole[band.top : band.top + len(band.label_HW)])
    assert tops == sorted(tops) and len(tops) > 3
    assert tops[-1] + len(band.label_HW) == 700


def test_a_tiff_read_in_bands_gives_the_labels_of_the_picture(tmp_path: Path) -> None:
    image_HWC = random_image(520, 640)
    tifffile.imwrite(tmp_path / "a.tif", image_HWC, tile=(128, 128), photometric="rgb")
    in_memory = NEAR_SIGHTED.parse(image_HWC, tile=128).semantic
    bands = label_bands(NEAR_SIGHTED, TiffBands(tmp_path / "a.tif"), (520, 640), tile=128)
    assert np.array_equal(np.concatenate([band.label_HW for band in bands]), in_memory)


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (33, 1023), (5, 64)])
def test_any_size(size: tuple[int, int]) -> None:
    image_HWC = random_image(*size)
    whole = NEAR_SIGHTED.parse(image_HWC, working_side=max(size)).semantic
    assert share_of_difference(NEAR_SIGHTED.parse(image_HWC, tile=64).semantic, whole) <= 0.002
    assert tiny_parser().parse(image_HWC, tile=64).semantic.shape == size


def test_auto_takes_tiles_only_where_one_pass_would_be_large() -> None:
    assert tile_side_for((480, 640), "auto") is None
    assert tile_side_for((1, AUTO_WHOLE_PIXELS), "auto") is None
    assert tile_side_for((6000, 8000), "auto") == 1024


@pytest.mark.parametrize("tile", [0, 63, -1, "big", True, 64.0])
def test_wrong_tiles_are_refused(tile: object) -> None:
    with pytest.raises(BadInput, match="tile must be auto or at least 64 pixels"):
        tiny_parser().parse(random_image(20, 20), tile=tile)  # type: ignore[arg-type]


def test_training_mode_is_kept() -> None:
    parser = tiny_parser().train()
    parser.parse(random_image(200, 200), tile=64)
    assert parser.training
