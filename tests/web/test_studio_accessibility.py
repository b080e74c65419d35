"""The studio for everybody: axe-core finds nothing serious, on any tab, light and dark, wide and narrow; a phone's
width needs no scrolling sideways; nothing is asked of any other machine."""

from typing import Any

import pytest
from studio_in_browser import StudioPage

pytestmark = pytest.mark.slow
TABS = ("found", "select", "why", "tokens", "similar")


def serious_findings(page: Any) -> list[str]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, studio_address: str, width: int, scheme: str) -> None:
    pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")
    # axe puts its own script into the page, which our policy would refuse.
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(studio_address)
    page.wait_for_selector("#folder button")
    findings = serious_findings(page)
    studio = StudioPage(page)
    studio.choose_from_folder("street.png")
    for tab in TABS:
        studio.tab(tab)
        findings += serious_findings(page)
    page.keyboard.press("?")
    findings += serious_findings(page)
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
    assert findings == []


def test_nothing_is_asked_of_another_machine(browser: Any, studio_address: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(studio_address)
    page.wait_for_selector("#folder button")
    StudioPage(page).choose_from_folder("street.png")
    context.close()
    assert len(asked) > 10
    assert all(url.startswith((studio_address.split("?")[0], "blob:", "data:")) for url in asked)


def test_the_theme_is_chosen_and_remembered(studio: StudioPage) -> None:
    before = studio.page.evaluate("getComputedStyle(document.body).backgroundColor")
    studio.page.click("#theme")
    after = studio.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert after != before
    studio.page.reload()
    assert studio.page.evaluate("getComputedStyle(document.body).backgroundColor") == after


def test_no_light_is_seen_before_the_page_is_dark(browser: Any, studio_address: str) -> None:
    """The modules never come: what was painted first stays."""
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.route("**/page/studio.js", lambda route: route.abort())
    page.goto(studio_address)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    context.close()
    assert background == "rgb(19, 21, 24)"


def test_keys_of_one_letter_can_be_switched_off_and_stay_so(studio: StudioPage) -> None:
    keys = studio.page.keyboard
    keys.press("?")
    assert studio.page.evaluate("document.activeElement.textContent") == "Close", "Enter closes, Space switches nothing"
    studio.page.uncheck("#one-key")
    keys.press("Escape")
    for _ in range(2):
        studio.choose_from_folder("street.png")
        level = studio.page.input_value("#level")
        for key in ("s", ".", "1", "?"):
            keys.press(key)
        studio.settle()
        assert studio.page.get_attribute("#tab-found", "aria-selected") == "true"
        assert studio.page.input_value("#level") == level and not studio.page.is_visible("#keys")
        assert studio.page.is_checked('#views input[value="objects"]')
        studio.click(0.5, 0.9)
        keys.press("Escape")
        keys.press("Control+z")
        studio.wait_for_text("#selection", "1 click")  # These are no letters alone.
        studio.page.reload()
        studio.page.wait_for_selector("#folder button")
    studio.page.click("#show-keys")
    studio.page.check("#one-key")
    keys.press("Escape")
    studio.choose_from_folder("street.png")
    keys.press("s")
    assert studio.focused() == "tab-select"


def test_closing_a_problem_leaves_the_focus_where_it_is_seen(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.tab("why")
    studio.page.route("**/v1/why", lambda route: route.fulfill(status=503, json={"error": "It stops."}))
    studio.page.click("#ask-why")
    studio.wait_for_text("#problem", "It stops")
    studio.tab("found")
    studio.page.click("#close-problem")
    assert studio.focused() == "open", "the button that was pressed is hidden by now"


def test_what_is_chosen_is_told_from_the_rest_by_contrast(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    ring, accent = studio.page.evaluate(
        """() => ["#views input:checked + span", "#open"]
        .map((place) => getComputedStyle(document.querySelector(place)))
        .map((style, at) => (at ? style.backgroundColor : style.boxShadow))"""
    )
    assert accent in ring and "inset" in ring
    assert studio.page.locator("[aria-hidden=true][tabindex], [aria-hidden=true] [tabindex]").count() == 0


def test_a_window_that_is_left_with_alt_held_down_adds_again(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.tab("select")
    studio.click(0.5, 0.05)
    studio.page.mouse.move(*studio.point(0.5, 0.9))
    adding = studio.canvas()
    studio.page.keyboard.down("Alt")
    assert studio.canvas() != adding
    studio.page.evaluate("dispatchEvent(new Event('blur'))")
    assert studio.canvas() == adding
