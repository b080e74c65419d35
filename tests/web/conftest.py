"""One studio for all tests of the page, since starting it takes the time; and a browser for each file of them, since
what drives it holds the thread's event loop as long as it is there."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from studio_in_browser import (
    ARGUMENTS,
    CHROMIUM,
    StudioPage,
    draw_photographs,
    require_browser,
    running_studio,
    save_token_parser,
)


@pytest.fixture(scope="session")
def studio_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_photographs(tmp_path_factory.mktemp("studio") / "photographs")


@pytest.fixture(scope="session")
def studio_address(studio_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    require_browser()
    pytest.importorskip("fastapi", reason="the extra web is not installed")
    from mereo.commands.main import run

    index = studio_folder.with_name("photographs.index")
    assert run(["index", "build", str(studio_folder), "--out", str(index), "--parser", "everyday"]) == 0
    tokens = save_token_parser(studio_folder.with_name("tokens.safetensors"))
    parsers = [option for name in ("everyday", "street", str(tokens)) for option in ("--parser", name)]
    cache = tmp_path_factory.mktemp("cache")
    with running_studio(str(studio_folder), "--index", str(index), *parsers, cache=cache) as address:
        yield address


@pytest.fixture
def labels_folder(studio_folder: Path) -> Path:
    """Where corrections go: empty when a test begins, whichever tests there were before."""
    shutil.rmtree(studio_folder / "mereo_labels", ignore_errors=True)
    return studio_folder / "mereo_labels"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    require_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield found
        found.close()


@pytest.fixture
def studio(browser: Any, studio_address: str) -> Iterator[StudioPage]:
    """A fresh window on the studio; any error in its scripts fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(90_000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
    # Chromium may take a key before the wish, sent just before it, to be told of file choosers: wished for from now on.
    page.on("filechooser", lambda chooser: None)
    page.goto(studio_address)
    page.wait_for_selector("#folder button")
    yield StudioPage(page)
    context.close()
    assert not faults
