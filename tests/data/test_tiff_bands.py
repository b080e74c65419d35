"""Any rows of a TIFF in pieces are the rows of the whole picture, for every layout and compression."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from mereo.data.pictures.image_bands import ArrayBands, ImageBands, open_bands, resized_rows
from mereo.data.pictures.image_reading import read_image
from mereo.data.pictures.tiff_bands import TiffBands
from mereo.errors import BadInput


def smooth_picture(height: int = 300, width: int = 210, channels: int = 3) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / (9 + 2 * c)) + np.cos(columns / (7 + 3 * c)) for c in range(channels)]
    return ((np.stack(waves, axis=-1) + 2) * 63).astype(np.uint8)


def assert_same_rows(bands: ImageBands, whole_HW3: np.ndarray) -> None:
    height = len(whole_HW3)
    assert bands.size == whole_HW3.shape[:2]
    for start, stop in ((0, 1), (0, 70), (50, 130), (127, 129), (height - 1, height), (0, height), (5, 6)):
        assert np.array_equal(bands.read(start, stop), whole_HW3[start:stop]), (start, stop)


def with_pillow(path: Path, image: np.ndarray, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Path:
    monkeypatch.setattr(TiffImagePlugin, "STRIP_SIZE", 16384)  # Several strips in a small picture.
    Image.fromarray(image).save(path, **options)
    return path


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_deflate", "packbits", "jpeg", "tiff_adobe_deflate"])
def test_strips_of_every_compression(tmp_path: Path, compression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = with_pillow(tmp_path / "a.tif", smooth_picture(), monkeypatch, compression=compression)
    with Image.open(path) as picture:
        assert compression == "raw" or len(picture.tag_v2[273]) > 3
    assert_same_rows(TiffBands(path), read_image(path))


@pytest.mark.parametrize("channels", [1, 4])
def test_grey_and_transparent_strips(tmp_path: Path, channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    image = smooth_picture(channels=channels)
    path = with_pillow(
        tmp_path / "a.tif", image[..., 0] if channels == 1 else image, monkeypatch, compression="tiff_lzw"
    )
    assert_same_rows(TiffBands(path), read_image(path))


@pytest.mark.parametrize("tile", [(16, 16), (64, 128), (128, 64), (512, 512)])
@pytest.mark.parametrize(("compression", "predictor"), [(None, False), ("zlib", False), ("zlib", True)])
def test_tiles(tmp_path: Path, tile: tuple[int, int], compression: str | None, predictor: bool) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", smooth_picture(), tile=tile, compression=compression, predictor=predictor, photometric="rgb"
    )
    assert_same_rows(TiffBands(tmp_path / "a.tif"), smooth_picture())


# Pillow reads no BigTIFF whose most significant byte comes first.
@pytest.mark.parametrize(("byteorder", "bigtiff"), [("<", False), (">", False), ("<", True)])
def test_sixteen_bits_in_either_byte_order(tmp_path: Path, byteorder: Any, bigtiff: bool) -> None:
    grey_HW = smooth_picture()[..., 0].astype(np.uint16) * 257
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, grey_HW, tile=(64, 64), compression="zlib", byteorder=byteorder, bigtiff=bigtiff)
    assert_same_rows(TiffBands(path), smooth_picture()[..., :1].repeat(3, axis=-1))


def test_pieces_are_decoded_once_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tifffile.imwrite(tmp_path / "a.tif", smooth_picture(256, 256), tile=(64, 64), photometric="rgb")
    bands, decoded = TiffBands(tmp_path / "a.tif"), []
    monkeypatch.setattr(
        bands, "_piece", lambda *arguments: decoded.append(arguments[1]) or TiffBands._piece(bands, *arguments)
    )
    for start in range(0, 256, 16):
        bands.read(start, min(start + 32, 256))
    assert decoded == list(range(16))


def test_missing_tiles_are_black(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, smooth_picture(128, 128), tile=(64, 64), photometric="rgb")
    with tifffile.TiffFile(path) as tiff:
        tag = tiff.pages[0].tags["TileByteCounts"]
        order, place = tiff.byteorder, tag.valueoffset
        size = {3: "H", 4: "I"}[int(tag.dtype)]
    content = bytearray(path.read_bytes())
    content[place : place + struct.calcsize(size)] = struct.pack(order + size, 0)
    path.write_bytes(content)
    read = TiffBands(path).read(0, 128)
    assert (read[:64, :64] == 0).all() and np.array_equal(read[:, 64:], smooth_picture(128, 128)[:, 64:])


def test_a_cut_file_is_named_with_its_piece(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, smooth_picture(256, 256), tile=(64, 64), photometric="rgb")
    path.write_bytes(path.read_bytes()[:-5000])
    bands = TiffBands(path)
    bands.read(0, 64)
    with pytest.raises(BadInput, match="a TIFF must be complete, but got the file's end in piece 1[45] of .*a.tif"):
        bands.read(0, 256)


def test_broken_bytes_in_a_piece_are_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, smooth_picture(256, 256), tile=(64, 64), compression="zlib", photometric="rgb")
    content = bytearray(path.read_bytes())
    content[-12192:-12000] = b"\xff" * 192  # The start of the last tile.
    path.write_bytes(content)
    with pytest.raises(BadInput, match="an image must be complete and undamaged, .* in piece .*a.tif"):
        TiffBands(path).read(0, 256)


def huge_tiff(path: Path, **tags: tuple[int, str, Any]) -> Path:
    """A header that claims a huge picture, with hardly any content."""
    tifffile.imwrite(path, np.zeros((64, 64, 3), dtype=np.uint8), tile=(64, 64), photometric="rgb")
    with tifffile.TiffFile(path, mode="r+b") as tiff:
        for name, value in tags.items():
            tiff.pages[0].tags[name].overwrite(value)
    return path


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"ImageWidth": 10_000_000}, "sides of at most 200000"),
        ({"ImageWidth": 100_000}, "say where its 1563 tiles or strips lie, but got 1 places"),
        ({"ImageWidth": 100_000, "TileWidth": 60_000, "TileLength": 60_000}, "at most 64,000,000 pixels"),
        ({"TileWidth": 0}, "must"),
    ],
)
def test_headers_that_lie_are_refused_before_anything_is_decoded(
    tmp_path: Path, tags: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        TiffBands(huge_tiff(tmp_path / "a.tif", **tags))


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (np.zeros((64, 64), dtype=np.float32), {}, "32 bits"),
        (np.zeros((3, 64, 64), dtype=np.uint8), {"photometric": "rgb", "planarconfig": "separate"}, "separate planes"),
        (np.zeros((64, 64), dtype=np.uint8), {"extratags": [(274, "H", 1, 6, True)]}, "orientation 6"),
    ],
)
def test_layouts_that_cannot_be_read_in_bands_are_refused(
    tmp_path: Path, image: np.ndarray, options: dict[str, Any], message: str
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", image, **options)
    with pytest.raises(BadInput, match=message):
        TiffBands(tmp_path / "a.tif")


def test_only_a_tiff_beyond_the_cap_is_read_in_bands(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", smooth_picture(), tile=(64, 64), photometric="rgb")
    Image.fromarray(smooth_picture()).save(tmp_path / "a.png")
    assert isinstance(open_bands(tmp_path / "a.tif", max_pixels=1000), TiffBands)
    assert isinstance(open_bands(tmp_path / "a.tif"), ArrayBands)
    with pytest.raises(BadInput, match="at most 1,000 pixels"):
        open_bands(tmp_path / "a.png", max_pixels=1000)


@given(st.integers(1, 300), st.integers(1, 210), st.data())
def test_bands_of_a_reduced_picture_have_no_seam(new_height: int, new_width: int, data: st.DataObject) -> None:
    whole = smooth_picture()
    start = data.draw(st.integers(0, new_height - 1))
    stop = data.draw(st.integers(start + 1, new_height))
    expected = np.asarray(Image.fromarray(whole).resize((new_width, new_height), Image.Resampling.BILINEAR))
    rows = resized_rows(ArrayBands(whole), (new_height, new_width), start, stop)
    assert rows.shape == (stop - start, new_width, 3)
    assert np.abs(rows.astype(int) - expected[start:stop]).max() <= 1  # Rounded once more, at most.
