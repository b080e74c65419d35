"""Fingers and the mouse in a real browser: who taps is told, who pinches or scrolls takes nothing away."""

from typing import Any

import pytest
from studio_in_browser import StudioPage

pytestmark = pytest.mark.slow
HELD_MS = 700  # Longer than a long press.


def touch(studio: StudioPage, kind: str, x: float, y: float, *, finger: int = 1, **others: Any) -> None:
    left, top = studio.point(x, y)
    event = {
        **{"pointerId": finger, "isPrimary": finger == 1, "pointerType": "touch", "bubbles": True},
        **{"clientX": left, "clientY": top},
        **others,
    }
    studio.page.evaluate(
        "([kind, event]) => document.querySelector('#stage .picture').dispatchEvent(new PointerEvent(kind, event))",
        [kind, event],
    )


def tap(studio: StudioPage, x: float, y: float) -> None:
    for kind in ("pointerdown", "pointerup", "pointerout", "pointerleave", "click"):
        touch(studio, kind, x, y)
    studio.settle()


def test_a_tap_tells_what_lies_there(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    tap(studio, 0.5, 0.95)
    below = studio.wait_for_text("#under", "sure")
    tap(studio, 0.5, 0.05)
    assert "sure" in studio.text("#under") and studio.text("#under") != below
    studio.page.mouse.move(*studio.point(0.5, 0.5))
    studio.page.mouse.move(5, 5)
    studio.settle()
    assert studio.text("#under") == "", "a mouse that leaves points nowhere"


def test_a_long_press_takes_away_and_is_told(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.tab("select")
    tap(studio, 0.5, 0.9)
    studio.wait_for_text("#selection", "1 click")
    touch(studio, "pointerdown", 0.5, 0.9)
    studio.page.wait_for_timeout(HELD_MS)
    touch(studio, "pointerup", 0.5, 0.9)
    touch(studio, "click", 0.5, 0.9)
    studio.wait_for_text("#selection", "Nothing")
    assert "sure" in studio.text("#under")


def test_a_pinch_takes_nothing_away(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.tab("select")
    touch(studio, "pointerdown", 0.4, 0.9)
    touch(studio, "pointerdown", 0.6, 0.9, finger=2)
    for finger in (1, 2):
        touch(studio, "pointercancel", 0.5, 0.9, finger=finger)
    studio.page.wait_for_timeout(HELD_MS)
    studio.settle()
    assert "Nothing" in studio.text("#selection")


def test_a_finger_that_moves_takes_nothing_away(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.tab("select")
    touch(studio, "pointerdown", 0.5, 0.9)
    touch(studio, "pointermove", 0.5, 0.6)
    studio.page.wait_for_timeout(HELD_MS)
    studio.settle()
    assert "Nothing" in studio.text("#selection")


def test_a_mouse_that_moves_within_a_group_paints_nothing(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.page.evaluate(
        """() => { window.painted = 0; const canvas = CanvasRenderingContext2D.prototype, put = canvas.putImageData;
        canvas.putImageData = function (...given) { window.painted += 1; put.apply(this, given); }; }"""
    )
    for at in range(20):
        studio.page.mouse.move(*studio.point(0.3 + 0.02 * at, 0.5))
        studio.settle()
    assert studio.page.evaluate("painted") == 0, "nothing is seen of where the pointer is"
    studio.tab("select")
    studio.page.fill("#level", studio.page.get_attribute("#level", "max") or "")
    studio.settle()
    before = studio.page.evaluate("painted")
    for at in range(20):
        studio.page.mouse.move(*studio.point(0.3 + 0.02 * at, 0.6))
        studio.settle()
    assert studio.page.evaluate("painted") <= before + 1, "the whole picture is one group"
    studio.page.set_viewport_size({"width": 1000, "height": 700})
    studio.settle()
    assert studio.page.evaluate("painted") > before and studio.colour_at(0.5, 0.9)[3] > 0, "a new size is painted anew"


def test_a_click_counts_after_one_that_took_the_group_away(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.tab("select")
    studio.click(0.5, 0.9)
    first = studio.wait_for_text("#selection", "1 click chooses").split("chooses")[1]
    studio.click(0.5, 0.9, with_alt=True)
    studio.wait_for_text("#selection", "Nothing")
    studio.click(0.5, 0.9)
    assert studio.wait_for_text("#selection", "1 click chooses").split("chooses")[1] == first
    studio.page.click("#undo")
    studio.wait_for_text("#selection", "Nothing")
