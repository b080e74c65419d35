"""index.html: self-contained, escaped, limited; and in a real browser: pointing, choosing, filtering, two widths."""

import base64
import hashlib
import html.parser
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from mereo.assembly.parse import Parse
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.drawing.parse_files import ParsedImage, SkippedImage, save_for_page
from mereo.drawing.parse_page import write_parse_page

sys.path.insert(0, str(Path(__file__).parent))
from browser import PROGRAM, Browser

NASTY = "</script><script>alert(1)</script>&\"'{{data}} #50%\n\udcff.jpg"
TAXONOMY = Taxonomy("street", LabelTable(("sky", "road", "<b>car</b>")), is_thing=(False, False, True))


class Elements(html.parser.HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))

    def values(self, *names: str) -> list[str]:
        return [value for _, attributes in self.found for name in names if (value := attributes.get(name))]


def image_of(folder: Path, stem: str, source: str, semantic_HW: np.ndarray) -> ParsedImage:
    image_HWC = np.full((*semantic_HW.shape, 3), 128, dtype=np.uint8)
    return save_for_page(Parse(image_HWC, semantic_HW, TAXONOMY, name=stem), folder, stem=stem, source=source)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """Three images: sky over road; the same with a car; an all-sky image with a nasty name."""
    street_HW = np.repeat([0, 1], 60)[:, None].repeat(160, axis=1)
    car_HW = street_HW.copy()
    car_HW[70:110, 20:80] = 2
    images = [
        image_of(tmp_path, "street", "in/street.jpg", street_HW),
        image_of(tmp_path, "car", "in/sub/car.jpg", car_HW),
        image_of(tmp_path, "nasty #50% ü", f"in/{NASTY}", np.zeros((50, 90), dtype=np.int32)),
    ]
    skipped = [SkippedImage("in/<img src=x>.jpg", "an image must be JPEG, but got <b>nothing</b>.")]
    return write_parse_page(
        tmp_path / "index.html", images, skipped, taxonomy=TAXONOMY, parser_name="<i>mine</i>", notes=["Made <here>."]
    )


def data_of(page: Path) -> dict:
    text = page.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])  # type: ignore[index]


def test_names_from_outside_are_text(page: Path) -> None:
    elements = Elements(page.read_text(encoding="utf-8"))
    tags = [tag for tag, _ in elements.found]
    # The data and our own script; no element of a file name's making.
    assert tags.count("script") == 2 and "b" not in tags and "i" not in tags
    assert tags.count("img") == 2 + 3
    assert not [name for _, attributes in elements.found for name in attributes if name.startswith("on")]
    assert data_of(page)["images"][2]["name"].startswith("</script><script>alert(1)</script>&\"'{{data}} #50%\\n")


def test_the_page_needs_nothing_from_elsewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    elements = Elements(text)
    links = [link for link in elements.values("src", "href") if link != "report.json"]
    assert links and all(link.startswith("./") for link in links)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
    from urllib.parse import unquote

    for link in links:
        assert (page.parent / unquote(link)).is_file()


def test_the_security_policy_allows_our_script_and_style_alone(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]  # type: ignore[index]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        content = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.S)[0]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    assert not Elements(text).values("style"), "style attributes are refused by the policy"


def test_pictures_have_words_and_wait_until_they_are_seen(page: Path) -> None:
    cards = [attributes for tag, attributes in Elements(page.read_text("utf-8")).found if attributes.get("loading")]
    assert [card["alt"] for card in cards[:2]] == [
        "Overlay of street.jpg: sky 50 %, road 50 %",
        "Overlay of sub/car.jpg: sky 50 %, road 38 %, <b>car</b> 13 %",
    ]
    assert all(card["loading"] == "lazy" and card["width"] and card["height"] for card in cards)


