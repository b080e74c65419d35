"""The studio in a real browser: each thing that a person does is seen in pixels or words, by mouse and by keys."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from studio_in_browser import StudioPage

from mereo.drawing.legend import percent

pytestmark = pytest.mark.slow


def test_a_photograph_is_opened_and_what_was_found_is_read(studio: StudioPage, studio_folder: Path) -> None:
    with studio.page.expect_file_chooser() as chooser:
        studio.page.click("#open")
    chooser.value.set_files(studio_folder / "street.png")
    studio.wait_for_parse("320 × 240")
    assert "kinds found" in studio.text("#found-about") and "%" in studio.text("#found")
    assert "Scene:" in studio.text("#scene") and "Terms of everyday" in studio.text("#terms")
    assert studio.page.locator("#opened button").count() == 1


def test_a_dropped_photograph_is_opened(studio: StudioPage, studio_folder: Path) -> None:
    content = list((studio_folder / "room.png").read_bytes())
    studio.page.evaluate(
        """(content) => { const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(content)], "dropped.png", { type: "image/png" }));
        for (const kind of ["dragenter", "dragover", "drop"]) {
            dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
        } }""",
        content,
    )
    studio.wait_for_parse("320 × 240")


def test_a_pasted_photograph_is_opened(studio: StudioPage, studio_folder: Path) -> None:
    content = list((studio_folder / "field.png").read_bytes())
    studio.page.evaluate(
        """(content) => { const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(content)], "pasted.png", { type: "image/png" }));
        document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true })); }""",
        content,
    )
    studio.wait_for_parse("pasted.png, 320 × 240")


def test_what_is_no_picture_is_refused_in_a_sentence(studio: StudioPage, tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_text("not a picture")
    studio.page.set_input_files("#file", tmp_path / "holiday.jpg")
    assert "must be" in studio.wait_for_text("#problem", "image")
    studio.page.click("#close-problem")
    assert not studio.page.is_visible("#problem")
    studio.choose_from_folder("street.png")  # The page is as usable as before.


def test_pointing_names_what_lies_there(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.page.mouse.move(*studio.point(0.5, 0.95))
    below = studio.wait_for_text("#under", "sure")
    studio.page.mouse.move(*studio.point(0.5, 0.05))
    studio.page.wait_for_function("(old) => document.querySelector('#under').innerText !== old", arg=below)
    assert studio.page.locator("#found button.lit").count() == 1


def test_views_and_opacity_change_the_picture(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    seen = {view: "" for view in ("photograph", "objects", "parts", "materials", "segments", "groups", "confidence")}
    for view in seen:
        studio.show(view)
        seen[view] = studio.canvas()
    assert len(set(seen.values())) == len(seen)
    studio.show("objects")
    strong = studio.colour_at(0.5, 0.9)
    studio.page.fill("#opacity", "20")
    assert studio.colour_at(0.5, 0.9)[3] < strong[3]


def test_the_list_shows_one_class_alone(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    before = studio.canvas()
    studio.page.click("#found button >> nth=0")
    studio.page.mouse.move(5, 5)
    assert studio.page.get_attribute("#found button >> nth=0", "aria-pressed") == "true"
    assert studio.canvas() != before


def test_the_slider_goes_from_superpixels_to_the_whole_picture(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.show("groups")
    last = int(studio.page.get_attribute("#level", "max") or 0)
    numbers, pictures = [], []
    for level in range(1, last + 1):
        studio.page.fill("#level", str(level))
        words = studio.wait_for_text("#level-name", f"level {level} of {last}")
        numbers.append(1 if "whole" in words else int(words.split(": ")[1].split()[0]))
        pictures.append(studio.canvas())
    assert numbers == sorted(numbers, reverse=True) and numbers[0] > 50 and numbers[-1] == 1
    assert len(set(pictures)) == len(pictures)


def test_clicks_choose_and_take_away_and_can_be_undone(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.tab("select")
    studio.show("photograph")
    assert "Nothing" in studio.text("#selection") and studio.page.is_disabled("#undo")
    studio.click(0.5, 0.9)
    first = studio.wait_for_text("#selection", "1 click chooses")
    assert studio.colour_at(0.5, 0.05)[3] > 100  # What is not chosen is dark.
    studio.beside(0.5, 0.9, is_painted=False)
    studio.click(0.5, 0.05)
    second = studio.wait_for_text("#selection", "2 clicks choose")
    studio.click(0.5, 0.05, with_alt=True)
    assert studio.wait_for_text("#selection", "1 click") == first
    studio.page.click("#undo")
    assert studio.wait_for_text("#selection", "2 clicks") == second
    studio.page.click("#redo")
    assert studio.wait_for_text("#selection", "1 click") == first
    studio.page.click("#clear")
    studio.wait_for_text("#selection", "Nothing")
    studio.page.keyboard.press("Control+z")
    assert studio.wait_for_text("#selection", "1 click") == first
    studio.page.keyboard.press("Control+Shift+z")
    studio.wait_for_text("#selection", "Nothing")


def test_the_whole_way_by_keys_alone(studio: StudioPage) -> None:
    keys = studio.page.keyboard
    studio.page.focus('#folder button[title="street.png"]')
    keys.press("Enter")
    studio.wait_for_parse("street.png")
    keys.press("s")
    assert studio.page.evaluate("document.activeElement.id") == "tab-select"
    for _ in range(40):  # Backwards from the panel to the photograph, as a person without a mouse goes.
        if studio.page.evaluate("document.activeElement.id") == "canvas":
            break
        keys.press("Shift+Tab")
    assert studio.page.evaluate("document.activeElement.id") == "canvas"
    middle = studio.wait_for_text("#under", r"160, 120")
    keys.press("Shift+ArrowDown")
    assert studio.wait_for_text("#under", r"160, 14\d") != middle
    keys.press("Enter")
    whole = studio.wait_for_text("#selection", "1 click chooses")
    level = studio.text("#level-name")
    keys.press(",")
    studio.settle()
    assert studio.text("#level-name") != level and studio.text("#selection") == whole, "a click keeps its level"
    keys.press("Backspace")
    rest = studio.wait_for_text("#selection", "2 clicks choose")  # A smaller group is taken out of the large one.
    assert 0 < float(rest.split()[3]) < float(whole.split()[3])
    keys.press("Escape")
    studio.wait_for_text("#selection", "Nothing")
    keys.press("Control+z")
    studio.wait_for_text("#selection", "2 clicks")
    keys.press("1")
    studio.settle()
    assert studio.page.is_checked('#views input[value="photograph"]')
    keys.press("?")
    assert studio.page.is_visible("#keys")
    keys.press("Escape")
    assert not studio.page.is_visible("#keys")
    studio.wait_for_text("#selection", "2 clicks")  # Escape closed the keys and nothing else.


@pytest.mark.parametrize("kind", ["png", "rle", "polygon"])
def test_the_mask_is_exported_as_it_is_seen(studio: StudioPage, kind: str) -> None:
    from faster_coco_eval.core import mask as coco

    studio.choose_from_folder("street.png")
    studio.tab("select")
    studio.click(0.5, 0.9)
    told = studio.wait_for_text("#selection", "chooses")
    with studio.page.expect_download() as waiting:
        studio.page.click(f'[data-format="{kind}"]')
    assert waiting.value.suggested_filename.startswith("street-")
    content = Path(waiting.value.path()).read_bytes()
    if kind == "png":
        mask_HW = np.asarray(Image.open(io.BytesIO(content))) > 0
    else:
        found = json.loads(content)
        assert (found["width"], found["height"]) == (320, 240)
        if kind == "polygon":
            assert all(len(ring) >= 8 for ring in found["segmentation"])
            return
        mask_HW = coco.decode(found["segmentation"]).astype(bool)
        assert mask_HW.sum() == found["area"]
    assert mask_HW.shape == (240, 320) and mask_HW[216, 160]
    assert percent(mask_HW.mean()) in told


def test_a_correction_is_saved_as_a_label(studio: StudioPage, labels_folder: Path) -> None:
    studio.choose_from_folder("field.png")
    studio.tab("select")
    assert studio.page.is_disabled("#save-labels")
    studio.click(0.5, 0.9)
    studio.page.select_option("#label-class", "vegetation")
    studio.page.click("#paint")
    assert "vegetation" in studio.wait_for_text("#regions", "%")
    studio.wait_for_text("#selection", "Nothing")
    studio.page.click("#save-labels")
    assert "Save one more photograph first" in studio.wait_for_text("#saved", "Saved as")
    labels = sorted((labels_folder / "labels").glob("*.png"))
    values = np.unique(np.concatenate([np.asarray(Image.open(path)).ravel() for path in labels]))
    assert 255 in values and len(values) >= 2
    studio.choose_from_folder("room.png")
    studio.click(0.5, 0.9)
    studio.page.click("#paint")
    studio.page.click("#save-labels")
    studio.wait_for_text("#saved", "mereo train")


def test_why_shows_which_groups_speak_for_an_answer(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    before = studio.canvas()
    studio.tab("why")
    studio.page.click("#ask-why")
    assert "answer" in studio.wait_for_text("#told", r"\(object\)")
    assert studio.page.locator("#heats button").count() == 4
    assert studio.page.is_checked('#views input[value="heat"]') and studio.canvas() != before
    studio.page.select_option("#why-task", "scene")
    studio.page.click("#ask-why")
    studio.wait_for_text("#told", r"\(scene\)")


def test_tokens_are_shown_where_a_parser_gathers_them(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.tab("tokens")
    assert studio.page.is_disabled("#ask-tokens") and "gathers no tokens" in studio.text("#tokens-about")
    studio.page.select_option("#parser", "tokens")
    studio.page.wait_for_selector('#ask-tokens[aria-disabled="false"]')
    studio.page.click("#ask-tokens")
    studio.wait_for_text("#tokens-told", "6 tokens")
    studio.page.click("#tokens button >> nth=0")
    assert studio.page.is_checked('#views input[value="token"]')
    first = studio.canvas()
    studio.page.click("#tokens button >> nth=3")
    assert studio.canvas() != first


def test_similar_surroundings_are_found_in_the_index(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.tab("similar")
    studio.page.click("#ask-similar")
    studio.wait_for_text("#similar-told", "Click on a place")
    studio.click(0.5, 0.9)
    studio.page.click("#ask-similar")
    studio.wait_for_text("#similar-told", "the most alike first")
    names = studio.page.locator("#similar li").all_inner_texts()
    assert names and not any("street.png" in name for name in names)
    studio.page.uncheck("#not-this")
    studio.page.click("#ask-similar")
    studio.wait_for_text("#similar", "street.png, distance 0.000")
    sizes = studio.page.evaluate("[...document.querySelectorAll('#similar img')].map((image) => image.naturalWidth)")
    assert min(sizes) > 0
    studio.page.click('#similar button[title="Open room.png"] >> nth=0')
    studio.wait_for_parse("room.png")
    assert studio.page.get_attribute('#folder button[title="room.png"]', "aria-current") == "true"


def test_two_parsers_stand_side_by_side(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.page.select_option("#beside", "street")
    studio.wait_for_text("#stage-beside figcaption", "street")
    assert studio.canvas("#stage canvas") != studio.canvas("#stage-beside canvas")
    studio.page.mouse.move(*studio.point(0.5, 0.9))
    words = studio.wait_for_text("#under", "street says")
    assert "everyday says" in words
    studio.page.select_option("#beside", "")
    studio.page.wait_for_selector("#stage-beside", state="hidden")


def test_a_parser_without_groups_can_be_clicked_on_too(studio: StudioPage) -> None:
    studio.page.select_option("#parser", "street")
    studio.choose_from_folder("room.png")
    assert studio.page.get_attribute("#level", "max") == "4"
    studio.tab("select")
    studio.click(0.3, 0.3)
    studio.wait_for_text("#selection", "1 click chooses")
    studio.tab("why")
    assert studio.page.is_disabled("#ask-why")
