"""Overlay, names on regions, legend: blending against floats, outlines against loops, names inside and apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageFont

from mereo.assembly.parse import Parse
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.drawing import lettering
from mereo.drawing.legend import draw_legend, with_legend
from mereo.drawing.overlay import draw_overlay, outline, tinted
from mereo.drawing.region_names import placed_names
from mereo.errors import BadEnvironment, BadInput

NAMES = ("sky", "road", "car", "building", "tree")
TAXONOMY = Taxonomy("street", LabelTable(NAMES))


def parse_of(semantic_HW: np.ndarray, *, seed: int = 0, **others: np.ndarray) -> Parse:
    image_HWC = np.random.default_rng(seed).integers(0, 256, (*semantic_HW.shape, 3), dtype=np.uint8)
    return Parse(image_HWC, semantic_HW, TAXONOMY, **others)


def blocks(height: int, width: int) -> np.ndarray:
    """Five upright stripes."""
    return np.broadcast_to(np.arange(width) * len(NAMES) // width, (height, width)).copy()


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 1), st.integers(0, 100))
def test_tint_equals_blending_in_floats(alpha: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    image_HWC = generator.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    label_HW, colours_K3 = generator.integers(0, 4, (5, 7)), generator.integers(0, 256, (4, 3))
    expected = image_HWC * (1 - alpha) + colours_K3[label_HW] * alpha
    assert np.abs(tinted(image_HWC, label_HW, colours_K3, alpha=alpha) - expected).max() <= 0.51


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_alpha_outside_is_refused(alpha: float) -> None:
    with pytest.raises(BadInput, match="alpha must be from 0 to 1, but got"):
        draw_overlay(parse_of(blocks(4, 5)), alpha=alpha)


def test_alpha_zero_is_the_photograph() -> None:
    parse = parse_of(blocks(40, 60))
    np.testing.assert_array_equal(draw_overlay(parse, alpha=0, has_outlines=False, has_names=False), parse.image_HWC)


def test_outline_is_where_regions_meet() -> None:
    region_HW = np.random.default_rng(1).integers(0, 3, (12, 15))
    picture_HWC = np.zeros((12, 15, 3), dtype=np.uint8)
    outline(picture_HWC, region_HW)
    for row in range(12):
        for column in range(15):
            is_edge = (column < 14 and region_HW[row, column] != region_HW[row, column + 1]) or (
                row < 11 and region_HW[row, column] != region_HW[row + 1, column]
            )
            assert (picture_HWC[row, column] > 0).all() == is_edge


def test_outline_of_a_large_picture_is_light_in_a_dark_seam() -> None:
    region_HW = np.zeros((40, 2400), dtype=np.int32)
    region_HW[:, 1200:] = 1
    picture_HWC = np.full((40, 2400, 3), 128, dtype=np.uint8)
    outline(picture_HWC, region_HW)
    row = picture_HWC[20, :, 0].astype(int)
    assert 3 <= (row > 128).sum() <= 4 and (row < 128).sum() == 2
    assert (row[:1190] == 128).all() and (row[1210:] == 128).all()


def test_touching_instances_are_kept_apart() -> None:
    semantic_HW, instances_HW = np.full((20, 40), 2), np.ones((20, 40), dtype=np.int32)
    instances_HW[:, 20:] = 2
    plain = draw_overlay(parse_of(semantic_HW), has_names=False)
    apart = draw_overlay(parse_of(semantic_HW, instances=instances_HW), has_names=False)
    assert np.unique(np.nonzero((plain != apart).any(axis=2))[1]).tolist() == [19]


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (5, 5), (240, 320), (31, 2000)], ids=str)
def test_every_size_can_be_drawn(size: tuple[int, int]) -> None:
    parse = parse_of(blocks(*size))
    before = parse.image_HWC.copy()
    overlay_HWC = draw_overlay(parse)
    assert overlay_HWC.shape == (*size, 3) and overlay_HWC.dtype == np.uint8 and overlay_HWC.flags.writeable
    np.testing.assert_array_equal(parse.image_HWC, before)
    assert with_legend(overlay_HWC, parse).shape[1] == size[1]


@settings(max_examples=20, deadline=None)
@given(st.integers(30, 260), st.integers(30, 400), st.integers(0, 1000))
def test_names_stand_on_their_region_inside_and_apart(height: int, width: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    # Cells around random points: regions of many shapes.
    points = generator.random((12, 2)) * (height, width)
    rows, columns = np.mgrid[:height, :width]
    nearest = np.argmin([(rows - y) ** 2 + (columns - x) ** 2 for y, x in points], axis=0)
    label_HW = generator.integers(0, len(NAMES), 12)[nearest]
    placed = placed_names(label_HW, NAMES)
    for number, name in enumerate(placed):
        x0, y0, x1, y1 = name.box_xyxy
        assert x0 >= -0.5 and y0 >= -0.5 and x1 <= width + 0.5 and y1 <= height + 0.5
        for other in placed[:number]:
            a, b = name.box_xyxy, other.box_xyxy
            assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]
        index = next(index for index, one in enumerate(NAMES) if one.startswith(name.text.rstrip(".")))
        inside = label_HW[max(0, int(y0)) : int(y1) + 1, max(0, int(x0)) : int(x1) + 1] == index
        assert inside.any()


def test_a_name_stands_in_the_middle_of_a_plain_region() -> None:
    (name,) = placed_names(np.zeros((300, 400), dtype=np.int32), NAMES)
    assert name.text == "sky" and abs(name.centre_xy[0] - 200) <= 4 and abs(name.centre_xy[1] - 150) <= 4


def test_names_avoid_holes() -> None:
    label_HW = np.zeros((300, 400), dtype=np.int32)
    label_HW[100:200, 100:300] = 1
    placed = {name.text: name for name in placed_names(label_HW, NAMES)}
    x, y = placed["sky"].centre_xy
    assert set(placed) == {"sky", "road"} and label_HW[y, x] == 0


def test_small_regions_get_no_name() -> None:
    label_HW = np.zeros((300, 400), dtype=np.int32)
    label_HW[10:14, 10:14] = 1
    assert [name.text for name in placed_names(label_HW, NAMES)] == ["sky"]


def test_names_beyond_the_font_become_numbers() -> None:
    (name,) = placed_names(np.ones((300, 400), dtype=np.int32), ("空", "道路"))
    assert name.text == "class 1"


def test_pillow_without_freetype_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    lettering.font_of.cache_clear()
    monkeypatch.setattr(ImageFont, "load_default", lambda size: ImageFont.ImageFont())
    with pytest.raises(BadEnvironment, match="Pillow must be built with FreeType, but got one without"):
        lettering.font_of(20)


def test_legend_shows_the_colours_of_what_is_there_only() -> None:
    label_HW = np.zeros((50, 300), dtype=np.int32)
    label_HW[:, 200:] = 3
    strip_HWC = draw_legend(parse_of(label_HW), width=300)
    colours = {tuple(colour) for colour in strip_HWC.reshape(-1, 3).tolist()}
    shown = [tuple(colour) in colours for colour in TAXONOMY.objects.colours_K3.tolist()]
    assert shown == [True, False, False, True, False]


def test_a_long_legend_grows_downwards() -> None:
    many = Taxonomy("many", LabelTable(tuple(f"class {index}" for index in range(60))))
    label_HW = np.arange(60).repeat(20)[None].repeat(30, axis=0)
    parse = Parse(np.zeros((30, 1200, 3), np.uint8), label_HW, many)
    narrow, wide = draw_legend(parse, width=200), draw_legend(parse, width=480)
    assert narrow.shape[1] == 200 and narrow.shape[0] > wide.shape[0] > 100