def test_what_was_skipped_is_told(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "3 images parsed, 1 skipped" in text
    assert "&lt;img src=x&gt;.jpg" in text and "but got &lt;b&gt;nothing&lt;/b&gt;." in text


def test_maps_for_pointing_stay_within_their_budget(page: Path, tmp_path: Path) -> None:
    maps = [image["hover"] for image in data_of(page)["images"]]
    assert all(maps) and maps[0][:2] == [120, 160]
    image = image_of(tmp_path, "x", "x.jpg", np.zeros((50, 90), dtype=np.int32))
    many = write_parse_page(
        tmp_path / "many.html", [image] * 5, [], taxonomy=TAXONOMY, parser_name="p", max_hover_bytes=8
    )
    assert [bool(one["hover"]) for one in data_of(many)["images"]] == [True, True, False, False, False]


def test_one_page_of_thousands_stays_small(tmp_path: Path) -> None:
    image = image_of(tmp_path, "x", "x.jpg", np.arange(3).repeat(40)[None].repeat(90, axis=0))
    page = write_parse_page(tmp_path / "index.html", [image] * 3000, [], taxonomy=TAXONOMY, parser_name="p")
    assert page.stat().st_size < 3000 * 3000


needs_browser = pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine")
ROWS = "[...document.querySelectorAll('#segments button')]"
SHOWN = "[...document.querySelectorAll('#cards li')].filter(card => !card.hidden).length"
BOX = "(b => [b.x, b.y, b.width, b.height])(document.getElementById('stage').getBoundingClientRect())"


@needs_browser
@pytest.mark.slow
def test_in_a_browser(page: Path, tmp_path: Path) -> None:
    (page.parent / "report.json").write_text("{}")
    with Browser(tmp_path / "profile") as browser:
        browser.open(page)
        assert browser.value("document.getElementById('name').textContent") == "street.jpg"
        # Choose the second card; point at its car, then at its sky.
        browser.value("document.querySelectorAll('#cards a')[1].click()")
        assert browser.value("document.getElementById('name').textContent") == "sub/car.jpg"
        assert browser.value("document.getElementById('layer').decode().then(() => true)")
        x, y, width, height = browser.value(BOX)
        browser.mouse("mouseMoved", x + width * 50 / 160, y + height * 90 / 120)
        assert browser.value("document.getElementById('tip-text').textContent") == "<b>car</b>  13 %"
        browser.mouse("mouseMoved", x + width * 50 / 160, y + height * 30 / 120)
        assert browser.value("document.getElementById('tip-text').textContent") == "sky  50 %"
        # A click keeps one class in the light: its row is pressed, the rest of the picture is in shade.
        browser.click(x + width * 50 / 160, y + height * 90 / 120)
        assert browser.value(f"{ROWS}.map(row => row.getAttribute('aria-pressed'))") == ["false", "false", "true"]
        pixel = "document.getElementById('spotlight').getContext('2d').getImageData({}, {}, 1, 1).data[3]"
        assert browser.value(pixel.format(50, 90)) == 0 and browser.value(pixel.format(50, 30)) > 100
        # Views and opacity.
        browser.value("document.querySelector('input[value=labels]').click()")
        assert browser.value("document.getElementById('layer').src").endswith("/labels/car.png")
        browser.value("document.querySelector('input[value=photograph]').click()")
        assert browser.value("document.getElementById('layer').hidden") is True
        # Only images with a car; arrows stay among them.
        browser.value("document.querySelector('#filters button[data-k=\"2\"]').click()")
        assert browser.value(SHOWN) == 1
        browser.value("document.querySelector('#filters button[data-k=\"2\"]').click()")
        browser.value("document.getElementById('next').click()")
        assert browser.value("document.getElementById('name').textContent").startswith("</script>")
        assert browser.value("document.getElementById('photograph').decode().then(() => true)")
        assert browser.complaints() == []


@needs_browser
@pytest.mark.slow
@pytest.mark.parametrize(("width", "is_dark"), [(390, False), (1280, True)])
def test_widths_and_colours_in_a_browser(width: int, is_dark: bool, page: Path, tmp_path: Path) -> None:
    with Browser(tmp_path / "profile", size=(width, 844), is_dark=is_dark) as browser:
        browser.open(page)
        assert browser.value("document.documentElement.scrollWidth") <= width, "nothing sticks out at the side"
        background = browser.value("getComputedStyle(document.body).backgroundColor")
        lightness = sum(int(number) for number in re.findall(r"\d+", background)) / 3
        assert lightness < 60 if is_dark else lightness > 200
        assert browser.complaints() == []
