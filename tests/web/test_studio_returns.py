"""What belongs to a photograph and a parser stays with them; of two parsers, classes are told apart by name."""

import pytest
from studio_in_browser import StudioPage

from mereo.parser.weights import load

pytestmark = pytest.mark.slow
# Over a photograph what is shown alone is painted with 0.6, all else with a twelfth of that, borders in between.
LIT, DIM = 120, 100


def selected(studio: StudioPage) -> list[str]:
    studio.settle()
    return [studio.text(place) for place in ("#selection", "#regions", "#level-name")]


def choose_parser(studio: StudioPage, name: str) -> None:
    studio.page.select_option("#parser", name)
    studio.wait_for_text("#terms", f"Terms of {name}")
    studio.page.wait_for_selector("#progress", state="hidden")
    studio.settle()


def test_painted_regions_and_clicks_are_there_again_with_their_photograph_and_parser(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.tab("select")
    fresh = selected(studio)
    studio.page.fill("#level", "2")
    studio.click(0.5, 0.9)
    studio.page.click("#paint")
    studio.click(0.5, 0.05)
    own = selected(studio)
    assert "1 click" in own[0] and "%" in own[1] and "level 2" in own[2] and own[2] != fresh[2]
    studio.choose_from_folder("room.png")
    assert selected(studio)[:2] == fresh[:2] and studio.page.is_disabled("#undo")
    studio.choose_from_folder("street.png")
    assert selected(studio) == own
    choose_parser(studio, "street")
    assert selected(studio)[:2] == fresh[:2]
    choose_parser(studio, "everyday")
    assert selected(studio) == own
    for _ in range(3):
        studio.page.click("#undo")
    assert selected(studio)[:2] == fresh[:2] and studio.page.is_disabled("#undo")
    studio.page.click("#redo")
    studio.wait_for_text("#selection", "1 click")


def test_undo_brings_back_the_level_that_the_clicks_were_made_for(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.tab("select")
    studio.page.fill("#level", "2")
    studio.click(0.5, 0.9)
    own = selected(studio)
    studio.page.click("#paint")
    painted = selected(studio)
    studio.page.fill("#level", "4")
    studio.page.click("#undo")
    assert selected(studio) == own and studio.page.input_value("#level") == "2"
    studio.page.fill("#level", "3")
    studio.page.click("#redo")
    assert selected(studio)[:2] == painted[:2] and studio.page.input_value("#level") == "4"


def test_a_second_parser_comes_beside_without_a_loss(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.tab("select")
    studio.click(0.5, 0.9)
    own = selected(studio)
    studio.page.select_option("#beside", "street")
    studio.wait_for_text("#stage-beside figcaption", "street")
    assert selected(studio) == own
    terms = studio.text("#terms")
    assert "Terms of everyday: " in terms and "Terms of street: " in terms


def test_a_class_alone_is_that_class_of_the_second_parser_too(studio: StudioPage) -> None:
    """Both have a sixth class: one calls it vegetation, the other tree. Both have a sky."""
    studio.choose_from_folder("field.png")
    studio.page.select_option("#beside", "street")
    studio.wait_for_text("#stage-beside figcaption", "street")
    grid = [(x / 10, y / 10) for x in range(1, 10, 2) for y in range(1, 10, 2)]
    places = [place for place in grid if opacity_beside(studio, *place) > LIT]  # All but borders.
    said = {place: said_beside(studio, *place) for place in places}
    assert {"sky", "tree"} <= set(said.values())
    for name in ("vegetation", "sky"):
        studio.page.click(f'#found button:has-text("{name}")')
        studio.page.mouse.move(5, 5)
        studio.settle()
        for place, its_name in said.items():
            opacity = opacity_beside(studio, *place)
            assert opacity > LIT if its_name == name else opacity < DIM, (name, its_name, place, opacity)


def test_a_segment_alone_is_none_of_the_second_parser(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.page.select_option("#beside", "street")
    studio.wait_for_text("#stage-beside figcaption", "street")
    studio.show("segments")
    studio.page.mouse.move(5, 5)
    before = [studio.canvas(f"#{one} canvas") for one in ("stage", "stage-beside")]
    studio.page.click("#found button >> nth=0")
    studio.page.mouse.move(5, 5)
    after = [studio.canvas(f"#{one} canvas") for one in ("stage", "stage-beside")]
    assert after[0] != before[0] and after[1] == before[1]


def said_beside(studio: StudioPage, x: float, y: float) -> str:
    studio.page.mouse.move(*studio.point(x, y))
    studio.settle()
    return studio.text("#under").split("street says ")[1].split(",")[0].split(" #")[0]


def opacity_beside(studio: StudioPage, x: float, y: float) -> int:
    return int(
        studio.page.evaluate(
            """([x, y]) => { const canvas = document.querySelector("#stage-beside canvas");
            const at = [Math.floor(x * canvas.width), Math.floor(y * canvas.height)];
            return canvas.getContext("2d").getImageData(...at, 1, 1).data[3]; }""",
            [x, y],
        )
    )


def test_pointing_names_the_texture_too(studio: StudioPage) -> None:
    studio.choose_from_folder("street.png")
    studio.show("texture")
    studio.page.mouse.move(*studio.point(0.5, 0.9))
    words = studio.wait_for_text("#under", "sure").split(": ", 1)[1].split(", ")
    texture = studio.text("#found button.lit span")
    assert texture in words, "that which the view and its list show there"
    assert texture in load("everyday").taxonomy.textures.names  # type: ignore[union-attr]


def test_classes_to_find_are_those_of_the_index_whichever_parser_is_shown(studio: StudioPage) -> None:
    studio.page.select_option("#parser", "street")
    studio.choose_from_folder("field.png")
    studio.tab("similar")
    options = studio.page.locator("#similar-class option").evaluate_all("(all) => all.map((one) => one.text)")
    assert options == ["any", *load("everyday").taxonomy.object_names]
    studio.page.select_option("#similar-class", "vegetation")  # The parser that is shown knows none.
    studio.click(0.5, 0.9)
    studio.page.click("#ask-similar")
    studio.wait_for_text("#similar-told", "the most alike first")
    names = studio.page.locator("#similar strong").all_inner_texts()
    assert set(names) <= {"vegetation"} and not studio.page.is_visible("#problem")
    studio.choose_from_folder("room.png")
    assert studio.page.input_value("#similar-class") == "vegetation", "the choice stays"
