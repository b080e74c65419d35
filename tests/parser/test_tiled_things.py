"""Things of a picture in tiles are those of the whole: told apart a tile, joined across every seam, counted once."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from tiny_mask_parser import TAXONOMY
from tiny_parser import random_image, tiny_parser
from tiny_sorting_parser import tiny_sorting_parser
from torch import Tensor, nn

from mereo.features.feature_maps import FeatureLayout, FeatureMaps, Frame
from mereo.heads.mask_queries import MaskQueriesHead, MaskQueriesPrediction, SegmentRule
from mereo.parser.preprocessing import PreprocessingConfig
from mereo.parser.scene_parser import SceneParser

ROAD, CAR = 1, 2
SURE = 20.0
NUM_CARS = 40
MERGED = "things were not told apart, since the answers of several passes were averaged: those of one class are one seg"


class MeanOfCells(nn.Module):
    """A backbone whose cells see their own 4x4 pixels alone."""

    layout = FeatureLayout((3,), (4,))

    def forward(self, image_BCHW: Tensor) -> FeatureMaps:
        return FeatureMaps((nn.functional.avg_pool2d(image_BCHW, 4, ceil_mode=True),), (4,))


class BrightPieces(MaskQueriesHead):
    """Every connected piece of bright cells is a car, and all the rest one road: as a trained head would say it, of
    the tile that it sees and of nothing else."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.segment_rule = SegmentRule()

    def forward(self, features: FeatureMaps, frame: Frame) -> MaskQueriesPrediction:
        is_bright_hw = features.maps[-1][0].mean(dim=0).numpy() > 0
        piece_hw, num_pieces = ndimage.label(is_bright_hw)
        mask_Qhw = np.stack([piece_hw == number for number in range(num_pieces + 1)])
        class_QL = np.full((num_pieces + 1, 4), -SURE)
        class_QL[0, ROAD] = class_QL[1:, CAR] = SURE
        mask_logits_Qhw = torch.from_numpy(np.where(mask_Qhw, SURE, -SURE)).float()
        return MaskQueriesPrediction(torch.from_numpy(class_QL).float()[None], mask_logits_Qhw[None])


@pytest.fixture(scope="module")
def parser() -> SceneParser:
    preprocessing = PreprocessingConfig(working_side=64)
    return SceneParser(MeanOfCells(), (), (BrightPieces(),), taxonomy=TAXONOMY, preprocessing=preprocessing).eval()


def street(seed: int = 0) -> np.ndarray:
    """512x640: forty bright cars of many sizes, none touching another, and a road train along the whole picture."""
    random = np.random.default_rng(seed)
    image_HWC = np.full((512, 640, 3), 20, dtype=np.uint8)
    for number in range(NUM_CARS):
        row, column = divmod(number, 8)
        height, width = random.integers(2, 9, 2) * 8
        top, left = row * 88 + random.integers(0, 2) * 8, column * 80 + random.integers(0, 2) * 8
        image_HWC[top : top + height, left : min(left + width, column * 80 + 72)] = 230
    image_HWC[464:488, 8:632] = 230
    return image_HWC


def same_partition(first_HW: np.ndarray, second_HW: np.ndarray) -> bool:
    pairs = np.unique(np.stack([first_HW.ravel(), second_HW.ravel()]), axis=1)
    return (
        len(np.unique(pairs[0])) == len(np.unique(pairs[1])) == pairs.shape[1] and ((pairs == 0).sum(axis=0) != 1).all()
    )


@pytest.mark.parametrize("tile", [128, 192, 256, 1024])
@pytest.mark.parametrize("flip", [False, True])
def test_forty_cars_and_a_road_train_in_tiles_are_those_of_the_whole(
    tile: int, flip: bool, parser: SceneParser
) -> None:
    image_HWC = street()
    whole = parser.parse(image_HWC, working_side=640)
    tiled = parser.parse(image_HWC, tile=tile, flip=flip)
    assert whole.instances is not None and tiled.instances is not None
    assert len(np.unique(whole.instances)) == NUM_CARS + 2, "the cars, the train, and none"
    assert np.array_equal(tiled.semantic, whole.semantic)
    assert same_partition(tiled.instances, whole.instances)
    assert sum(segment.name == "car" for segment in tiled.segments) == NUM_CARS + 1
    assert tiled.warnings == whole.warnings == ()


def test_a_reduced_picture_keeps_its_things_apart(parser: SceneParser) -> None:
    image_HWC = street(seed=1)
    tiled = parser.parse(image_HWC, working_side=320, tile=128)
    assert tiled.instances is not None and tiled.instances.shape == (512, 640)
    assert sum(segment.instance_id > 0 for segment in tiled.segments) == NUM_CARS + 1
    assert (tiled.semantic[tiled.instances > 0] == CAR).all()
    # Borders of a reduced picture lie within a pixel of the working size.
    assert float(((tiled.semantic == CAR) & (tiled.instances == 0)).mean()) < 0.02


def test_averaged_passes_say_that_things_are_merged(parser: SceneParser) -> None:
    for options in ({"flip": True}, {"scales": (0.5, 1.0)}):
        averaged = parser.parse(street(), working_side=640, **options)  # type: ignore[arg-type]
        assert averaged.instances is None and len(averaged.warnings) == 1
        assert averaged.warnings[0].startswith(MERGED)


def test_sorted_segments_have_things_in_tiles_too() -> None:
    parser, image_HWC = tiny_sorting_parser(), random_image(200, 260)
    tiled = parser.parse(image_HWC, tile=96)
    assert tiled.instances is not None and tiled.instances.max() > 0 and tiled.vectors is None
    assert (tiled.semantic[tiled.instances > 0] == CAR).all()


def test_a_parser_that_tells_nothing_apart_warns_of_nothing() -> None:
    for options in ({"tile": 64}, {"flip": True}):
        parse = tiny_parser().parse(random_image(100, 100), **options)  # type: ignore[arg-type]
        assert parse.instances is None and parse.warnings == ()
