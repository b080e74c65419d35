"""Parts, materials, texture and scene of a parse on disk and on the page: label maps, words, and in a real browser."""

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mereo.assembly.parse import Parse
from mereo.data.drawn_scenes import draw_scene, drawn_taxonomy
from mereo.data.label_reading import read_label
from mereo.data.taxonomy import LabelTable, Taxonomy
from mereo.drawing.hover_map import MAX_SIDE, index_hover_map
from mereo.drawing.label_png import write_label_png
from mereo.drawing.page_parts import colour_rules
from mereo.drawing.parse_files import ParsedImage, save_for_page, save_parse
from mereo.drawing.parse_page import write_parse_page
from mereo.drawing.task_maps import described_tasks, task_maps, title_of

sys.path.insert(0, str(Path(__file__).parent))
from browser import PROGRAM, Browser

OBJECTS = LabelTable(("road", "car"))
TAXONOMY = Taxonomy(
    "street",
    OBJECTS,
    parts=LabelTable(("wheel", "window")),
    part_owners=(("car",), ("car",)),
    materials=LabelTable(("asphalt", "<b>glass</b>", "rubber")),
    textures=LabelTable(("smooth", "grained")),
    scenes=LabelTable(("street",)),
    derived=("materials", "scenes"),
)


def small_parse(**changes: object) -> Parse:
    """A road, and on it a car of 40 x 40 pixels: a quarter of it wheel, an eighth window."""
    semantic_HW = np.zeros((60, 80), dtype=np.int32)
    semantic_HW[10:50, 20:60] = 1
    parts_HW, materials_HW = np.full((60, 80), 255), np.zeros((60, 80), dtype=np.int64)
    parts_HW[40:50, 20:60], parts_HW[10:20, 20:40] = 0, 1
    materials_HW[40:50, 20:60], materials_HW[10:20, 20:40], materials_HW[20:40, 20:60] = 2, 1, 255
    maps = {"parts": parts_HW, "materials": materials_HW, "texture": (semantic_HW == 0).astype(np.int32)}
    image_HWC = np.full((60, 80, 3), 120, dtype=np.uint8)
    return Parse(image_HWC, semantic_HW, TAXONOMY, name="one", **(maps | {"scene": 0, "image_texture": 1} | changes))


def test_what_a_description_says() -> None:
    found = described_tasks(small_parse())
    assert found["parts"] == [
        {"object": "car", "name": "wheel", "class_index": 0, "area_pixels": 400, "share": 0.083333},
        {"object": "car", "name": "window", "class_index": 1, "area_pixels": 200, "share": 0.041667},
    ]
    assert [(row["name"], row["area_pixels"]) for row in found["materials"]] == [
        ("asphalt", 3400), ("rubber", 400), ("<b>glass</b>", 200)
    ]  # fmt: skip
    assert found["image_texture"] == "grained" and found["derived"] == ["materials", "scenes"]
    silent = small_parse(parts=None, materials=None, texture=None, scene=None, image_texture=None)
    assert described_tasks(silent) == {} and task_maps(silent) == ()


def test_titles() -> None:
    assert [title_of(one.task, TAXONOMY) for one in task_maps(small_parse())] == [
        "Parts", "Materials (derived)", "Texture"
    ]  # fmt: skip


def test_label_maps_are_read_back_exactly_and_silent_pixels_are_transparent(tmp_path: Path) -> None:
    parse = small_parse()
    files = save_parse(parse, tmp_path)
    assert [path.name for path in files.tasks.values()] == ["one.parts.png", "one.materials.png", "one.textures.png"]
    for one in task_maps(parse):
        picture = Image.open(files.tasks[one.task])
        assert picture.mode == "P"
        np.testing.assert_array_equal(np.asarray(picture), one.label_HW)
        seen_HW4 = np.asarray(picture.convert("RGBA"))
        is_class_HW = one.label_HW != 255
        np.testing.assert_array_equal(seen_HW4[..., 3], np.where(is_class_HW, 255, 0))
        np.testing.assert_array_equal(seen_HW4[is_class_HW][:, :3], one.table.colours_K3[one.label_HW[is_class_HW]])
    content = json.loads(files.description.read_text())
    assert content["files"]["materials"] == "one.materials.png" and content["scene"] == "street"
    assert content["parts"] == described_tasks(parse)["parts"]


