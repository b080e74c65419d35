"""Written in bands of any height, read back by Pillow and by tifffile: the same numbers, the same colours."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from mereo.drawing import label_tiff as label_tiff_file
from mereo.drawing.label_tiff import label_tiff
from mereo.errors import BadInput

COLOURS = np.array([[0, 0, 0], [10, 20, 30], [255, 128, 0]], dtype=np.uint8)


def written(path: Path, label_HW: np.ndarray, *, band: int, colours_K3: np.ndarray = COLOURS) -> Path:
    with label_tiff(path, label_HW.shape, colours_K3) as tiff:
        for top in range(0, len(label_HW), band):
            tiff.write(label_HW[top : top + band])
    return path


@pytest.mark.parametrize(
    ("size", "band"), [((1, 1), 1), ((1, 3000), 1), ((513, 511), 1), ((1024, 1024), 200), ((1300, 700), 5000)]
)
def test_the_same_numbers_come_back(tmp_path: Path, size: tuple[int, int], band: int) -> None:
    label_HW = np.random.default_rng(0).integers(0, 3, size)
    path = written(tmp_path / "labels.tif", label_HW, band=band)
    with Image.open(path) as picture:
        assert picture.mode == "P" and np.array_equal(np.asarray(picture), label_HW)
        assert np.array_equal(np.asarray(picture.convert("RGB")), COLOURS[label_HW])
    with tifffile.TiffFile(path) as tiff:
        assert tiff.pages[0].is_tiled and np.array_equal(tiff.pages[0].asarray(), label_HW)


def test_more_classes_than_a_palette_holds(tmp_path: Path) -> None:
    label_HW = np.random.default_rng(0).integers(0, 1000, (600, 300))
    path = written(tmp_path / "labels.tif", label_HW, band=100, colours_K3=np.zeros((1000, 3), dtype=np.uint8))
    assert np.array_equal(np.asarray(Image.open(path)), label_HW)


def test_beyond_four_gigabytes_offsets_have_64_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_tiff_file, "CLASSIC_LIMIT", 1000)
    label_HW = np.random.default_rng(0).integers(0, 3, (600, 1300))
    path = written(tmp_path / "labels.tif", label_HW, band=100)
    assert path.read_bytes()[2:4] == b"+\0"
    with tifffile.TiffFile(path) as tiff:
        assert tiff.is_bigtiff and np.array_equal(tiff.pages[0].asarray(), label_HW)
    with Image.open(path) as picture:
        assert np.array_equal(np.asarray(picture), label_HW)


def test_an_unfinished_map_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="must have all its rows, but got 10 of 20"):
        with label_tiff(tmp_path / "labels.tif", (20, 5), COLOURS) as tiff:
            tiff.write(np.zeros((10, 5), dtype=np.int32))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "rows", [np.zeros((3, 4), int), np.zeros((30, 5), int), np.full((2, 5), 3), np.full((2, 5), -1)]
)
def test_wrong_rows_are_refused(tmp_path: Path, rows: np.ndarray) -> None:
    with pytest.raises(BadInput, match="must"), label_tiff(tmp_path / "labels.tif", (20, 5), COLOURS) as tiff:
        tiff.write(rows)
