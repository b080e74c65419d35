"""The page of a picture's pyramid: numbers, escaped names, links that lead somewhere, no script at all."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "assembly"))
from test_level_answers import made_answers

from mereo.assembly.parse import Parse
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.drawing.level_page import level_shares, write_level_page

NASTY = "<script>alert(1)</script>{{style}}"
TAXONOMY = Taxonomy("street", LabelTable(("sky", NASTY, "car", "not seen")))
PARSE = Parse(np.full((8, 16, 3), 90, np.uint8), np.full((8, 16), 1), TAXONOMY)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    answers, point_xy = made_answers(), (13, 2)
    cells = answers.cells_at(*point_xy, (8, 16))
    return write_level_page(
        tmp_path, parse=PARSE, answers=answers, name=NASTY, point_xy=point_xy, cells=cells, notes=["Made here."]
    )


def test_what_stands_on_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert NASTY not in text and "alert(1)&lt;/script&gt;" in text and "Made here." in text
    assert "Level 1: 8 px" in text and "Level 2: 4 px" in text and "is at least 0.5" in text
    assert "1 left to finer levels" in text and "4 done by coarser" in text and "4 speak" in text
    assert "At 13,2" in text and text.count("<tr class=chosen>") == 1 and text.count("<li class=chosen>") == 1
    assert "not seen" not in text, "only classes that are on a picture"


def test_without_a_point(tmp_path: Path) -> None:
    text = write_level_page(tmp_path, parse=PARSE, answers=made_answers(), name="a").read_text(encoding="utf-8")
    assert "chosen>" not in text and "<table" not in text


def test_every_link_leads_to_a_picture(page: Path) -> None:
    links = re.findall(r'src="([^"]+)" width="(\d+)" height="(\d+)"', page.read_text(encoding="utf-8"))
    assert len(links) == 3 + 2 + 1, "the finest level has no unity"
    for link, width, height in links:
        assert link.startswith("./") and Image.open(page.parent / link).size == (int(width), int(height))


def test_it_runs_no_script(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text and "script-src" not in text and "default-src 'none'" in text
    assert not re.search(r"https?://|style=", text)


def test_shares_add_up() -> None:
    assert level_shares(made_answers()) == [0.5, 0.5]
