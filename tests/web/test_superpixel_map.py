"""On a photograph larger than its map, a click reaches what the map shows there: masks, shares and labels alike."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asked_service import Asked, application_of, png
from faster_coco_eval.core import mask as coco
from page_in_node import answer_of_page
from PIL import Image
from sent_maps import decoded
from tiny_grouping_parser import tiny_grouping_parser
from tiny_parser import random_image, tiny_parser

SIZE = (300, 3000)
IMAGE_HWC = random_image(*SIZE, seed=4)
PARSERS = ("plain", "grouping")


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    folder = tmp_path_factory.mktemp("photographs")
    Image.fromarray(IMAGE_HWC).save(folder / "wide.png")
    with application_of({"plain": tiny_parser(), "grouping": tiny_grouping_parser()}, folder=folder) as application:
        yield Asked(application)


@pytest.fixture(scope="module")
def answers(ask: Asked) -> dict[str, dict[str, Any]]:
    return {name: ask.parsed(png(IMAGE_HWC), parser=name) for name in PARSERS}


def shown_at(code_hw: np.ndarray, x_N: np.ndarray, y_N: np.ndarray) -> np.ndarray:
    """The rule of the page (maps.js): the cell in which the middle of the pixel lies."""
    rows, columns = code_hw.shape
    return code_hw[(2 * y_N + 1) * rows // (2 * SIZE[0]), (2 * x_N + 1) * columns // (2 * SIZE[1])]


def telling_pixels(ask: Asked, answer: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Random pixels, of which many lie in another superpixel than the map's cell shows."""
    random = np.random.default_rng(0)
    x_N, y_N = random.integers(SIZE[1], size=20_000), random.integers(SIZE[0], size=20_000)
    groups = ask.service.kept.parse_of(answer["photograph"], answer["parser"]).groups
    is_other_N = shown_at(decoded(answer["groups"]["map"]), x_N, y_N) - 1 != groups.superpixels_at(x_N, y_N)
    assert 0.001 < is_other_N.mean() < 0.5
    chosen_N = np.concatenate([np.flatnonzero(is_other_N)[:20], np.arange(10)])
    return x_N[chosen_N], y_N[chosen_N]


def mask_of(ask: Asked, answer: dict[str, Any], **question: Any) -> np.ndarray:
    asked = {"photograph": answer["photograph"], "parser": answer["parser"], "format": "rle", **question}
    rle = ask.post("/v1/clicks", asked).json()["rle"]
    return np.asarray(coco.decode({"size": rle["size"], "counts": rle["counts"].encode()})) == 1


@pytest.mark.parametrize("parser", PARSERS)
def test_a_click_reaches_the_superpixel_that_the_map_shows(
    ask: Asked, answers: dict[str, dict[str, Any]], parser: str
) -> None:
    answer = answers[parser]
    groups = ask.service.kept.parse_of(answer["photograph"], parser).groups
    x_N, y_N = telling_pixels(ask, answer)
    code_N = shown_at(decoded(answer["groups"]["map"]), x_N, y_N)
    for x, y, code in zip(x_N.tolist(), y_N.tolist(), code_N.tolist()):
        own_HW = groups.on_pixels(np.arange(groups.num_superpixels) == code - 1)
        assert np.array_equal(mask_of(ask, answer, level=1, clicks=[{"x": x, "y": y}]), own_HW)


@pytest.mark.parametrize("levels", [(1,), (2,), (1, 2, 3)])
@pytest.mark.parametrize("parser", PARSERS)
def test_the_page_and_the_service_choose_the_same(
    ask: Asked, answers: dict[str, dict[str, Any]], parser: str, levels: tuple[int, ...]
) -> None:
    answer = answers[parser]
    x_N, y_N = telling_pixels(ask, answer)
    clicks = [
        {"x": x, "y": y, "adds": at % 4 > 0, "level": levels[at % len(levels)]}
        for at, (x, y) in enumerate(zip(x_N.tolist(), y_N.tolist()))
    ]
    script = """
        import { chosenCodes, prepared } from "./maps.js";
        answer(Array.from(chosenCodes(prepared(given.answer), given.clicks)));
    """
    chosen_R = np.array(answer_of_page(script, answer=answer, clicks=clicks), dtype=bool)[1:]
    groups = ask.service.kept.parse_of(answer["photograph"], parser).groups
    assert 0 < chosen_R.sum() < len(chosen_R)
    assert np.array_equal(mask_of(ask, answer, level=1, clicks=clicks), groups.on_pixels(chosen_R))


def test_a_saved_label_is_that_mask(ask: Asked, answers: dict[str, dict[str, Any]]) -> None:
    answer = answers["plain"]
    x_N, y_N = telling_pixels(ask, answer)
    clicks = [{"x": x, "y": y} for x, y in zip(x_N.tolist(), y_N.tolist())]
    regions = [{"class": "car", "level": 1, "clicks": clicks}]
    saved = ask.post("/v1/labels", {"photograph": answer["photograph"], "parser": "plain", "regions": regions})
    assert saved.status_code == 200
    folder = ask.service.folder_path
    assert isinstance(folder, Path)
    (label,) = (folder / "mereo_labels" / "labels").glob("*.png")
    assert np.array_equal(np.asarray(Image.open(label)) == 2, mask_of(ask, answer, level=1, clicks=clicks))
