"""Opening photographs: early, again, from a long folder; and what cannot be opened is told before it is sent."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from studio_in_browser import HeldRequests, StudioPage

pytestmark = pytest.mark.slow
GONE = "photograph must be one that is still kept, but got 'x'; send the picture again."


def parses_asked(studio: StudioPage) -> list[str]:
    """How each parse is asked for from now on: by the folder's number, by an id, or with a body."""
    asked: list[str] = []

    def note(request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.path == "/v1/parse":
            given = parse_qs(parts.query)
            asked.append(next((name for name in ("folder", "photograph") if name in given), "body"))

    studio.page.on("request", note)
    return asked


def test_a_photograph_that_is_dropped_before_the_studio_is_ready_is_parsed(
    studio: StudioPage, studio_folder: Path
) -> None:
    held = HeldRequests(studio.page, "/v1/parsers")
    studio.page.reload()
    held.wait_for()
    studio.open_file(studio_folder / "street.png")
    assert studio.wait_for_text("#progress", "Parsing street.png")
    held.let_go()
    studio.wait_for_parse("street.png")
    assert not studio.page.is_visible("#problem") and studio.page.input_value("#parser") == "everyday"


def test_a_studio_that_did_not_answer_at_first_is_asked_again(studio: StudioPage, studio_folder: Path) -> None:
    held = HeldRequests(studio.page, "/v1/parsers")
    studio.page.reload()
    held.wait_for()
    held.refuse("the machine must be able to read and write files, but got: none; look at it.")
    studio.wait_for_text("#problem", "must be able to read")
    studio.open_file(studio_folder / "street.png")
    studio.wait_for_parse("street.png")
    studio.page.wait_for_selector("#folder button")
    assert not studio.page.is_visible("#problem")


def test_a_photograph_of_the_folder_is_sent_once(studio: StudioPage) -> None:
    asked = parses_asked(studio)
    for name in ("street.png", "room.png", "street.png"):
        studio.choose_from_folder(name)
    assert asked == ["folder", "folder", "photograph"]
    assert studio.page.locator("#opened button").count() == 2
    assert studio.page.get_attribute('#folder button[title="street.png"]', "aria-current") == "true"


def test_what_the_service_let_go_of_is_sent_to_it_again(studio: StudioPage, studio_folder: Path) -> None:
    studio.open_file(studio_folder / "field.png")
    studio.wait_for_parse("field.png")
    studio.tab("select")
    studio.click(0.5, 0.9)
    told = studio.wait_for_text("#selection", "1 click")
    studio.choose_from_folder("street.png")
    asked = parses_asked(studio)
    studio.page.route(
        lambda url: "/v1/parse?" in url and "photograph=" in url,
        lambda route: route.fulfill(status=404, json={"error": GONE}),
    )
    studio.page.click('#opened button[title="field.png"]')
    studio.wait_for_parse("field.png")
    assert asked == ["photograph", "body"]
    assert studio.text("#selection") == told, "what was chosen in it is there again"
    studio.choose_from_folder("street.png")
    assert asked[2:] == ["photograph", "folder"]
    assert studio.page.locator("#opened button").count() == 2 and not studio.page.is_visible("#problem")
    studio.page.wait_for_function(
        "() => [...document.querySelectorAll('#opened img')].every((one) => one.naturalWidth > 0)"
    )


def test_other_refusals_than_that_are_told(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.choose_from_folder("room.png")
    asked = parses_asked(studio)
    studio.page.route(
        lambda url: "photograph=" in url, lambda route: route.fulfill(status=503, json={"error": "It stops."})
    )
    studio.page.click('#opened button[title="street.png"]')
    studio.wait_for_text("#problem", "It stops")
    assert asked == ["photograph"] and "room.png" in studio.text("#stage figcaption")


def test_every_photograph_of_a_long_folder_is_reached(studio: StudioPage) -> None:
    names = [f"{number}.png" for number in range(60)]
    listed = list(enumerate(names))

    def answer(route: Any) -> None:
        asked = parse_qs(urlsplit(route.request.url).query)
        start, count = int(asked["start"][0]), int(asked["count"][0])
        photographs = [{"number": number, "name": name} for number, name in listed[start : start + count]]
        route.fulfill(body=json.dumps({"photographs": photographs, "total": len(listed)}))
        if start == 0:  # Since then a photograph has come that stands before all others.
            listed.insert(0, (60, "new.png"))

    studio.page.route(lambda url: "/v1/folder?" in url, answer)
    studio.page.reload()
    studio.page.wait_for_selector("#more")
    cards = studio.page.locator("#folder button")
    assert cards.count() == 24
    studio.page.evaluate("() => { const more = document.querySelector('#more'); more.click(); more.click(); }")
    studio.page.wait_for_function("() => document.querySelectorAll('#folder button').length > 40")
    studio.page.wait_for_selector('#more[aria-disabled="false"]')
    assert cards.count() == 47
    studio.page.focus("#more")
    studio.page.keyboard.press("Enter")
    studio.page.wait_for_function("() => document.querySelectorAll('#folder button').length === 60")
    studio.page.wait_for_selector('#more[aria-disabled="false"]')
    assert studio.focused() == "more"
    studio.page.keyboard.press("Enter")
    studio.page.wait_for_selector("#more", state="hidden")
    titles = [studio.page.get_attribute(f"#folder button >> nth={at}", "title") for at in range(cards.count())]
    assert titles == [*names, "new.png"], "each is listed once, and none is missing"
    assert studio.focused("title") == "new.png", "the focus is at the first that came"


def test_a_file_that_is_too_large_is_told_before_it_is_sent(studio: StudioPage, tmp_path: Path) -> None:
    asked = parses_asked(studio)
    with (tmp_path / "large.tif").open("wb") as file:
        file.truncate(26 * 2**20)
    studio.open_file(tmp_path / "large.tif")
    told = studio.wait_for_text("#problem", "large.tif")
    assert "large.tif must have at most 25.0 MiB, but got 26.0 MiB; " in told
    (tmp_path / "empty.png").touch()
    studio.open_file(tmp_path / "empty.png")
    studio.wait_for_text("#problem", "empty.png is empty; open a photograph, not a folder.")
    assert asked == []


def test_a_dropped_folder_is_told_to_be_none(studio: StudioPage, tmp_path: Path) -> None:
    asked = parses_asked(studio)
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "a.png").write_bytes(b"something")
    browser = studio.page.context.new_cdp_session(studio.page)
    dropped = {"items": [], "files": [str(tmp_path / "holiday")], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        browser.send("Input.dispatchDragEvent", {"type": kind, "x": 600, "y": 400, "data": dropped})
    told = studio.wait_for_text("#problem", "holiday")
    assert "holiday could not be read; open a photograph that is still there, not a folder." in told
    assert asked == [] and not studio.page.evaluate("document.body.classList.contains('dragging')")


def test_of_several_files_the_first_is_opened_and_the_others_wait(studio: StudioPage, studio_folder: Path) -> None:
    names = ["street.png", "room.png", "field.png"]
    studio.page.set_input_files("#file", [studio_folder / name for name in names])
    studio.wait_for_parse("street.png")
    cards = studio.page.locator("#opened button")
    assert cards.all_inner_texts() == names
    studio.page.click('#opened button[title="field.png"]')
    studio.wait_for_parse("field.png")
    assert sorted(cards.all_inner_texts()) == sorted(names)


def test_cards_of_what_was_opened_load_no_large_picture(studio: StudioPage, tmp_path: Path) -> None:
    Image.new("RGB", (1200, 900), (90, 120, 60)).save(tmp_path / "large.png")
    asked: list[str] = []
    studio.page.on("request", lambda request: asked.append(request.url) if "/picture" in request.url else None)
    studio.open_file(tmp_path / "large.png")
    studio.wait_for_parse("large.png")
    studio.page.wait_for_function("() => document.querySelector('#opened img').naturalWidth > 0")
    sizes = studio.page.evaluate(
        "(one => [one.naturalWidth, one.naturalHeight])(document.querySelector('#opened img'))"
    )
    assert sizes == [320, 240] and len(asked) == 1, "that which is shown large"


def test_a_dropped_link_leads_nowhere(studio: StudioPage) -> None:
    """A browser goes to it unless the page takes both events for its own."""
    studio.choose_from_folder("street.png")
    asked = parses_asked(studio)
    taken = studio.page.evaluate(
        """() => { const data = new DataTransfer();
        data.setData("text/uri-list", "http://localhost/elsewhere");
        return ["dragenter", "dragover", "drop"].map((kind) => !document.body.dispatchEvent(
            new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }))); }"""
    )
    assert taken[1:] == [True, True] and asked == []
    assert not studio.page.evaluate("document.body.classList.contains('dragging')")


def test_a_refusal_names_the_file_that_was_opened(studio: StudioPage, tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_text("not a picture")
    studio.open_file(tmp_path / "holiday.jpg")
    assert "upload-" not in studio.wait_for_text("#problem", "holiday.jpg")
