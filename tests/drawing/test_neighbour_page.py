"""The page of a search: numbers, boxes where they belong, escaped names, links that lead somewhere, no script."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.drawing.neighbour_page import ShownSegment, write_neighbour_page
from mereo.drawing.segment_thumbnail import segment_crop, segment_thumbnail

NASTY = "<script>alert(1)</script>{{style}}"
TAXONOMY = Taxonomy("street", LabelTable(("sky", NASTY, "car")))
IMAGE_HWC = np.random.default_rng(0).integers(0, 256, (300, 500, 3), dtype=np.uint8)


def shown(box: tuple[int, int, int, int], distance: float | None = None, *, side: int = 192) -> ShownSegment:
    content = segment_thumbnail(IMAGE_HWC, box, max_side=side)
    return ShownSegment(content, box, (300, 500), 2 if distance is None else 1, f"a/{NASTY}.jpg", distance)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    found = [shown((10, 10, 60, 40), 0.1), shown((0, 0, 500, 300), 0.4)]
    query = shown((100, 100, 200, 150), side=480)
    return write_neighbour_page(
        tmp_path, query=query, found=found, taxonomy=TAXONOMY, limits=["of the class car"], notes=["Made here."]
    )


def test_what_stands_on_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<h1>2 segments most like this: car</h1>" in text and "of the class car" in text
    assert NASTY not in text and "alert(1)&lt;/script&gt;" in text and "{{style}}.jpg" in text
    assert ">0.100<" in text and ">0.400<" in text and "100 × 50 px" in text and "Made here." in text
    widths = re.findall(r'<rect width="([\d.]+)" height="3"/>', text)
    assert widths == ["25.0", "100.0"]


def test_every_picture_is_there_and_every_box_inside_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r'src="([^"]+)" width="(\d+)" height="(\d+)"', text)
    boxes = re.findall(r'class="box k\d" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"', text)
    assert len(links) == len(boxes) == 3
    for (link, width, height), box in zip(links, boxes):
        assert Image.open(page.parent / link).size == (int(width), int(height))
        x, y, wide, high = (float(value) for value in box)
        assert x > 0 and y > 0 and x + wide < int(width) and y + high < int(height)


def test_it_runs_no_script_and_asks_nobody(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text and "script-src" not in text and "default-src 'none'" in text
    assert not re.search(r"https?://|style=", text)


def test_nothing_found(tmp_path: Path) -> None:
    page = write_neighbour_page(tmp_path, query=shown((1, 1, 9, 9)), found=[], taxonomy=TAXONOMY)
    assert "Nothing in the index fits what was asked." in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("box", [(0, 0, 1, 1), (499, 299, 500, 300), (0, 0, 500, 300), (200, 0, 210, 300)])
def test_a_crop_holds_its_box(box: tuple[int, int, int, int]) -> None:
    crop = segment_crop(box, (300, 500))
    left, top, right, bottom = crop.box_xyxy
    assert 0 <= left <= box[0] and 0 <= top <= box[1] and box[2] <= right <= 500 and box[3] <= bottom <= 300
    assert max(crop.size) <= 192
    x0, y0, x1, y1 = crop.place(box)
    assert -1e-9 <= x0 < x1 <= crop.size[0] + 1e-9 and -1e-9 <= y0 < y1 <= crop.size[1] + 1e-9
