"""The page of a grouped photograph: self-contained and escaped; in a browser clicks choose what `clicked_mask` does."""

import base64
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import PROGRAM, Browser
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "parser"))
from tiny_grouping_parser import tiny_grouping_parser
from tiny_parser import random_image

from mereo.assembly.grouped_photograph import GroupedPhotograph
from mereo.drawing import grouping_page
from mereo.drawing.grouping_page import write_grouping_page
from mereo.interaction.clicks import Click, clicked_mask, group_photograph
from mereo.regions.grouping_hierarchy import GroupRule

NASTY = "</script><script>alert(1)</script>{{data}} #50%.jpg"
SIZE = (150, 203)
RULE: GroupRule = "product"  # By which the groups of a network that has learned nothing stay apart.


@pytest.fixture(scope="module")
def photograph() -> GroupedPhotograph:
    return group_photograph(tiny_grouping_parser(), random_image(*SIZE))


@pytest.fixture(scope="module")
def page(photograph: GroupedPhotograph, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    return write_grouping_page(
        folder,
        photograph,
        name=NASTY,
        level=2,
        rule=RULE,
        clicks=[(30, 40, True), (190, 20, False)],
        notes=["Made <here>."],
    )


def data_of(page: Path) -> dict[str, Any]:
    text = page.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])  # type: ignore[index]


def test_names_from_outside_are_text(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<script>alert" not in text and "&lt;script&gt;alert(1)" in text and "Made &lt;here&gt;." in text
    assert text.count("<script") == 2, "the data and our own"
    assert data_of(page)["mask"] == "script_{{data}} #50%.mask.png"


def test_the_page_needs_nothing_from_elsewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert len(links) == 8 and all(link.startswith("./") and (page.parent / link).is_file() for link in links)
    assert not re.search(r"https?://|style=", text)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]  # type: ignore[index]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src 'sha256-" in policy
    assert (page.parent / data_of(page)["photograph"]).is_file()


def test_what_the_page_knows(page: Path, photograph: GroupedPhotograph) -> None:
    content = data_of(page)
    assert content["size"] == [150, 203] and content["level"] == 2 and content["map"][:2] == [71, 96]
    assert content["clicks"] == [[30, 40, True], [190, 20, False]]
    for level, known in enumerate(content["levels"], start=1):
        assert known["groups"] == photograph.group_of_superpixel(level, rule=RULE).tolist()
        assert known["about"].startswith(f"{photograph.num_groups(level, rule=RULE)} ")
    assert "superpixels" in content["levels"][0]["about"]


def test_a_map_that_would_be_large_is_coarser(
    photograph: GroupedPhotograph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping_page, "MAX_MAP_SIDE", 48)
    page = write_grouping_page(tmp_path, photograph, name="a.jpg", level=1)
    assert data_of(page)["map"][:2] == [36, 48]
    assert "on a grid of 48 × 36" in page.read_text(encoding="utf-8")


needs_browser = pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine")
STATUS = "document.getElementById('status').textContent"
BOX = "(b => [b.x, b.y, b.width, b.height])(document.getElementById('stage').getBoundingClientRect())"
# What the button would put on the disk, as base64.
SAVED = """new Promise(done => {
  const make = URL.createObjectURL, click = HTMLAnchorElement.prototype.click;
  URL.createObjectURL = blob => {
    const reader = new FileReader();
    reader.onload = () => { URL.createObjectURL = make; done(reader.result.split(",")[1]); };
    reader.readAsDataURL(blob);
    return "#";
  };
  HTMLAnchorElement.prototype.click = () => { HTMLAnchorElement.prototype.click = click; };
  document.getElementById("save").click();
})"""


def saved_mask(browser: Browser, folder: Path) -> np.ndarray:
    if browser.value("document.getElementById('save').disabled"):
        return np.zeros(SIZE, dtype=bool)
    (folder / "saved.png").write_bytes(base64.b64decode(browser.value(SAVED)))
    with Image.open(folder / "saved.png") as picture:
        pixels_HWC = np.asarray(picture.convert("RGB"))
    assert set(np.unique(pixels_HWC)) <= {0, 255}
    return pixels_HWC[..., 0] == 255


