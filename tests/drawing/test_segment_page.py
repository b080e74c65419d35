"""The page of merged segments: numbers, escaped names, pictures, a slider that merges as the history does."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from browser import PROGRAM, Browser
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "assembly"))
from test_merging_history import made_history
from test_segment_pictures import made_pictures

from mereo.assembly.parse import Parse
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.drawing import segment_words as words
from mereo.drawing.segment_page import write_segment_page
from mereo.drawing.segment_pictures import SegmentPictures

NASTY = "<script>alert(1)</script>{{style}}"
NAMES = ("sky", "road", "car")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return write_segment_page(tmp_path, made_pictures(), name=NASTY, point_xy=(25, 15), segment=4, notes=["Made here."])


def test_what_stands_on_it(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert NASTY not in text and "alert(1)&lt;/script&gt;" in text and "Made here." in text
    assert "6 segments, 4 on things; 2 merges; in the answer 2 things and 1 whole class." in text
    assert "the nearest pair left is 78° apart (cosine 0.200)" in text
    assert (
        "At 25,15" in text
        and "Segment 5: car 50 %. In the answer it is car, instance 1, with 2 other segments." in text
    )
    assert "step 1: with segment 3, 18° apart (cosine 0.950)" in text and "step 2: with segment 1, 26°" in text
    assert "Before: 6 segments" in text and "Answer: 3 segments, stuff by its class" in text
    assert not re.search(r"https?://|style=", text)


def test_names_of_classes_are_text(tmp_path: Path) -> None:
    made = made_pictures()
    taxonomy = Taxonomy("street", LabelTable(("sky", "road", NASTY)), is_thing=(False, False, True))
    parse = Parse(made.parse.image_HWC, made.parse.semantic, taxonomy, instances=made.parse.instances)
    pictures = SegmentPictures(parse, made.history, made.embedding_Dhw)
    text = write_segment_page(tmp_path, pictures, name="a", segment=4).read_text(encoding="utf-8")
    assert NASTY not in text and text.count("alert(1)&lt;/script&gt;") >= 4 and '"quiet">At ' not in text


def test_every_link_leads_to_a_picture_with_a_text(page: Path) -> None:
    links = re.findall(
        r'<img src="([^"]+)" width="(\d+)" height="(\d+)" alt="([^"]+)">', page.read_text(encoding="utf-8")
    )
    assert len(links) == 4 + 4
    for link, width, height, alternative in links:
        assert link.startswith("./") and alternative
        assert Image.open(page.parent / link).size == (int(width), int(height))


def test_numbers_of_segments_at_the_photographs_size(page: Path) -> None:
    number_HW = np.asarray(Image.open(page.parent / "segments.png"))
    assert number_HW.shape == (30, 40)
    np.testing.assert_array_equal(number_HW[5::10, 5::10], made_history().segment_hw + 1)


def test_without_a_point(tmp_path: Path) -> None:
    text = write_segment_page(tmp_path, made_pictures(), name="a").read_text(encoding="utf-8")
    assert 'class="mark"' not in text and "In the answer it is" not in re.sub(r'<script type="app.*', "", text)
    content = json.loads(re.search(r'id="data">(.*?)</script>', text)[1])
    assert content["chosen"] is None and [one[:2] for one in content["merges"]] == [[2, 4], [0, 2]]


def test_why_merging_stopped() -> None:
    nobody = np.zeros(6, dtype=bool)
    assert words.stop_in_words(made_history(refused=None)) == (
        "Merging ended because no class had two groups left, and not at the threshold 0.85 (32°)."
    )
    assert "at the threshold 1.5: the nearest" in words.stop_in_words(made_history(threshold=1.5))
    assert words.stop_in_words(made_history(is_thing_S=nobody)).startswith("No segment is of a thing")
    assert words.stop_in_words(made_history(is_seed_S=nobody)).startswith("No seed lies on a thing")
    one = words.stop_in_words(made_history(is_seed_S=np.arange(6) == 4))
    assert one.startswith("1 seed on things: ") and one.endswith("there is no threshold.")


def test_what_became_of_a_segment() -> None:
    history = made_history()
    assert words.segment_in_words(history, 1, NAMES).endswith("it is car, instance 2, alone.")
    assert words.segment_in_words(history, 3, NAMES) == (
        "Segment 4: road 60 %. Stuff: all segments of a class become one, so in the answer it is road, with 1 other "
        "segment."
    )
    unreached = made_history(instance_G=np.array([0, 0, 2]))
    assert "No seed reached it: in the answer it is car without an instance" in words.segment_in_words(
        unreached, 0, NAMES
    )


@pytest.mark.slow
@pytest.mark.skipif(PROGRAM is None, reason="no Chromium here")
@pytest.mark.parametrize("is_dark", [False, True])
def test_sliding_choosing_and_playing_in_a_real_browser(page: Path, tmp_path: Path, is_dark: bool) -> None:
    with Browser(tmp_path / "profile", size=(390, 800), is_dark=is_dark) as browser:
        browser.open(page)

        def text(name: str) -> str:
            return browser.value(
                f"new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => "
                f"done(document.getElementById('{name}').textContent))))"
            )

        def slide(step: int) -> None:
            browser.value(
                f"(() => {{ const one = document.getElementById('step'); one.value = {step}; "
                "one.dispatchEvent(new Event('input')); })()"
            )

        assert text("status") == "Step 2 of 3: 4 segments" and text("merged").startswith(
            "car 3 (hatched) joined 1, 26°"
        )
        slide(0)
        assert text("status") == "Step 0 of 3: 6 segments" and "nothing has merged" in text("merged")
        browser.value("document.getElementById('forth').click()")
        assert text("status") == "Step 1 of 3: 5 segments"
        browser.value("document.querySelectorAll('#steps a')[3].click()")
        assert text("status") == "Step 3 of 3: 3 segments"
        assert browser.value("document.querySelectorAll('#steps a')[3].getAttribute('aria-current')") == "true"
        # The script says of a segment what the page says of it.
        browser.value("document.getElementById('stage').scrollIntoView()")
        left, top, width, height = browser.value(
            "(() => { const box = document.getElementById('stage').getBoundingClientRect();"
            "return [box.left, box.top, box.width, box.height]; })()"
        )
        browser.click(left + 2.5 / 4 * width, top + 1.5 / 3 * height)
        said = text("segment")
        assert said.startswith(words.segment_in_words(made_history(), 4, NAMES))
        for joining in made_history().joinings(4):
            assert words.joining_in_words(joining) in said
        browser.value("document.getElementById('stage').focus()")
        for key in ("ArrowDown", "ArrowDown", "Enter"):
            browser.call("Input.dispatchKeyEvent", type="keyDown", key=key)
        assert text("segment").startswith("Segment 5:")  # The middle of the picture lies in it.
        browser.value("document.querySelector('#segment button').click()")
        assert text("status") == "Step 1 of 3: 5 segments"
        painted = "document.getElementById('canvas').getContext('2d').getImageData({x}, {y}, 1, 1).data[3]"
        assert browser.value(painted.format(x=120, y=120)) > 150
        browser.value("document.querySelector('input[value=classes]').click()")
        text("status")
        assert browser.value(
            "[...document.getElementById('canvas').getContext('2d').getImageData(120, 120, 1, 1).data].slice(0, 3)"
        ) == [255, 0, 0]
        browser.value("document.getElementById('play').click()")
        assert browser.value("document.getElementById('play').textContent") == "Pause"
        browser.value("new Promise((done) => setTimeout(done, 3500))")
        assert text("status") == "Step 3 of 3: 3 segments" and text("play") == "Play"
        assert browser.value("document.documentElement.scrollWidth") == 390
        assert browser.complaints() == []
