from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mereo.data.label_reading import (
    holds_colours,
    packed_colours,
    read_colours,
    read_ids,
    read_label,
    read_raw_label,
    require_same_size,
)
from mereo.data.taxonomy import LabelTable
from mereo.errors import BadInput

RAW = np.array([[0, 1, 2], [7, 255, 1]], dtype=np.uint8)
TABLE = LabelTable(names=("a", "b", "c", "d"), raw_to_index={0: 0, 1: 1, 2: 2, 7: 3, 255: None})
INDEX = np.array([[0, 1, 2], [3, 255, 1]])
COLOURS = LabelTable(names=("red", "green"), raw_to_index={0xFF0000: 0, 0x00FF00: 1, 0: None}, is_colour_coded=True)
RGB = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 0], [255, 0, 0]]], dtype=np.uint8)


def saved(path: Path, picture: Image.Image, **options) -> Path:
    picture.save(path, **options)
    return path


def palette(raw: np.ndarray) -> Image.Image:
    picture = Image.fromarray(raw).convert("P")
    picture.putpalette(list(np.random.default_rng(0).integers(0, 256, 768)))
    picture.paste(Image.fromarray(raw))
    return picture


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp"])
def test_one_channel_of_bytes(tmp_path, suffix):
    label = read_label(saved(tmp_path / f"a.{suffix}", Image.fromarray(RAW)), TABLE)
    assert label.dtype == np.int32
    np.testing.assert_array_equal(label, INDEX)


def test_a_palette_is_read_by_index_not_by_colour(tmp_path):
    picture = Image.new("P", (3, 2))
    picture.putdata([int(value) for value in RAW.ravel()])
    picture.putpalette([9, 9, 9] * 256)
    np.testing.assert_array_equal(read_label(saved(tmp_path / "a.png", picture), TABLE), INDEX)


def test_rgb_with_equal_channels_is_read_as_grey(tmp_path):
    grey = np.repeat(RAW[..., None], 3, axis=-1)
    np.testing.assert_array_equal(read_label(saved(tmp_path / "a.png", Image.fromarray(grey)), TABLE), INDEX)
    alpha = np.dstack([grey, np.full(RAW.shape, 99, np.uint8)])
    np.testing.assert_array_equal(read_label(saved(tmp_path / "b.png", Image.fromarray(alpha)), TABLE), INDEX)
    la = Image.merge("LA", [Image.fromarray(RAW), Image.new("L", (3, 2), 5)])
    np.testing.assert_array_equal(read_label(saved(tmp_path / "c.png", la), TABLE), INDEX)


def test_sixteen_bit_one_bit_and_whole_numbers(tmp_path):
    wide = LabelTable(names=("a", "b"), raw_to_index={1000: 0, 40000: 1, 65535: None})
    raw = np.array([[1000, 40000], [65535, 1000]], dtype=np.uint16)
    for suffix in ("png", "tif"):
        label = read_label(saved(tmp_path / f"w.{suffix}", Image.fromarray(raw)), wide)
        np.testing.assert_array_equal(label, [[0, 1], [255, 0]])
    label = read_label(saved(tmp_path / "i.tif", Image.fromarray(raw.astype(np.int32))), wide)
    np.testing.assert_array_equal(label, [[0, 1], [255, 0]])
    bits = Image.fromarray(np.array([[0, 255], [255, 0]], dtype=np.uint8)).convert("1")
    two = LabelTable(names=("off", "on"))
    np.testing.assert_array_equal(read_label(saved(tmp_path / "bits.png", bits), two), [[0, 1], [1, 0]])


def test_colour_coded_masks(tmp_path):
    expected = [[0, 1], [255, 0]]
    np.testing.assert_array_equal(read_label(saved(tmp_path / "a.png", Image.fromarray(RGB)), COLOURS), expected)
    rgba = Image.fromarray(np.dstack([RGB, np.zeros((2, 2), np.uint8)]))
    np.testing.assert_array_equal(read_label(saved(tmp_path / "b.png", rgba), COLOURS), expected)
    shown = Image.fromarray(RGB).convert("P", palette=Image.Palette.ADAPTIVE, colors=3)
    np.testing.assert_array_equal(read_label(saved(tmp_path / "c.png", shown), COLOURS), expected)
    black = Image.new("L", (2, 2), 0)
    np.testing.assert_array_equal(read_label(saved(tmp_path / "d.png", black), COLOURS), np.full((2, 2), 255))


def test_a_colour_outside_the_map_is_named_with_pixel_and_file(tmp_path):
    colours = RGB.copy()
    colours[1, 0] = (1, 2, 3)
    path = saved(tmp_path / "mask.png", Image.fromarray(colours))
    with pytest.raises(BadInput, match=r"colour #010203 at pixel \(row 1, column 0\) in .*mask.png"):
        read_label(path, COLOURS)


def test_an_id_outside_the_table_is_named_with_pixel_and_file(tmp_path):
    path = saved(tmp_path / "mask.png", Image.fromarray(np.array([[0, 1], [2, 19]], dtype=np.uint8)))
    with pytest.raises(BadInput, match=r"but got 19 at pixel \(row 1, column 1\) in .*mask.png"):
        read_label(path, TABLE)


