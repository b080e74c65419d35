"""The page of a picture's tokens: numbers, escaped names, links that lead somewhere, no script at all."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mereo.assembly.parse import Parse
from mereo.assembly.seen_tokens import seen_tokens
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.drawing.token_page import write_token_page

NASTY = "<script>alert(1)</script>{{style}}"
TAXONOMY = Taxonomy("street", LabelTable(("sky", NASTY, "car")))
SEMANTIC_HW = np.repeat([[0], [1]], 20, axis=0).repeat(60, axis=1)
WEIGHT_Khw = np.stack([np.eye(2), np.ones((2, 2))])


@pytest.fixture
def page(tmp_path: Path) -> Path:
    parse = Parse(np.full((40, 60, 3), 120, np.uint8), SEMANTIC_HW, TAXONOMY, name="a")
    matching_HWC = np.full((30, 50, 3), 200, np.uint8)
    return write_token_page(
        tmp_path,
        parse=parse,
        tokens=seen_tokens(WEIGHT_Khw, SEMANTIC_HW, 3),
        num_tokens=9,
        name=NASTY,
        matching_HWC=matching_HWC,
        is_about_a_point=True,
        notes=["Made here."],
    )


def test_what_stands_on_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert NASTY not in text and "alert(1)&lt;/script&gt;" in text
    assert "2 of 9 tokens, the one that looks at the point most first." in text
    assert "mass 67 %, entropy 0.69" in text and "50 %" in text and "Made here." in text
    assert text.count("<li class=chosen>") == 1


def test_every_link_leads_to_a_picture(page: Path) -> None:
    links = re.findall(r'src="([^"]+)" width="(\d+)" height="(\d+)"', page.read_text(encoding="utf-8"))
    assert len(links) == 2 + 2 + 1
    for link, width, height in links:
        assert link.startswith("./") and Image.open(page.parent / link).size == (int(width), int(height))
    assert (page.parent / "tokens.png").is_file() or (page.parent / "tokens.jpg").is_file()


def test_it_runs_no_script(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text and "script-src" not in text and "default-src 'none'" in text
    assert not re.search(r"https?://|style=", text)
