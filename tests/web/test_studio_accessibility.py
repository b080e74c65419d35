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
