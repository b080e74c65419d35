"""Everything by keys alone: opening, exporting, saving, asking, finding; and no press of a button loses the focus."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from studio_in_browser import StudioPage

from mereo.drawing.legend import percent

pytestmark = pytest.mark.slow


def open_by_keys(studio: StudioPage, name: str) -> None:
    studio.tab_to(f'#folder button[title="{name}"]')
    studio.page.keyboard.press("Enter")
    studio.wait_for_parse(name)


def choose_by_keys(studio: StudioPage) -> str:
    """The group below the middle, from wherever the focus is, with the tab Select before it."""
    keys = studio.page.keyboard
    keys.press("s")
    studio.tab_to("#canvas", key="Shift+Tab")
    for _ in range(4):
        keys.press("Shift+ArrowDown")
    keys.press("Enter")
    return studio.wait_for_text("#selection", "chooses")


def test_a_photograph_is_opened_by_keys(studio: StudioPage, studio_folder: Path) -> None:
    studio.tab_to("#open")
    with studio.page.expect_file_chooser() as chooser:
        studio.page.keyboard.press("Enter")
    chooser.value.set_files(studio_folder / "street.png")
    studio.wait_for_parse("street.png")
    with studio.page.expect_file_chooser() as chooser:
        studio.page.keyboard.press("o")
    chooser.value.set_files(studio_folder / "room.png")
    studio.wait_for_parse("room.png")


def test_a_mask_is_exported_by_keys(studio: StudioPage) -> None:
    open_by_keys(studio, "street.png")
    told = choose_by_keys(studio)
    studio.tab_to('[data-format="png"]')
    with studio.page.expect_download() as waiting:
        studio.page.keyboard.press("Enter")
    mask_HW = np.asarray(Image.open(io.BytesIO(Path(waiting.value.path()).read_bytes()))) > 0
    assert mask_HW.shape == (240, 320) and percent(mask_HW.mean()) in told
    assert studio.focused("data-format") == "png"


def test_a_correction_is_saved_by_keys_and_the_focus_never_falls(studio: StudioPage, labels_folder: Path) -> None:
    keys = studio.page.keyboard
    open_by_keys(studio, "field.png")
    choose_by_keys(studio)
    studio.tab_to("#label-class")
    keys.press("ArrowDown")
    chosen = studio.page.input_value("#label-class")
    for _ in range(2):
        studio.tab_to("#paint")
        keys.press("Enter")
        studio.wait_for_text("#selection", "Nothing")
        assert studio.focused() == "paint", "though there is nothing to paint any more"
        choose_by_keys(studio)
    assert studio.page.locator("#regions li").count() == 2
    studio.tab_to("#save-labels")
    keys.press("Enter")
    studio.wait_for_text("#saved", "Saved as")
    assert studio.focused() == "save-labels" and chosen in studio.text("#regions")
    assert len(list((labels_folder / "labels").glob("*.png"))) == 1


def test_after_removing_a_region_the_focus_is_at_the_next(studio: StudioPage) -> None:
    open_by_keys(studio, "street.png")
    for _ in range(3):
        choose_by_keys(studio)
        studio.tab_to("#paint")
        studio.page.keyboard.press("Enter")
        studio.wait_for_text("#selection", "Nothing")
    removes = studio.page.locator("#regions button")
    studio.tab_to("#regions li:nth-child(2) button")
    for left in (2, 1):
        studio.page.keyboard.press("Enter")
        studio.settle()
        assert removes.count() == left
        assert studio.page.evaluate("document.activeElement.matches('#regions li:last-child button')")
    studio.page.keyboard.press("Enter")
    assert studio.focused() == "paint" and removes.count() == 0
    studio.tab_to("#undo", key="Shift+Tab")
    for _ in range(9):
        studio.page.keyboard.press("Enter")
    studio.wait_for_text("#selection", "Nothing")
    assert studio.focused() == "undo" and studio.page.is_disabled("#undo"), "though nothing is left to undo"


def test_why_is_asked_by_keys_and_levels_keep_the_focus(studio: StudioPage) -> None:
    keys = studio.page.keyboard
    open_by_keys(studio, "street.png")
    keys.press("w")
    studio.tab_to("#ask-why")
    keys.press("Enter")
    studio.wait_for_text("#told", r"\(object\)")
    assert studio.focused() == "ask-why"
    for level in (1, 3):
        studio.tab_to(f'#heats button[data-level="{level}"]')
        keys.press("Enter")
        assert studio.focused("data-level") == str(level) and studio.focused("aria-pressed") == "true"
        assert studio.page.locator('#heats button[aria-pressed="true"]').count() == 1


def test_tokens_are_asked_for_by_keys(studio: StudioPage) -> None:
    keys = studio.page.keyboard
    studio.page.select_option("#parser", "tokens")
    open_by_keys(studio, "street.png")
    keys.press("t")
    studio.tab_to("#ask-tokens")
    keys.press("Enter")
    studio.wait_for_text("#tokens-told", "the heaviest first")
    studio.tab_to("#tokens button")
    keys.press("Enter")
    assert studio.focused("aria-pressed") == "true" and studio.page.is_checked('#views input[value="token"]')


def test_similar_surroundings_are_found_by_keys_where_the_cross_was(studio: StudioPage) -> None:
    keys = studio.page.keyboard
    open_by_keys(studio, "street.png")
    keys.press("m")
    studio.tab_to("#ask-similar")
    keys.press("Enter")
    studio.wait_for_text("#similar-told", "arrow keys")
    studio.tab_to("#canvas", key="Shift+Tab")
    for _ in range(4):
        keys.press("Shift+ArrowDown")
    x, y = studio.wait_for_text("#under", "160, 2").split(":")[0].split(", ")
    keys.press("m")
    studio.tab_to("#ask-similar")
    with studio.page.expect_request("**/v1/find") as asked:
        keys.press("Enter")
    sent = asked.value.post_data_json
    assert (sent["x"], sent["y"]) == (int(x), int(y))
    studio.wait_for_text("#similar-told", "the most alike first")
    assert studio.focused() == "ask-similar"


def test_a_photograph_that_is_opened_again_keeps_the_focus(studio: StudioPage) -> None:
    for name in ("street.png", "room.png"):
        studio.choose_from_folder(name)
    studio.page.focus('#opened button[title="street.png"]')
    studio.page.keyboard.press("Enter")
    studio.wait_for_parse("street.png")
    assert studio.focused("title") == "street.png" and studio.focused("aria-current") == "true"
    assert studio.page.locator('#opened button[aria-current="true"]').count() == 1


def test_a_row_that_leads_to_another_view_keeps_the_focus(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.show("confidence")
    studio.page.focus("#found button >> nth=1")
    row = studio.focused("data-row")
    studio.page.keyboard.press("Enter")
    assert studio.focused("data-row") == row and studio.focused("aria-pressed") == "true"
    assert studio.page.is_checked('#views input[value="objects"]')


def test_a_new_level_is_told_once_and_rightly(studio: StudioPage) -> None:
    """The words beside the slider are an <output>, which is read out when it changes."""
    studio.choose_from_folder("street.png")
    studio.page.evaluate(
        """() => { window.told = []; const told = (place) => new MutationObserver(() =>
            window.told.push([place.id, place.textContent])).observe(place, { childList: true });
        document.querySelectorAll("#announced, output").forEach(told); }"""
    )
    studio.page.wait_for_timeout(200)
    studio.page.evaluate("window.told.length = 0")
    studio.page.focus("#tab-found")
    studio.page.keyboard.press(".")
    studio.page.wait_for_timeout(300)
    level = studio.page.input_value("#level")
    told = studio.page.evaluate("window.told")
    assert len(told) == 1 and told[0][0] == "level-name" and told[0][1].startswith(f"level {level} of ")