def test_label_maps_of_drawn_scenes_are_labels_again(tmp_path: Path) -> None:
    sample, table = draw_scene(0, 0, size=(30, 40)), drawn_taxonomy().parts
    assert sample.parts_HW is not None and table is not None
    label_HW = np.asarray(sample.parts_HW)
    path = write_label_png(tmp_path / "x.png", label_HW, table.colours_K3, ignore_index=table.ignore_index)
    with_own_ids = LabelTable(table.names, {**{index: index for index in range(len(table))}, 255: None})
    np.testing.assert_array_equal(read_label(path, with_own_ids), label_HW)


@pytest.mark.parametrize(("num_classes", "mode"), [(255, "P"), (300, "I;16")])
def test_a_map_without_any_class(num_classes: int, mode: str, tmp_path: Path) -> None:
    table = LabelTable(tuple(f"c{index}" for index in range(num_classes)))
    nothing_HW = np.full((4, 5), table.ignore_index)
    path = write_label_png(tmp_path / "x.png", nothing_HW, table.colours_K3, ignore_index=table.ignore_index)
    picture = Image.open(path)
    assert picture.mode == mode
    np.testing.assert_array_equal(np.asarray(picture), nothing_HW)


def test_index_maps_keep_their_numbers() -> None:
    assert index_hover_map(np.array([[7, 7, 255]])).size == (1, 3)
    wide = index_hover_map(np.zeros((100, 1000), dtype=np.int64))
    assert wide.size == (round(100 * MAX_SIDE / 1000), MAX_SIDE)


def test_colours_of_another_table() -> None:
    assert colour_rules([3], [(255, 0, 16)], prefix="parts-") == ".parts-3 { --k: #ff0010; fill: #ff0010; }"


def saved(folder: Path, parse: Parse, stem: str) -> ParsedImage:
    return save_for_page(parse, folder, stem=stem, source=f"in/{stem}.png")


def data_of(page: Path) -> dict:
    text = page.read_text(encoding="utf-8")
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])  # type: ignore[index]


@pytest.fixture
def page(tmp_path: Path) -> Path:
    images = [saved(tmp_path, small_parse(), "all"), saved(tmp_path, small_parse(parts=None, texture=None), "some")]
    return write_parse_page(tmp_path / "index.html", images, [], taxonomy=TAXONOMY, parser_name="p")


def test_the_page_knows_tasks(page: Path) -> None:
    data, text = data_of(page), page.read_text(encoding="utf-8")
    assert data["images"][0]["scene"] == "street (derived)"
    assert (
        list(data["tasks"]) == ["parts", "materials", "textures"] and "Derived: " in data["tasks"]["materials"]["about"]
    )
    assert data["images"][0]["tasks"]["parts"]["classes"] == [[0, 0.08333], [1, 0.04167]]
    assert list(data["images"][1]["tasks"]) == ["materials"]
    assert ".materials-2 {" in text and ".parts-1 {" in text and ">Materials</span>" in text
    assert (page.parent / "materials" / "all.png").is_file()


def test_a_page_without_tasks_has_no_views_of_them(tmp_path: Path) -> None:
    plain = small_parse(parts=None, materials=None, texture=None)
    page = write_parse_page(
        tmp_path / "index.html", [saved(tmp_path, plain, "x")], [], taxonomy=TAXONOMY, parser_name="p"
    )
    assert "data-task=" not in page.read_text(encoding="utf-8").split("<script>")[0]
    assert data_of(page)["tasks"] == data_of(page)["images"][0]["tasks"] == {}


def test_maps_for_pointing_share_one_budget(tmp_path: Path) -> None:
    image = saved(tmp_path, small_parse(), "x")
    assert image.hover is not None
    limited = write_parse_page(
        tmp_path / "index.html", [image], [], taxonomy=TAXONOMY, parser_name="p", max_hover_bytes=len(image.hover.runs)
    )
    entry = data_of(limited)["images"][0]
    assert entry["hover"] and not any(one["hover"] for one in entry["tasks"].values())


needs_browser = pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine")
BOX = "(b => [b.x, b.y, b.width, b.height])(document.getElementById('stage').getBoundingClientRect())"
TIP = "document.getElementById('{}').textContent"
NAMES = "[...document.querySelectorAll('#segments button')].map(row => row.children[1].textContent)"
VIEWS = "[...document.querySelectorAll('.choice label')].filter(one => !one.hidden).map(one => one.textContent)"


