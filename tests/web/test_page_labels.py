"""Clicks, painted regions and what of them is saved, as the page counts them, without a browser."""

from typing import Any

import numpy as np
import pytest
from asked_service import SIZE, Asked, application_of, png
from page_in_node import answer_of_page
from PIL import Image
from tiny_parser import random_image, tiny_parser

IMAGE_HWC = random_image(*SIZE, seed=1)


@pytest.fixture(scope="module")
def parse() -> dict[str, Any]:
    with application_of({"tiny": tiny_parser()}) as application:
        return Asked(application).parsed(png(IMAGE_HWC))


def click(x: int, y: int, level: int, *, adds: bool = True) -> dict[str, Any]:
    return {"x": x, "y": y, "adds": adds, "level": level}


CHOSEN = """
    import { chosenCodes, prepared, shareOf, withClick } from "./maps.js";
    const parse = prepared(given.parse);
    let clicks = [];
    answer(given.clicks.map((click) => {
      clicks = withClick(parse, clicks, click);
      return [clicks, shareOf(parse, chosenCodes(parse, clicks))];
    }));
"""


@pytest.mark.parametrize("level", [1, 2, 3])
def test_of_clicks_on_one_group_the_last_one_counts(parse: dict[str, Any], level: int) -> None:
    here, gone, far = click(5, 6, level), click(5, 6, level, adds=False), click(60, 2, level)
    steps = answer_of_page(CHOSEN, parse=parse, clicks=[gone, here, gone, here, far, gone, here])
    chosen = [clicks for clicks, _ in steps]
    assert chosen[:4] == [[], [here], [], [here]], "what is not chosen needs no click that takes it away"
    assert chosen[4:] == [[here, far], [far], [far, here]], "those elsewhere stay"
    assert all((share > 0) == bool(clicks) for clicks, share in steps)


def test_a_fine_click_corrects_a_coarse_one_and_is_covered_by_the_next(parse: dict[str, Any]) -> None:
    everything, piece = click(5, 6, 4), click(5, 6, 1, adds=False)
    steps = answer_of_page(CHOSEN, parse=parse, clicks=[everything, piece, click(5, 6, 1), piece, everything])
    shares = [share for _, share in steps]
    assert shares[0] == shares[2] == shares[4] == 1 and 0 < shares[1] == shares[3] < 1
    assert steps[3][0] == [everything, piece] and steps[4][0] == [everything]


def test_later_regions_are_painted_over_earlier_ones_as_they_are_saved(parse: dict[str, Any], tmp_path: Any) -> None:
    script = """
        import { paintedAt, paintedClasses, paintedShares } from "./painted_label.js";
        import { prepared } from "./maps.js";
        const parse = prepared(given.parse), painted = paintedClasses(parse, given.regions);
        const codes = Array.from(parse.groups.map.values);
        answer([codes.map((code) => painted[code]), paintedShares(parse, given.regions),
                paintedAt(parse, given.regions, given.regions.at(-1).clicks[0]), paintedAt(parse, [], { x: 0, y: 0 })]);
    """
    regions = [
        {"class": "sky", "level": 4, "clicks": [click(5, 6, 4)]},
        {"class": "car", "level": 2, "clicks": [click(5, 6, 2), click(40, 30, 2)]},
        {"class": "road", "level": 1, "clicks": [click(40, 30, 1)]},
    ]
    Image.fromarray(IMAGE_HWC).save(tmp_path / "a.png")
    with application_of({"tiny": tiny_parser()}, folder=tmp_path) as application:
        ask = Asked(application)
        photograph = ask.parsed(b"", folder=0)["photograph"]
        ask.post("/v1/labels", {"photograph": photograph, "parser": "tiny", "regions": regions})
    (label,) = (tmp_path / "mereo_labels" / "labels").glob("*.png")
    saved_HW = np.asarray(Image.open(label))
    painted, shares, at_last, nowhere = answer_of_page(script, parse=parse, regions=regions)
    assert np.array_equal(np.array(painted).reshape(SIZE), saved_HW), "what is shown is what is saved"
    assert dict(map(tuple, shares)) == pytest.approx({k: (saved_HW == k).mean() for k in np.unique(saved_HW)})
    names = parse["tasks"]["objects"]["classes"]
    assert names[at_last] == "road" and nowhere == -1 and len(shares) == 3


def test_the_view_of_the_label_is_there_as_long_as_something_is_painted(parse: dict[str, Any]) -> None:
    script = """
        import { edit, turnTo, undo } from "./edits.js";
        import { layerOf, viewsOf } from "./layers.js";
        import { prepared } from "./maps.js";
        const parse = prepared(given.parse), told = [];
        const state = { parse, view: "label", opacity: 0.5, lit: null, pinned: null };
        const look = () => told.push([viewsOf(parse, state).includes("label"), layerOf(parse, state) !== null]);
        turnTo("file 1", "tiny");
        look();
        edit({ regions: [{ class: "car", level: 4, clicks: [{ x: 1, y: 1, adds: true, level: 4 }] }] });
        look();
        const { colours } = layerOf(parse, state);
        told.push([...new Set(Array.from(colours.slice(1)))].length);
        undo();
        look();
        answer(told);
    """
    assert answer_of_page(script, parse=parse) == [[False, False], [True, True], 1, [False, False]]


def test_regions_are_unsaved_until_they_are_saved_on_whichever_photograph() -> None:
    script = """
        import { beingSaved, edit, hasUnsaved, isSaved, redo, regions, turnTo, undo } from "./edits.js";
        const told = [], look = () => told.push([hasUnsaved(), isSaved()]);
        const paint = (name) => edit({ regions: [...regions(), { class: name, level: 1, clicks: [] }] });
        turnTo("file 1", "street");
        edit({ clicks: [{ x: 0, y: 0, adds: true }] });
        look();
        paint("car");
        look();
        const { done } = beingSaved();
        turnTo("file 2", "street");
        look();
        done();
        look();
        turnTo("file 1", "street");
        look();
        edit({ clicks: [{ x: 1, y: 0, adds: true }] });
        look();
        paint("sky");
        look();
        undo();
        look();
        for (let step = 0; step < 2; step++) undo();
        look();
        answer(told);
    """
    clicked, painted, elsewhere, saved, back, clicked_again, more, undone, none = answer_of_page(script)
    assert clicked == [False, False] and painted == [True, False]
    assert elsewhere == [True, False] and saved == [False, False]
    assert back == [False, True], "it was saved while another one was shown"
    assert clicked_again == [False, True] and more == [True, False] and undone == [False, True]
    assert none[0] is False, "where nothing is painted nothing can be lost"
