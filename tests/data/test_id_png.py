"""PNGs of ids against Pillow, which reads what it did not write."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from mereo.data.formats import id_png as module
from mereo.data.formats.coco_panoptic_maps import read_segment_ids
from mereo.data.formats.id_png import MAX_ID, id_png, write_id_png
from mereo.errors import BadInput


def by_pillow(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        assert picture.mode == "RGB" and picture.format == "PNG"
        red, green, blue = np.asarray(picture).astype(int).transpose(2, 0, 1)
    return red + 256 * green + 65536 * blue


@given(
    arrays(
        st.sampled_from([np.int32, np.int64, np.uint32, np.uint64]),
        array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements=st.integers(0, MAX_ID),
    ),
    st.integers(1, 30),
)
@settings(max_examples=50, deadline=None)
def test_read_back(tmp_path_factory, ids_HW, band_pixels):
    path = tmp_path_factory.getbasetemp() / "ids.png"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BAND_PIXELS", band_pixels)
        assert write_id_png(path, ids_HW) == path
    np.testing.assert_array_equal(by_pillow(path), ids_HW)
    np.testing.assert_array_equal(read_segment_ids(path), ids_HW)
    again = write_id_png(path.with_name("again.png"), ids_HW).read_bytes()
    # The same ids in another type and another order in memory are the same file.
    assert again == write_id_png(path, np.asfortranarray(ids_HW.astype(np.int32))).read_bytes()


@pytest.mark.parametrize("shape", [(1, 1), (1, 60_000), (60_000, 1), (3, 100_003)])
def test_long_and_thin(shape, tmp_path):
    ids_HW = np.random.default_rng(0).integers(0, MAX_ID + 1, shape)
    np.testing.assert_array_equal(by_pillow(write_id_png(tmp_path / "a" / "ids.png", ids_HW)), ids_HW)


def test_bands_of_any_height(tmp_path):
    ids_HW = np.random.default_rng(0).integers(0, MAX_ID + 1, (50, 7))
    with id_png(tmp_path / "a.png", (50, 7)) as png:
        for top, bottom in ((0, 1), (1, 30), (30, 50)):
            png.write(ids_HW[top:bottom])
    np.testing.assert_array_equal(by_pillow(tmp_path / "a.png"), ids_HW)


@pytest.mark.parametrize(
    ("ids_HW", "message"),
    [
        (np.array([1, 2]), r"rows and columns, but got shape \(2,\) for .*x.png"),
        (np.zeros((0, 2), int), r"rows and columns, but got shape \(0, 2\) for .*x.png"),
        (np.ones((2, 2)), "whole numbers in rows of 2, but got float64"),
        (np.array([[0, -1]]), "between 0 and 16777215 .* but got -1..0 for .*x.png"),
        (np.array([[0], [1 << 24]]), "between 0 and 16777215 .* but got 0..16777216 for .*x.png"),
    ],
)
def test_refuses_and_leaves_no_file(ids_HW, message, tmp_path):
    with pytest.raises(BadInput, match=message):
        write_id_png(tmp_path / "x.png", ids_HW)
    assert not list(tmp_path.iterdir())


def test_bands_must_add_up(tmp_path):
    band = np.ones((2, 3), dtype=np.int32)
    with (
        pytest.raises(BadInput, match="add up to 5 rows, but got 2 for .*x.png"),
        id_png(tmp_path / "x.png", (5, 3)) as png,
    ):
        png.write(band)
    with pytest.raises(BadInput, match=r"in rows of 4, but got int32 of shape \(2, 3\)"):
        with id_png(tmp_path / "x.png", (2, 4)) as png:
            png.write(band)
    assert not list(tmp_path.iterdir())
