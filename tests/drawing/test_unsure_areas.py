"""Hatching: inside the mask alone, seen on every colour, all over a large area; and the mask as a file."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mereo.assembly.parse import Parse
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.drawing.unsure_areas import DARK, LIGHT, STRENGTH, hatch, stripe_pixels, write_unsure_png
from mereo.errors import BadInput

TAXONOMY = Taxonomy("street", LabelTable(("sky", "road")))


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (90, 1), (37, 53), (300, 400), (20, 1700)], ids=str)
def test_stripes_pixel_by_pixel(size: tuple[int, int]) -> None:
    generator = np.random.default_rng(0)
    picture_HWC, unsure_HW = generator.integers(0, 256, (*size, 3), dtype=np.uint8), generator.random(size) < 0.6
    expected_HWC, quarter = picture_HWC.copy(), stripe_pixels(size)
    for row in range(size[0]):
        for column in range(size[1]):
            phase = (row + column) // quarter % 4
            if unsure_HW[row, column] and phase in (0, 2):
                grey = LIGHT if phase == 0 else DARK
                expected_HWC[row, column] = np.rint(picture_HWC[row, column] * (1 - STRENGTH) + grey * STRENGTH)
    hatch(picture_HWC, unsure_HW)
    np.testing.assert_array_equal(picture_HWC, expected_HWC)


@pytest.mark.parametrize("grey", [0, 90, 128, 200, 255])
def test_stripes_are_seen_on_every_lightness(grey: int) -> None:
    picture_HWC = np.full((60, 80, 3), grey, dtype=np.uint8)
    hatch(picture_HWC, np.ones((60, 80), dtype=bool))
    assert int(picture_HWC.max()) - int(picture_HWC.min()) >= 100


def test_the_overlay_is_hatched_where_the_parse_is_unsure() -> None:
    confidence_HW = np.ones((60, 80), dtype=np.float16)
    confidence_HW[20:40, 30:60] = 0.3
    parse = Parse(np.full((60, 80, 3), 120, np.uint8), np.zeros((60, 80), int), TAXONOMY, confidence=confidence_HW)
    plain_HWC, hatched_HWC = parse.overlay(has_names=False), parse.overlay(has_names=False, unsure_below=0.5)
    rows, columns = np.nonzero((plain_HWC != hatched_HWC).any(axis=2))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 39, 30, 59)
    np.testing.assert_array_equal(parse.overlay(unsure_below=0.2), parse.overlay())


def test_the_mask_as_a_file_of_one_bit(tmp_path: Path) -> None:
    confidence_HW = np.random.default_rng(0).random((33, 47)).astype(np.float16)
    parse = Parse(np.zeros((33, 47, 3), np.uint8), np.zeros((33, 47), int), TAXONOMY, confidence=confidence_HW)
    share = write_unsure_png(tmp_path / "new" / "street.png", parse, 0.5)
    with Image.open(tmp_path / "new" / "street.png") as picture:
        assert picture.mode == "1"
        np.testing.assert_array_equal(np.asarray(picture), parse.unsure(0.5))
    assert share == parse.unsure(0.5).mean()


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(BadInput, match="axis W must have one size everywhere"):
        hatch(np.zeros((5, 6, 3), np.uint8), np.zeros((5, 7), bool))
