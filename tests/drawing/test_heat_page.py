"""The page of a photograph's heat: pictures that are orange where it is hot, escaped names, no script at all."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "assembly"))
from browser import PROGRAM, Browser
from test_grouped_photograph import made_hierarchy

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.drawing.heat_page import draw_answer, draw_heat, write_heat_page

NASTY = "<script>alert(1)</script>{{style}}"
HEAT_R = np.array([1.0, 0.5, 0.25, 0.0, 0.0])


@pytest.fixture
def photograph() -> GroupedPhotograph:
    return GroupedPhotograph.of(np.full((4, 12, 3), 90, np.uint8), made_hierarchy())


@pytest.fixture
def page(photograph: GroupedPhotograph, tmp_path: Path) -> Path:
    return write_heat_page(
        tmp_path,
        photograph,
        [HEAT_R, np.zeros(5)],
        name=NASTY,
        asked=NASTY,
        told=f"{NASTY} is the answer.",
        told_per_level=("33 % at least half as hot", NASTY),
        answer_hw=np.array([[True, False]]),
        nodes_per_level=(5, 1),
        point_xy=(3, 2),
        notes=["Made here."],
    )


def test_hot_is_orange(photograph: GroupedPhotograph) -> None:
    picture_HWC = draw_heat(photograph, HEAT_R, side=600).astype(int)
    warmth = [int(picture_HWC[100, 50 + 100 * one, 0] - picture_HWC[100, 50 + 100 * one, 2]) for one in range(6)]
    assert warmth[0] > warmth[1] > warmth[2] > 10 and warmth[3:] == [0, 0, 0]
    assert np.ptp(picture_HWC[:, 5:95].reshape(-1, 3), axis=0).max() == 0, "a superpixel has one heat, up to its border"
    marked_HWC = draw_heat(photograph, HEAT_R, point_xy=(9, 1), side=600)
    rows, columns = np.nonzero((marked_HWC != picture_HWC).any(axis=2))
    assert abs(columns.mean() - 475) < 2 and abs(rows.mean() - 75) < 2


def test_where_it_is_the_answer(photograph: GroupedPhotograph) -> None:
    picture_HWC = draw_answer(photograph, np.array([[True, False]]), side=600)
    assert (picture_HWC[:, :298] == 90).all() and (picture_HWC[:, 303:] < 60).all()


def test_what_stands_on_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert NASTY not in text and "alert(1)&lt;/script&gt;" in text and "Made here." in text
    assert "Level 1: 5 superpixels" in text and "Level 2: 1 group<" in text and "33 % at least half as hot<" in text


def test_every_link_leads_to_a_picture(page: Path) -> None:
    links = re.findall(r'src="([^"]+)" width="(\d+)" height="(\d+)"', page.read_text(encoding="utf-8"))
    assert len(links) == 4
    for link, width, height in links:
        assert link.startswith("./") and Image.open(page.parent / link).size == (int(width), int(height))


def test_it_runs_no_script(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text and "script-src" not in text and "default-src 'none'" in text
    assert not re.search(r"https?://|style=", text)


@pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine")
@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_widths(page: Path, width: int, tmp_path: Path) -> None:
    with Browser(tmp_path / "profile", size=(width, 844)) as browser:
        browser.open(page)
        assert browser.value("document.documentElement.scrollWidth") <= width, "nothing sticks out at the side"
        assert browser.complaints() == []