def test_colours_for_a_numeric_table(tmp_path):
    path = saved(tmp_path / "mask.png", Image.fromarray(RGB))
    with pytest.raises(
        BadInput, match=r"one number a pixel, but got colour #ff0000 at pixel \(row 0, column 0\) in .*mask"
    ):
        read_label(path, TABLE)


@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_lossy_masks_are_refused(tmp_path, suffix):
    path = saved(tmp_path / f"mask.{suffix}", Image.fromarray(RAW))
    with pytest.raises(BadInput, match="stored without loss .*but got (JPEG|WEBP) in .*mask"):
        read_label(path, TABLE)
    saved(tmp_path / "x.jpg", Image.fromarray(RAW)).rename(tmp_path / "hidden.png")
    with pytest.raises(BadInput, match="stored without loss"):
        read_label(tmp_path / "hidden.png", TABLE)


def test_floats_and_wide_colour_codes_are_refused(tmp_path):
    path = saved(tmp_path / "f.tif", Image.fromarray(np.zeros((2, 2), np.float32)))
    with pytest.raises(BadInput, match="whole numbers or RGB colours, but got mode 'F'"):
        read_label(path, TABLE)
    path = saved(tmp_path / "w.png", Image.fromarray(np.zeros((2, 2), np.uint16)))
    with pytest.raises(BadInput, match="8 bits a channel, but got int32"):
        read_label(path, COLOURS)


def test_a_truncated_mask_is_named(tmp_path):
    noise = np.random.default_rng(0).integers(0, 3, (64, 64), dtype=np.uint8)
    path = saved(tmp_path / "cut.png", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(BadInput, match="complete and undamaged.*cut.png"):
        read_label(path, TABLE)


def test_the_labels_own_exif_tag_counts_only_when_asked(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    path = saved(tmp_path / "a.png", Image.fromarray(RAW), exif=exif)
    np.testing.assert_array_equal(read_label(path, TABLE), INDEX)
    np.testing.assert_array_equal(read_label(path, TABLE, is_turned_by_exif=True), np.rot90(INDEX, -1))


def test_ids_of_instances(tmp_path):
    np.testing.assert_array_equal(read_ids(saved(tmp_path / "a.png", Image.fromarray(RAW))), RAW)
    wide = np.array([[0, 65535]], dtype=np.uint16)
    np.testing.assert_array_equal(read_ids(saved(tmp_path / "b.png", Image.fromarray(wide))), wide)
    ids = read_ids(saved(tmp_path / "c.png", Image.fromarray(RGB)))
    assert ids.tolist() == [[0xFF0000, 0x00FF00], [0, 0xFF0000]] and ids.dtype == np.int32
    grey = np.repeat(RAW[..., None], 3, axis=-1)
    np.testing.assert_array_equal(read_ids(saved(tmp_path / "d.png", Image.fromarray(grey))), RAW)


def test_channels_must_be_three(tmp_path):
    with pytest.raises(BadInput, match="three channels, but got one in .*a.png"):
        read_colours(saved(tmp_path / "a.png", Image.fromarray(RAW)))


def test_sizes_are_compared_by_name():
    require_same_size(Path("i.jpg"), (3, 4), Path("l.png"), (3, 4))
    with pytest.raises(
        BadInput, match=r"size 4x3 \(i.jpg\), but got 5x3 in l.png; label and image must belong together"
    ):
        require_same_size(Path("i.jpg"), (3, 4), Path("l.png"), (3, 5))
    with pytest.raises(BadInput, match="turned by its EXIF tag and the label is not"):
        require_same_size(Path("i.jpg"), (3, 4), Path("l.png"), (4, 3), True)


def test_holds_colours(tmp_path):
    assert holds_colours(saved(tmp_path / "a.png", Image.fromarray(RGB)))
    assert not holds_colours(saved(tmp_path / "b.png", Image.fromarray(np.repeat(RAW[..., None], 3, axis=-1))))
    assert not holds_colours(saved(tmp_path / "c.png", palette(RAW)))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 5))
def test_reading_equals_a_loop_over_pixels(tmp_path_factory, seed, height, width):
    random = np.random.default_rng(seed)
    ids = random.choice(65536, size=6, replace=False)
    raw_to_index = {int(raw): (None if index == 5 else index) for index, raw in enumerate(ids)}
    table = LabelTable(names=("a", "b", "c", "d", "e"), raw_to_index=raw_to_index)
    raw = random.choice(ids, size=(height, width)).astype(np.uint16)
    path = saved(tmp_path_factory.mktemp("label") / "a.png", Image.fromarray(raw))
    expected = [[255 if raw_to_index[int(v)] is None else raw_to_index[int(v)] for v in row] for row in raw]
    np.testing.assert_array_equal(read_label(path, table), expected)
    np.testing.assert_array_equal(read_raw_label(path, is_colour_coded=False), raw)
    rgb = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    loop = [[int("{:02x}{:02x}{:02x}".format(*pixel), 16) for pixel in row] for row in rgb]
    np.testing.assert_array_equal(packed_colours(rgb), loop)
