"""Painted regions in a real browser: they are seen on the photograph, and nothing that was painted is lost unasked."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from studio_in_browser import StudioPage

pytestmark = pytest.mark.slow
BELOW, ABOVE = (0.5, 0.9), (0.5, 0.05)


def paint(studio: StudioPage, place: tuple[float, float], name: str) -> None:
    studio.click(*place)
    studio.page.select_option("#label-class", name)
    studio.page.click("#paint")
    studio.wait_for_text("#selection", "Nothing")


def save(studio: StudioPage) -> str:
    studio.page.click("#save-labels")
    told = studio.wait_for_text("#saved", "Saved as")
    studio.page.wait_for_selector("#progress", state="hidden")
    return told


def label_of(labels_folder: Path) -> np.ndarray:
    (path,) = (labels_folder / "labels").glob("*.png")
    return np.asarray(Image.open(path))


def asks_before_leaving(studio: StudioPage) -> bool:
    """Whether the browser would; asked of what the page listens to, without leaving."""
    return bool(
        studio.page.evaluate("() => !dispatchEvent(new Event('beforeunload', { cancelable: true }))"),
    )


def views(studio: StudioPage) -> list[Any]:
    studio.settle()
    found = studio.page.evaluate(
        "[...document.querySelectorAll('#views input')].map((one) => [one.value, one.checked])"
    )
    return [[name for name, _ in found], next(name for name, checked in found if checked)]


def test_what_is_painted_is_seen_on_the_photograph(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.tab("select")
    assert "label" not in views(studio)[0]
    paint(studio, BELOW, "vegetation")
    studio.page.mouse.move(5, 5)
    assert views(studio)[1] == "label", "seen at once"
    place = studio.beside(*BELOW, is_painted=True)
    assert studio.colour_at(0.5, 0.05)[3] == 0
    first = studio.colour_at(*place)
    studio.show("photograph")
    paint(studio, ABOVE, "sky")
    assert views(studio)[1] == "photograph", "whoever chose another view stays there"
    studio.show("label")
    studio.page.mouse.move(5, 5)
    above = studio.colour_at(0.5, 0.05)
    assert above[3] > 100 and above[:3] != first[:3] and studio.colour_at(*place) == first
    studio.tab("found")
    assert studio.text("#found-title") == "Label" and studio.page.locator("#found button").count() == 2
    studio.page.mouse.move(*studio.point(*ABOVE))
    studio.wait_for_text("#under", "; painted as sky$")
    assert studio.page.locator("#found button.lit").inner_text().startswith("sky")
    for _ in range(2):
        studio.page.keyboard.press("Control+z")
    assert views(studio)[1] == "label" and studio.page.locator("#found button").count() == 1
    for _ in range(2):
        studio.page.keyboard.press("Control+z")
    studio.page.wait_for_function("() => document.querySelector('#views input:checked')?.value === 'objects'")
    assert "label" not in views(studio)[0]


def test_the_label_is_the_first_parsers_on_both_photographs(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.page.select_option("#beside", "street")
    studio.wait_for_text("#stage-beside figcaption", "street")
    studio.tab("select")
    paint(studio, BELOW, "vegetation")
    studio.page.mouse.move(5, 5)
    canvases = [studio.canvas(f"#{one} canvas") for one in ("stage", "stage-beside")]
    assert canvases[0] == canvases[1]


def test_a_label_saved_before_is_added_to_unless_it_is_to_go(studio: StudioPage, labels_folder: Path) -> None:
    studio.choose_from_folder("field.png")
    studio.tab("select")
    paint(studio, BELOW, "vegetation")
    assert "the label that was there" not in save(studio)
    before_HW = label_of(labels_folder)
    studio.page.reload()
    studio.page.wait_for_selector("#folder button")
    studio.choose_from_folder("field.png")
    studio.tab("select")
    paint(studio, ABOVE, "sky")
    assert ", added to the label that was there; " in save(studio)
    label_HW = label_of(labels_folder)
    is_new_HW = label_HW != before_HW
    assert is_new_HW.any() and len(np.unique(label_HW[is_new_HW])) == 1
    assert (label_HW == before_HW.min()).any(), "what was painted on another day is still there"
    studio.page.uncheck("#keep-before")
    studio.page.click("#save-labels")
    studio.wait_for_text("#saved", ", in place of the label that was there; ")
    assert not (label_of(labels_folder)[is_new_HW] == 255).any() and (label_of(labels_folder)[~is_new_HW] == 255).all()


def test_more_painting_is_not_told_to_be_saved(studio: StudioPage, labels_folder: Path) -> None:
    studio.choose_from_folder("field.png")
    studio.tab("select")
    assert not asks_before_leaving(studio)
    paint(studio, BELOW, "vegetation")
    assert asks_before_leaving(studio)
    save(studio)
    assert not asks_before_leaving(studio)
    studio.click(*ABOVE)
    assert "Saved as" in studio.text("#saved"), "a click alone changes no label"
    studio.page.click("#paint")
    studio.settle()
    assert studio.text("#saved") == "" and asks_before_leaving(studio)
    studio.choose_from_folder("room.png")
    assert asks_before_leaving(studio), "the regions of another photograph are unsaved too"
