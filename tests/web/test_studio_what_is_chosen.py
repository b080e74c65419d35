"""Where a click goes, and how what is chosen and found stays in sight."""

from pathlib import Path

from studio_in_browser import StudioPage


def test_a_click_beside_the_list_opens_what_tells_of_the_selection(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.click(0.5, 0.9)
    studio.wait_for_text("#selection", "1 click chooses")
    studio.tab("why")
    studio.click(0.5, 0.05)
    assert studio.page.is_visible("#ask-why"), "whoever asks about a place stays there"


def test_what_is_chosen_is_outlined_over_heat_and_nothing_is_shaded(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.tab("why")
    studio.page.click("#ask-why")
    studio.page.wait_for_selector("#heats button")
    studio.tab("select")
    studio.page.mouse.move(5, 5)
    bare, far = studio.canvas(), studio.colour_at(0.9, 0.02)
    studio.click(0.5, 0.9)
    studio.page.mouse.move(5, 5)
    assert num_white(studio) > 100 and studio.colour_at(0.9, 0.02) == far
    studio.page.keyboard.press("Control+z")
    studio.wait_for_text("#selection", "Nothing")
    assert studio.canvas() == bare


def num_white(studio: StudioPage) -> int:
    studio.settle()
    script = """() => { const canvas = document.querySelector("#stage canvas"), { width, height } = canvas;
        const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
        let count = 0;
        for (let at = 0; at < data.length; at += 4) count += data[at] > 250 && data[at + 2] > 250 && data[at + 3] > 230;
        return count; }"""
    return int(studio.page.evaluate(script))


def test_labels_of_other_classes_are_told_of_before_anything_is_painted(
    studio: StudioPage, labels_folder: Path
) -> None:
    studio.choose_from_folder("street.png")
    studio.click(0.5, 0.9)
    studio.page.click("#paint")
    studio.page.click("#save-labels")
    studio.wait_for_text("#saved", "Save one more photograph first")
    for _ in range(2):
        studio.page.select_option("#parser", "street")
        studio.wait_for_text("#labels-about", "begun with a parser of other classes")
        studio.click(0.5, 0.9)
        assert studio.page.is_disabled("#paint")
        studio.page.reload()
        studio.choose_from_folder("street.png")
        studio.tab("select")
    assert labels_folder.is_dir()


def test_two_parsers_share_the_list(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.page.select_option("#beside", "street")
    studio.wait_for_text("#found-about", "everyday found .* street .*shares of both")
    assert " | " in studio.text("#found button >> nth=0")
    assert "tree" in studio.text("#found .other"), "what only the other one knows is listed, too"


def test_a_found_segment_is_marked_and_opened_where_it_is(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.click(0.5, 0.9)
    studio.tab("similar")
    studio.page.click("#ask-similar")
    told = studio.wait_for_text("#similar-told", "of street.png, the most alike first")
    cards = studio.page.locator("#similar li").all_inner_texts()
    box, view = (studio.page.get_attribute(f"#similar svg{inner} >> nth=0", name) for inner, name in PLACES)
    assert float(box or 0) > 0 and len((view or "").split()) == 4
    studio.page.click('#similar button[title="Open room.png"] >> nth=0')
    studio.wait_for_parse("room.png")
    studio.wait_for_text("#under", r"^\d+, \d+: ")
    assert studio.text("#similar-told") == told
    assert studio.page.locator("#similar li").all_inner_texts() == cards


def test_the_photograph_stays_where_it_is_while_something_runs(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    before = studio.point(0.5, 0.5)
    studio.page.evaluate("() => { document.querySelector('#progress').hidden = false; }")
    assert studio.page.is_visible("#progress") and studio.point(0.5, 0.5) == before


def test_no_tab_is_cut_at_any_width(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    for width in (390, 721, 760, 900, 1020, 1021, 1280):
        studio.page.set_viewport_size({"width": width, "height": 800})
        studio.settle()
        tabs = "document.querySelector('[role=tablist]')"
        assert studio.page.evaluate(f"() => {tabs}.scrollWidth <= {tabs}.clientWidth"), width
        assert studio.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), width


PLACES = ((" rect", "width"), ("", "viewBox"))
