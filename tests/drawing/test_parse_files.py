"""Files of a parse: label maps read back exactly, names that every file system takes, pictures within limits."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mereo.assembly.parse import Parse
from mereo.data.label_reading import read_label
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.drawing import parse_files
from mereo.drawing.file_stems import MAX_BYTES, UniqueStems, safe_stem
from mereo.drawing.hover_map import hover_map
from mereo.drawing.label_png import write_label_png
from mereo.drawing.parse_files import save_for_page, save_parse, write_picture
from mereo.errors import BadInput


def table_of(count: int) -> LabelTable:
    return LabelTable(tuple(f"class {index}" for index in range(count)))


def parse_of(semantic_HW: np.ndarray, num_classes: int, **others: np.ndarray) -> Parse:
    image_HWC = np.full((*semantic_HW.shape, 3), 90, dtype=np.uint8)
    return Parse(image_HWC, semantic_HW, Taxonomy("t", table_of(num_classes)), **others)


@pytest.mark.parametrize(("num_classes", "mode"), [(1, "P"), (8, "P"), (256, "P"), (257, "I;16"), (700, "I;16")])
def test_labels_are_read_back_exactly(num_classes: int, mode: str, tmp_path: Path) -> None:
    label_HW = np.random.default_rng(0).integers(0, num_classes, (30, 41)).astype(np.int32)
    label_HW[0, 0] = num_classes - 1
    table = table_of(num_classes)
    path = write_label_png(tmp_path / "sub" / "labels.png", label_HW, table.colours_K3)
    picture = Image.open(path)
    assert picture.mode == mode
    np.testing.assert_array_equal(np.asarray(picture), label_HW)
    # Mereo reads its own label maps as labels.
    np.testing.assert_array_equal(read_label(path, table), label_HW)
    if mode == "P":
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), table.colours_K3[label_HW])


@pytest.mark.parametrize("label_HW", [np.array([[0, 3]]), np.array([[-1, 0]]), np.zeros((0, 3), int)])
def test_labels_out_of_range_are_refused(label_HW: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="a label map must hold indices from 0 to 2, but got .* for .*x.png"):
        write_label_png(tmp_path / "x.png", label_HW, table_of(3).colours_K3)


@given(st.text())
def test_every_name_becomes_a_plain_one(name: str) -> None:
    stem = safe_stem(name)
    assert stem and len(stem.encode("utf-8")) <= MAX_BYTES + 1
    assert not set(stem) & set('/\\:*?"<>|\n\r\t\0') and stem.strip(" .") == stem
    assert safe_stem(stem) == stem


@given(st.lists(st.sampled_from(["a", "A", "a-2", "a-3", "b/a", "ä", "a\u0308", ""]), max_size=12))
def test_stems_are_given_once(names: list[str]) -> None:
    stems = UniqueStems()
    taken = [stems.take(name).casefold() for name in names]
    assert len(set(taken)) == len(taken)


def test_long_names_are_cut_between_letters() -> None:
    stem = safe_stem("道" * 3000)
    assert stem == "道" * 40


def test_a_stem_with_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"stem must be a plain file name, but got '\.\./x'; e.g. 'x'"):
        save_parse(parse_of(np.zeros((3, 3), int), 2), tmp_path, stem="../x")


def test_pictures_beyond_jpeg_become_png(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse_files, "MAX_JPEG_SIDE", 50)
    small = write_picture(tmp_path / "a.b", np.zeros((50, 50, 3), np.uint8))
    long = write_picture(tmp_path / "c.d", np.zeros((1, 51, 3), np.uint8))
    assert (small.name, long.name) == ("a.b.jpg", "c.d.png")
    assert Image.open(small).format == "JPEG" and Image.open(long).format == "PNG"


def test_page_pictures_are_reduced_and_labels_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse_files, "MAX_OVERLAY_SIDE", 100)
    semantic_HW = np.repeat([0, 1], 150)[:, None].repeat(200, axis=1)
    instances_HW = (semantic_HW == 1).astype(np.int32)
    image = save_for_page(parse_of(semantic_HW, 2, instances=instances_HW), tmp_path, stem="s", source="in/s.jpg")
    assert Image.open(tmp_path / image.labels).size == (200, 300)
    assert Image.open(tmp_path / image.overlay).size == Image.open(tmp_path / image.photograph).size == (67, 100)
    assert max(Image.open(tmp_path / image.thumbnail).size) <= 480
    assert json.loads(json.dumps(image.to_dict()))["segments"][1]["instance_id"] == 1


def test_labels_of_a_reduced_picture_lie_where_its_pixels_do() -> None:
    semantic_HW = np.zeros((8, 40), int)
    semantic_HW[[0, -1]] = semantic_HW[:, [0, -1]] = 1
    small = parse_files.reduced(parse_of(semantic_HW, 2, instances=semantic_HW.astype(np.int32)), 10)
    assert small.size == (2, 10)
    assert not small.semantic.any() and small.instances is not None and not small.instances.any()


def decoded(runs: str) -> list[int]:
    """The page's decoder, in Python."""
    import base64

    numbers, value, shift = [], 0, 0
    for byte in base64.b64decode(runs):
        value, shift = value | (byte & 127) << shift, shift + 7
        if not byte & 128:
            numbers.append(value)
            value = shift = 0
    return [one for value, length in zip(numbers[::2], numbers[1::2]) for one in [value] * length]


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 100))
def test_hover_map_names_the_segment_of_each_pixel(height: int, width: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    semantic_HW = generator.integers(0, 3, (height, width))
    instances_HW = np.where(semantic_HW == 2, generator.integers(0, 3, (height, width)), 0)
    parse = parse_of(semantic_HW, 3, instances=instances_HW)
    hover = hover_map(parse)
    assert hover.size == (height, width)  # Small enough to be kept pixel by pixel.
    for position, semantic, instance in zip(decoded(hover.runs), semantic_HW.ravel(), instances_HW.ravel()):
        segment = parse.segments[position]
        assert (segment.class_index, segment.instance_id) == (semantic, instance)


def test_hover_map_of_a_large_image_is_coarse() -> None:
    semantic_HW = np.arange(4).repeat(250)[:, None].repeat(2000, axis=1)
    hover = hover_map(parse_of(semantic_HW, 4))
    assert hover.size == (160, 320) and len(hover.runs) < 40
    assert len(decoded(hover.runs)) == 160 * 320


def test_shares_of_levels_are_told_where_a_pyramid_answered(tmp_path: Path) -> None:
    level_HW = np.zeros((6, 10), dtype=np.uint8)
    level_HW[:, 4:], level_HW[0, 0] = 1, 3
    semantic_HW = np.zeros((6, 10), dtype=int)
    files = save_parse(parse_of(semantic_HW, 2, answer_level=level_HW), tmp_path, stem="a")
    told = json.loads(files.description.read_text())["answer_levels"]
    assert told == [
        {"level": 0, "share": pytest.approx(23 / 60, abs=1e-6)},
        {"level": 1, "share": 0.6},
        {"level": 3, "share": pytest.approx(1 / 60, abs=1e-6)},
    ]
    image = save_for_page(parse_of(semantic_HW, 2, answer_level=level_HW), tmp_path, stem="b", source="b.jpg")
    assert image.to_dict()["answer_levels"] == told
    plain = save_parse(parse_of(semantic_HW, 2), tmp_path, stem="c")
    assert "answer_levels" not in json.loads(plain.description.read_text())
