"""The map of a class: dots where they belong and in whose colour, thumbnails apart, a page that one can point at."""

import re
from pathlib import Path

import numpy as np
import pytest
from browser import PROGRAM, Browser
from PIL import Image

from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.drawing.class_map_page import CELL, thumbnail_sheet, write_class_map_page
from mereo.drawing.class_map_picture import (
    density_of,
    draw_dots,
    draw_thumbnails,
    main_surroundings,
    map_size,
    places_on_map,
    spread,
)
from mereo.drawing.segment_thumbnail import segment_thumbnail

NASTY = "<script>alert(1)</script>{{style}}"
TAXONOMY = Taxonomy("street", LabelTable(("sky", NASTY, "car"), colours=("#0000ff", "#00ff00", "#ff0000")))
POSITION_N2 = np.array([[0.0, 0.0], [0.5, 0.2], [1.0, 0.4], [0.98, 0.4]])
SHARE_NK = np.array([[0.6, 0.1, 0.3], [0.1, 0.6, 0.3], [0.0, 0.0, 1.0], [0.7, 0.0, 0.3]])


def thumbnail(value: int) -> bytes:
    return segment_thumbnail(np.full((60, 40, 3), value, np.uint8), (5, 5, 30, 50))


THUMBNAILS = [thumbnail(60 * number) for number in range(4)]


def test_a_dot_has_the_colour_of_what_is_most_around_it_its_own_class_aside() -> None:
    main_N = main_surroundings(SHARE_NK, 2)
    assert main_N.tolist() == [0, 1, -1, 0]
    picture_HWC = draw_dots(POSITION_N2, main_N, TAXONOMY.objects.colours_K3)
    assert picture_HWC.shape[:2] == map_size(POSITION_N2)
    for (x, y), colour in zip(places_on_map(POSITION_N2)[:2].round().astype(int), [(0, 0, 255), (0, 255, 0)]):
        assert np.abs(picture_HWC[y, x].astype(int) - colour).max() <= 12


def test_places_lie_on_the_map_and_density_where_the_places_are() -> None:
    height, width = map_size(POSITION_N2)
    place_N2 = places_on_map(POSITION_N2)
    assert (place_N2 >= 40).all() and (place_N2 <= [width - 40, height - 40]).all()
    density_HW = density_of(POSITION_N2)
    assert density_HW.shape == (height, width) and density_HW.max() == pytest.approx(1)
    x, y = place_N2[2].astype(int)
    assert density_HW[y, x - 10] > 0.9 and density_HW[0, 0] < 0.01
    assert map_size(np.zeros((1, 2))) == (640, 1400) and density_of(np.zeros((1, 2))).max() == pytest.approx(1)


def test_thumbnails_do_not_cover_each_other() -> None:
    random_N2 = np.random.default_rng(0).random((300, 2)) * 1000
    chosen = random_N2[spread(random_N2, distance=90, most=1000)]
    apart_NN = np.abs(chosen[:, None] - chosen[None]).max(axis=-1) + 1e9 * np.eye(len(chosen))
    assert apart_NN.min() >= 90 and len(chosen) > 40
    assert len(spread(random_N2, distance=90, most=5)) == 5
    picture_HWC = draw_thumbnails(POSITION_N2, np.array([0, 1, -1, 0]), THUMBNAILS, TAXONOMY.objects.colours_K3)
    x, y = places_on_map(POSITION_N2)[0].astype(int)
    assert np.abs(picture_HWC[y, x].astype(int) - 0).max() <= 4


def test_a_sheet_has_each_thumbnail_in_its_cell() -> None:
    sheet_HWC, columns, sizes = thumbnail_sheet(THUMBNAILS)
    assert max(sizes[3]) == CELL and columns == 2 and sheet_HWC.shape == (2 * CELL, 2 * CELL, 3)
    assert abs(int(sheet_HWC[CELL + 20, CELL + 20, 0]) - 180) <= 4


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return write_class_map_page(
        tmp_path,
        class_index=2,
        num_segments=9,
        position_N2=POSITION_N2,
        share_NK=SHARE_NK,
        images=[f"{number}{NASTY}.jpg" for number in range(4)],
        thumbnails=THUMBNAILS,
        taxonomy=TAXONOMY,
        notes=["Made here."],
    )


def test_what_stands_on_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<h1>Map of car</h1>" in text and "4 of 9 segments" in text and "Made here." in text
    assert NASTY not in text and "alert(1)&lt;/script&gt;" in text
    assert re.findall(r'<span class="number">([^<]+)</span>', text) == ["50 %", "25 %"]
    for link in re.findall(r'src="([^"]+)"', text):
        assert Image.open(page.parent / link).size[0] > 0
    assert not re.search(r"https?://|style=", text)


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason="no Chromium here")
def test_pointing_and_choosing_in_a_real_browser(page: Path, tmp_path: Path) -> None:
    with Browser(tmp_path / "profile") as browser:
        browser.open(page)
        left, top, width, height = browser.value(
            "(() => { const box = document.getElementById('stage').getBoundingClientRect();"
            "return [box.left, box.top, box.width, box.height]; })()"
        )
        rows, columns = map_size(POSITION_N2)

        def point(number: int) -> str:
            x, y = places_on_map(POSITION_N2)[number]
            browser.mouse("mouseMoved", left + x / columns * width, top + y / rows * height)
            return browser.value("document.getElementById('image').textContent")

        assert point(0).startswith("0") and point(1).startswith("1")
        assert browser.value("document.querySelectorAll('#around li').length") == 3
        browser.value("document.querySelector('#legend button').click()")  # Sky: the first and the last.
        assert point(1)[0] in "03"
        browser.value("document.querySelector('input[value=thumbnails]').click()")
        assert browser.value("document.getElementById('dots').hidden") is True
        assert browser.complaints() == []
