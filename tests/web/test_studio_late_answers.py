"""Answers that come late, or not at all: they never land on another photograph, and the page stays one thing."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from studio_in_browser import HeldRequests, StudioPage

pytestmark = pytest.mark.slow
PARSE = r"/v1/parse\?"
PICTURE = r"/v1/photographs/[^/]+/picture"


def begin(studio: StudioPage, name: str) -> None:
    studio.page.click(f'#folder button[title="{name}"]')


def shown(studio: StudioPage) -> list[Any]:
    """What says which photograph this is."""
    studio.settle()
    alt, source = (studio.page.get_attribute("#stage img", name) for name in ("alt", "src"))
    return [studio.text("#stage figcaption"), alt, source, studio.canvas(), studio.text("#found")]


@pytest.mark.parametrize(
    ("parser", "tab", "path", "told", "list_of"),
    [
        ("everyday", "why", "/v1/why", "#told", "#heats"),
        ("tokens", "tokens", "/v1/tokens", "#tokens-told", "#tokens"),
        ("everyday", "similar", "/v1/find", "#similar-told", "#similar"),
    ],
)
def test_a_late_answer_is_not_put_on_another_photograph(
    studio: StudioPage, parser: str, tab: str, path: str, told: str, list_of: str
) -> None:
    studio.page.select_option("#parser", parser)
    studio.choose_from_folder("street.png")
    studio.tab(tab)
    studio.click(0.5, 0.9)
    held = HeldRequests(studio.page, path)
    studio.page.click(f"#ask-{tab}")
    held.wait_for()
    begin(studio, "room.png")
    studio.wait_for_text("#stage figcaption", "room.png")
    before = shown(studio)
    studio.page.wait_for_selector("#progress", state="hidden")
    assert studio.page.is_enabled(f"#ask-{tab}") and not studio.page.is_visible("#problem")
    held.let_go()
    studio.page.wait_for_timeout(300)
    assert shown(studio) == before and studio.text(told) == ""
    assert studio.page.locator(f"{list_of} li").count() == 0
    assert studio.page.is_checked('#views input[value="objects"]')
    assert studio.page.locator('#views input[value="heat"], #views input[value="token"]').count() == 0


def test_a_late_save_is_not_told_of_another_photograph(studio: StudioPage, labels_folder: Path) -> None:
    studio.choose_from_folder("street.png")
    studio.tab("select")
    studio.click(0.5, 0.9)
    studio.page.click("#paint")
    held = HeldRequests(studio.page, "/v1/labels")
    studio.page.click("#save-labels")
    held.wait_for()
    begin(studio, "room.png")
    studio.wait_for_text("#stage figcaption", "room.png")
    held.let_go()
    studio.page.wait_for_selector("#progress", state="hidden")
    assert studio.text("#saved") == "" and list((labels_folder / "labels").glob("*.png"))


def test_a_late_mask_is_that_of_the_photograph_that_it_was_asked_of(
    studio: StudioPage, studio_folder: Path, tmp_path: Path
) -> None:
    Image.open(studio_folder / "room.png").resize((160, 128)).save(tmp_path / "small.png")
    studio.choose_from_folder("street.png")
    studio.tab("select")
    studio.click(0.5, 0.9)
    held = HeldRequests(studio.page, "/v1/clicks")
    studio.page.click('[data-format="polygon"]')
    held.wait_for()
    studio.open_file(tmp_path / "small.png")
    studio.wait_for_text("#stage figcaption", "small.png, 160 × 128")
    with studio.page.expect_download() as waiting:
        held.let_go()
    found = json.loads(Path(waiting.value.path()).read_bytes())
    assert (found["image"], found["width"], found["height"]) == ("street.png", 320, 240)
    assert waiting.value.suggested_filename == "street-polygon.json"


def test_a_photograph_that_the_service_has_let_go_of_is_sent_again(studio: StudioPage, tmp_path: Path) -> None:
    Image.new("RGB", (160, 128), (90, 120, 60)).save(tmp_path / "own.png")
    studio.open_file(tmp_path / "own.png")
    studio.wait_for_parse("own.png")
    studio.tab("select")
    studio.click(0.5, 0.9)
    told = studio.wait_for_text("#selection", "1 click")
    held = HeldRequests(studio.page, "/v1/clicks")
    with studio.page.expect_download() as waiting, studio.page.expect_request(lambda one: PARSE[:9] in one.url) as sent:
        studio.page.click('[data-format="rle"]')
        held.wait_for()
        held.refuse("photograph must be one that is still kept, but got another; send the picture again.", status=404)
    assert sent.value.method == "POST" and "folder" not in sent.value.url and "photograph" not in sent.value.url
    assert json.loads(Path(waiting.value.path()).read_bytes())["segmentation"]["size"] == [128, 160]
    assert not studio.page.is_visible("#problem") and studio.text("#selection") == told


def test_another_parser_chosen_meanwhile_parses_the_photograph_that_is_on_its_way(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    held = HeldRequests(studio.page, PARSE)
    begin(studio, "room.png")
    held.wait_for(1)
    studio.page.select_option("#parser", "street")
    held.wait_for(2)
    studio.page.select_option("#beside", "everyday")
    held.wait_for(3)
    assert held.routes[2].request.url.count("parser=street")
    held.let_go()
    studio.wait_for_text("#stage figcaption", "street: room.png")
    studio.wait_for_text("#stage-beside figcaption", "everyday")
    assert [studio.page.input_value(f"#{one}") for one in ("parser", "beside")] == ["street", "everyday"]


@pytest.mark.parametrize("select", ["parser", "beside"])
def test_a_parser_that_fails_is_not_left_chosen(studio: StudioPage, select: str) -> None:
    studio.choose_from_folder("street.png")
    before = shown(studio)
    held = HeldRequests(studio.page, PARSE + ".*parser=street")
    studio.page.select_option(f"#{select}", "street")
    held.wait_for()
    held.refuse("memory must suffice for the photograph, but it ran out; send a smaller one.")
    studio.wait_for_text("#problem", "memory must suffice")
    assert [studio.page.input_value(f"#{one}") for one in ("parser", "beside")] == ["everyday", ""]
    assert shown(studio) == before
    studio.choose_from_folder("room.png")
    assert "Terms of everyday" in studio.text("#terms") and not studio.page.is_visible("#stage-beside")


def test_nothing_of_a_photograph_is_shown_before_its_picture_is_there(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.page.mouse.move(*studio.point(0.5, 0.9))
    studio.wait_for_text("#under", "sure")
    before, words = shown(studio), studio.text("#under")
    held = HeldRequests(studio.page, PICTURE)
    # By the keyboard: the pointer stays where it is.
    studio.page.focus('#folder button[title="room.png"]')
    studio.page.keyboard.press("Enter")
    held.wait_for()
    assert shown(studio) == before
    assert "Parsing room.png" in studio.text("#progress")
    held.let_go()
    studio.wait_for_parse("room.png")
    after = shown(studio)
    assert all(old != new for old, new in zip(before, after)) and after[1] == "Photograph room.png"
    assert studio.text("#under") != words, "what lay under the pointer was another photograph"


def test_a_picture_that_does_not_come_leaves_the_page_as_it_was(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.tab("select")
    studio.click(0.5, 0.9)
    told, before = studio.wait_for_text("#selection", "1 click"), shown(studio)
    held = HeldRequests(studio.page, PICTURE)
    begin(studio, "room.png")
    held.wait_for()
    held.refuse("photograph must be one that is still kept, but got another; send the picture again.", status=404)
    studio.wait_for_text("#problem", "The photograph did not come; open it again.")
    studio.page.mouse.move(*studio.point(0.5, 0.9))
    assert shown(studio) == before and studio.text("#selection") == told
    assert studio.page.locator("#opened button").count() == 1
    studio.choose_from_folder("room.png")
    assert not studio.page.is_visible("#problem")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_question_is_told_while_it_runs_and_cannot_be_asked_twice(studio: StudioPage, width: int) -> None:
    studio.page.set_viewport_size({"width": width, "height": 800})
    studio.choose_from_folder("street.png")
    studio.tab("why")
    held = HeldRequests(studio.page, "/v1/why")
    studio.page.focus("#ask-why")
    studio.page.keyboard.press("Enter")
    held.wait_for()
    assert studio.wait_for_text("#progress", "Asking why")
    require_in_sight(studio, "#progress")
    assert studio.page.is_disabled("#ask-why") and studio.focused() == "ask-why"
    studio.page.keyboard.press("Enter")
    studio.page.evaluate("document.querySelector('#ask-why').click()")
    studio.settle()
    assert len(held.routes) == 1
    held.refuse("the service must be running to answer, but got a request while it stops; start it again.")
    studio.wait_for_text("#problem", "while it stops")
    require_in_sight(studio, "#problem")
    assert not studio.page.is_visible("#progress") and studio.page.is_enabled("#ask-why")
    studio.page.focus("#close-problem")
    studio.page.keyboard.press("Enter")
    assert not studio.page.is_visible("#problem") and studio.focused() == "ask-why"
    studio.page.keyboard.press("Enter")
    studio.wait_for_text("#told", r"\(object\)")


def require_in_sight(studio: StudioPage, place: str) -> None:
    box = studio.page.locator(place).bounding_box()
    assert box["y"] >= 0 and box["y"] + box["height"] <= 800, f"{place} must be in sight, but got {box}"