@needs_browser
@pytest.mark.slow
def test_clicks_in_a_browser(page: Path, photograph: GroupedPhotograph, tmp_path: Path) -> None:
    clicks = [Click(30, 40), Click(190, 20, False)]

    def agrees(browser: Browser, level: int) -> bool:
        wanted_HW = clicked_mask(photograph, clicks, level=level, rule=RULE)
        is_told = f"{len(clicks)} click" in browser.value(STATUS)
        return is_told and np.array_equal(saved_mask(browser, tmp_path), wanted_HW)

    with Browser(tmp_path / "profile") as browser:
        browser.open(page)
        assert agrees(browser, 2), "the clicks that it came with"
        x, y, width, height = browser.value(BOX)

        def clicked(at: Click, kind: str = "left") -> None:
            place = x + width * (at.x + 0.5) / 203, y + height * (at.y + 0.5) / 150
            browser.mouse("mouseMoved", *place)
            if kind == "left":
                browser.click(*place)
            else:
                button = {"modifiers": 1, "button": "left"} if kind == "alt" else {"button": "right"}
                for event in ("mousePressed", "mouseReleased"):
                    browser.call("Input.dispatchMouseEvent", type=event, x=place[0], y=place[1], clickCount=1, **button)
            clicks.append(at)

        clicked(Click(100, 100))
        assert agrees(browser, 2) and "Under the pointer: " in browser.value(
            "document.getElementById('under').textContent"
        )
        clicked(Click(150, 120, False), "alt")
        clicked(Click(20, 140, False), "right")
        assert agrees(browser, 2)
        # The mode, then undo: with the button, with a key.
        browser.value("document.querySelector('input[value=take]').click()")
        clicked(Click(60, 20, False))
        assert agrees(browser, 2)
        browser.value("document.getElementById('undo').click()")
        browser.value("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'Backspace'}))")
        del clicks[-2:]
        assert agrees(browser, 2)
        # Levels: keys, the slider, a card.
        browser.value("document.dispatchEvent(new KeyboardEvent('keydown', {key: '1'}))")
        assert agrees(browser, 1) and browser.value("document.getElementById('level').value") == "1"
        browser.value("(s => { s.value = 3; s.dispatchEvent(new Event('input')); })(document.getElementById('level'))")
        assert browser.value("document.getElementById('level-name').textContent") == "Level 3 of 4"
        browser.value("document.querySelectorAll('#levels a')[1].click()")
        assert agrees(browser, 2)
        browser.value("document.querySelector('input[value=groups]').click()")
        assert browser.value("document.getElementById('picture').src").endswith("/level_2.jpg")
        browser.value("document.getElementById('clear').click()")
        assert browser.value("document.getElementById('save').disabled") is True
        assert browser.value(STATUS) == "Nothing is chosen yet"
        assert browser.complaints() == []


@needs_browser
@pytest.mark.slow
def test_without_a_pointer_and_with_a_finger(page: Path, photograph: GroupedPhotograph, tmp_path: Path) -> None:
    with Browser(tmp_path / "profile", size=(390, 844)) as browser:
        browser.open(page)
        browser.value("document.getElementById('clear').click(), document.getElementById('stage').focus()")
        for key in ("ArrowLeft", "ArrowLeft", "ArrowDown", "Enter"):  # The first one shows the cross in the middle.
            browser.call("Input.dispatchKeyEvent", type="keyDown", key=key)
            browser.call("Input.dispatchKeyEvent", type="keyUp", key=key)
        wanted_HW = clicked_mask(photograph, [Click(97, 79)], level=2, rule=RULE)
        np.testing.assert_array_equal(saved_mask(browser, tmp_path), wanted_HW)
        # A finger that stays takes away, and the touch that ends then is no click of its own.
        x, y, width, height = browser.value(BOX)
        at = {"x": x + width * 97.5 / 203, "y": y + height * 79.5 / 150}
        browser.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[at])
        browser.value("new Promise(done => setTimeout(done, 800))")
        browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        assert browser.value(STATUS) == "2 clicks choose 0 % of the photograph"
        # Two fingers make a pinch, and one that moves scrolls: neither clicks.
        other = at | {"x": at["x"] + 60}
        for fingers in ([at | {"id": 0}, other | {"id": 1}], [at | {"id": 0, "y": at["y"] - 40}]):
            browser.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[at | {"id": 0}])
            kind = "touchStart" if len(fingers) == 2 else "touchMove"
            browser.call("Input.dispatchTouchEvent", type=kind, touchPoints=fingers)
            browser.value("new Promise(done => setTimeout(done, 800))")
            browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        assert browser.value(STATUS) == "2 clicks choose 0 % of the photograph"
        assert browser.complaints() == []


@needs_browser
@pytest.mark.slow
@pytest.mark.parametrize(("width", "is_dark"), [(390, False), (1280, True)])
def test_widths_and_colours(width: int, is_dark: bool, page: Path, tmp_path: Path) -> None:
    with Browser(tmp_path / "profile", size=(width, 844), is_dark=is_dark) as browser:
        browser.open(page)
        assert browser.value("document.documentElement.scrollWidth") <= width, "nothing sticks out at the side"
        background = browser.value("getComputedStyle(document.body).backgroundColor")
        lightness = sum(int(number) for number in re.findall(r"\d+", background)) / 3
        assert lightness < 60 if is_dark else lightness > 200
        # Every control is at least as high as a finger needs, and has a name.
        boxes = browser.value(
            "[...document.querySelectorAll('button')].map(b => [b.getBoundingClientRect().height, b.textContent])"
        )
        assert all(height >= 34 and text for height, text in boxes)
        assert browser.complaints() == []