@needs_browser
@pytest.mark.slow
def test_in_a_browser(page: Path, tmp_path: Path) -> None:
    (page.parent / "report.json").write_text("{}")
    with Browser(tmp_path / "profile") as browser:
        browser.open(page)
        x, y, width, height = browser.value(BOX)

        def point(column: float, row: float) -> tuple[str, str]:
            browser.mouse("mouseMoved", x + width * column / 80, y + height * row / 60)
            return browser.value(TIP.format("tip-text")), browser.value(TIP.format("tip-more"))

        # Object, part, material and texture under the pointer, whichever view is open.
        assert point(30, 45) == ("car  33 %", "wheel \u00b7 rubber \u00b7 smooth")
        assert point(30, 15) == ("car  33 %", "window \u00b7 <b>glass</b> \u00b7 smooth")
        assert point(30, 30) == ("car  33 %", "smooth") and point(5, 5) == ("road  67 %", "asphalt \u00b7 grained")
        assert browser.value(VIEWS) == ["Photograph", "Overlay", "Labels", "Parts", "Materials", "Texture"]
        # The list is that of the view; a row lights up what it names.
        browser.value("document.querySelector('input[value=parts]').click()")
        assert browser.value("document.getElementById('layer').decode().then(() => true)")
        assert browser.value(NAMES) == ["wheel", "window"]
        assert browser.value("document.getElementById('layer').src").endswith("/parts/all.png")
        assert point(30, 45)[0] == "car  33 %"
        assert browser.value("document.querySelector('#segments .lit').textContent") == "wheel8.3 %"
        browser.click(x + width * 30 / 80, y + height * 45 / 60)
        pixel = "document.getElementById('spotlight').getContext('2d').getImageData({}, {}, 1, 1).data[3]"
        assert browser.value(pixel.format(30, 45)) == 0 and browser.value(pixel.format(30, 15)) > 100
        # Where no part is, nothing is chosen.
        browser.click(x + width * 5 / 80, y + height * 5 / 60)
        assert browser.value("document.querySelectorAll('#segments [aria-pressed=\"true\"]').length") == 1
        browser.value("document.querySelector('input[value=materials]').click()")
        assert browser.value(NAMES) == ["asphalt", "rubber", "<b>glass</b>"]
        assert browser.value("document.getElementById('listing').textContent").startswith("Derived: ")
        # The next image has no parts: its views are fewer, and the open one stays if it is there.
        browser.value("document.getElementById('next').click()")
        assert browser.value(VIEWS) == ["Photograph", "Overlay", "Labels", "Materials"]
        assert browser.value("document.querySelector('input[name=view]:checked').value") == "materials"
        browser.value("document.getElementById('next').click()")
        browser.value("document.querySelector('input[value=parts]').click()")
        browser.value("document.getElementById('next').click()")
        assert browser.value("document.querySelector('input[name=view]:checked').value") == "overlay"
        assert browser.value(NAMES) == ["road", "car"]
        assert browser.complaints() == []


@needs_browser
@pytest.mark.slow
def test_on_a_phone(page: Path, tmp_path: Path) -> None:
    with Browser(tmp_path / "profile", size=(390, 844)) as browser:
        browser.open(page)
        assert browser.value("document.documentElement.scrollWidth") <= 390, "nothing sticks out at the side"
        heights = "[...document.querySelectorAll('.choice span')].map(one => one.offsetHeight)"
        assert max(browser.value(heights)) < 40, "no word is broken"
        assert browser.complaints() == []


def test_a_taxonomy_whose_rest_is_a_part(tmp_path: Path) -> None:
    with_rest = replace(TAXONOMY, parts=LabelTable(("rest", "wheel")), part_owners=((), ("car",)))
    parts_HW = np.where(small_parse().semantic == 1, 0, 255)
    parse = Parse(small_parse().image_HWC, small_parse().semantic, with_rest, parts=parts_HW)
    assert described_tasks(parse)["parts"][0] | {"share": 0} == {
        "object": "car", "name": "rest", "class_index": 0, "area_pixels": 1600, "share": 0
    }  # fmt: skip


def test_the_page_tells_classes_in_words(tmp_path: Path) -> None:
    told = Taxonomy(
        "street", LabelTable(("wide_road", "car")), parts=LabelTable(("rest", "left_door")), part_owners=((), ("car",))
    )
    parts_HW = np.where(small_parse().semantic == 1, 1, 255)
    parse = Parse(small_parse().image_HWC, small_parse().semantic, told, parts=parts_HW)
    image = save_for_page(parse, tmp_path, stem="a", source="in/a.png")
    content = write_parse_page(tmp_path / "index.html", [image], [], taxonomy=told, parser_name="p").read_text("utf-8")
    assert '"no part"' in content and '"left door"' in content and '"wide road"' in content
    assert "wide_road" not in content and "left_door" not in content
