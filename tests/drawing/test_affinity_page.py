"""The page of an explained picture: numbers, escaped names, clicks in a browser."""

from pathlib import Path

import numpy as np
import pytest
from browser import PROGRAM, Browser
from PIL import Image

from mereo.assembly.parse import Parse
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.drawing.affinity_page import write_affinity_page
from mereo.reasoning.affinity_influences import Influence, RegionInfluences

NASTY = "<script>alert(1)</script>{{style}}"
TAXONOMY = Taxonomy("street", LabelTable(("sky", NASTY, "car")))
REGIONS = (
    RegionInfluences(0, 0.5, (Influence(1, 0.75, 0.04),), (Influence(1, 0.25, 0.08),)),
    RegionInfluences(1, 0.5, (Influence(0, 1.0, 0.02),), ()),
)


def parse_of(semantic_HW: np.ndarray) -> Parse:
    return Parse(np.full((*semantic_HW.shape, 3), 120, np.uint8), semantic_HW, TAXONOMY, name="a")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    coarse_HW = np.zeros((40, 60), dtype=np.int64)
    coarse_HW[20:] = 1
    refined_HW = coarse_HW.copy()
    refined_HW[:10, :15] = 2
    return write_affinity_page(
        tmp_path, coarse=parse_of(coarse_HW), refined=parse_of(refined_HW), regions=REGIONS, name=NASTY, chosen=1
    )


def test_what_stands_on_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert NASTY not in text and "alert(1)&lt;/script&gt;" in text
    assert "Changed: 6.3 % of the pixels" in text and "8.0 % (0.25)" in text and "Suppressed by" in text
    assert "What a region sends to itself is left out" in text
    for name in ("coarse", "refined", "changed"):
        assert Image.open(next(page.parent.glob(f"{name}.*"))).size == (60, 40)
    changed_HWC = np.asarray(Image.open(next(page.parent.glob("changed.*"))).convert("RGB")).astype(int)
    assert changed_HWC[5, 5, 0] > changed_HWC[5, 5, 2] + 60 and np.ptp(changed_HWC[30, 30]) < 12


@pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [390, 1280])
def test_clicks_choose_regions(page: Path, width: int, tmp_path: Path) -> None:
    with Browser(tmp_path / "browser", size=(width, 900)) as browser:
        browser.open(page)
        chosen = "document.querySelector('section.chosen')?.id"
        assert browser.value(chosen) == "region-1"
        browser.value(
            "(() => { const image = document.querySelector('figure.asks img'), box = image.getBoundingClientRect();"
            "image.dispatchEvent(new MouseEvent('click', {clientX: box.left + 5, clientY: box.top + 5})); })()"
        )
        assert browser.value(chosen) == "region-0"
        assert "Chosen: sky" in browser.value("document.getElementById('hint').textContent")
        assert browser.value("document.documentElement.scrollWidth") <= width
        assert browser.complaints() == []
