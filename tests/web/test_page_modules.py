"""What the studio's page keeps and asks, module by module, without a browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from asked_service import Asked, application_of, png
from page_in_node import answer_of_page
from tiny_parser import random_image, tiny_parser

from mereo.web import page_files


@pytest.fixture(scope="module")
def answer() -> Iterator[dict[str, Any]]:
    with application_of({"tiny": tiny_parser()}) as application:
        yield Asked(application).parsed(png(random_image(48, 64)))


def test_undo_and_redo_bring_the_level_back_that_clicks_were_made_for() -> None:
    script = """
        import { clicks, edit, redo, turnTo, undo } from "./edits.js";
        import { change, state } from "./state.js";
        const told = [], tell = () => told.push([clicks().length, state.level]);
        const click = (at) => edit({ clicks: [...clicks(), { x: at, y: 0, adds: true }] });
        turnTo("file 1", "street");
        change({ level: 2 });
        click(1);
        change({ level: 4 });
        click(2);
        edit({ clicks: [] });
        change({ level: 3 });
        for (const step of [undo, undo, undo, undo, redo, redo]) { step(); tell(); }
        turnTo("file 2", "street");
        change({ level: 1 });
        change({ level: turnTo("file 1", "street") });
        tell();
        undo();
        tell();
        answer(told);
    """
    steps = answer_of_page(script)
    assert steps[:4] == [[2, 4], [1, 4], [0, 2], [0, 2]], "back to what was seen before each step"
    assert steps[4:6] == [[1, 4], [2, 4]]
    assert steps[6:] == [[2, 4], [1, 4]], "also on another photograph meanwhile"


def test_a_source_stays_as_long_as_something_done_with_it_is_kept() -> None:
    script = """
        import { edit, turnTo } from "./edits.js";
        import { remember } from "./sources.js";
        import { state } from "./state.js";
        for (let number = 1; number <= 20; number++) {
          turnTo("file " + number, "street");
          remember({ photograph: "id " + number, source: { key: "file " + number } });
          if (number === 2 || number === 15) edit({ clicks: [{ x: 0, y: 0, adds: true }] });
        }
        answer(state.opened.map(({ source }) => Number(source.key.slice(5))));
    """
    assert answer_of_page(script) == [*range(20, 8, -1), 2]


ASK_AGAIN = """
    import * as api from "./api.js";
    import { prepared } from "./maps.js";
    import { askOf, ofFile, ofFolder, remember } from "./sources.js";
    import { change, state } from "./state.js";
    const asked = [], kept = new Set(given.kept);
    globalThis.fetch = async (path, { body }) => {
      const json = (content, status) => new Response(JSON.stringify(content), { status });
      if (path.startsWith("/v1/parse?")) {
        asked.push(path + " " + (body ? await body.text() : ""));
        kept.add("new");
        return json({ ...given.answer, ...given.again, photograph: "new" }, 200);
      }
      const { photograph } = JSON.parse(body);
      asked.push(path + " " + photograph);
      return kept.has(photograph) ? json({ share: 0.5 }, 200) : json({ error: "photograph must be still kept" }, 404);
    };
    change({ service: { limits: { body_bytes: 1000 } } });
    const source = given.isFile ? ofFile(new File(["bytes"], "a.png")) : ofFolder(7, "a.png");
    const parse = { ...prepared(given.answer), name: "a.png", photograph: "old", source };
    const beside = { ...parse, parser: "other" }, heat = { photograph: "old", parser: "tiny", levels: [] };
    change({ parse, beside, heat });
    remember(parse);
    const question = (photograph) => api.mask({ photograph, format: "share" });
    const told = await askOf(parse, question).catch((error) => error.message);
    const ids = [state.parse, state.beside, state.heat].map((one) => one.photograph);
    answer({ told, asked, ids: [...ids, ...state.opened.map((one) => one.id)], name: state.parse.name });
"""


PRESSED = """
    import { connectQuestions } from "./asking_panels.js";
    import { edit } from "./edits.js";
    import { prepared } from "./maps.js";
    import { connectSelection } from "./select_panel.js";
    import { ofFolder, remember } from "./sources.js";
    import { change, state } from "./state.js";
    const asked = [];
    globalThis.fetch = async (path, { body }) => {
      const json = (content, status) => new Response(JSON.stringify(content), { status });
      if (path.startsWith("/v1/parse?")) {
        asked.push("parse");
        return json({ ...given.answer, photograph: "new" }, 200);
      }
      const { photograph, ...question } = JSON.parse(body);
      asked.push([path, photograph, question]);
      return photograph === "new" ? json(given.reply, 200) : json({ error: "photograph must be still kept" }, 404);
    };
    const parse = { ...prepared(given.answer), name: "a.png", photograph: "old", source: ofFolder(7, "a.png") };
    change({ service: { labels: true }, parse, place: { x: 3, y: 4 } });
    remember(parse);
    edit({ clicks: [{ x: 1, y: 2, adds: true }], regions: given.regions });
    connectSelection();
    connectQuestions();
    await press(given.pressed);
    answer({ asked, problem: element("problem").hidden, heat: state.heat });
"""
PLACE = {"x": 3, "y": 4}
REGIONS = [{"class": "car", "level": 1, "clicks": []}]


@pytest.mark.parametrize(
    ("pressed", "path", "question", "reply"),
    [
        ("[data-format]0", "/v1/clicks", {"clicks": [{"x": 1, "y": 2, "adds": True}]}, {"rle": {}}),
        ("save-labels", "/v1/labels", {"regions": REGIONS}, {"saved": {"next": []}}),
        ("ask-why", "/v1/why", {"question": "="}, {"told": "", "levels": [{"level": 1, "nodes": 1, "heat": [0]}]}),
        ("ask-tokens", "/v1/tokens", PLACE, {"tokens": []}),
        ("ask-similar", "/v1/find", PLACE, {"query": {"class": "car"}, "found": []}),
    ],
)
def test_every_button_that_asks_about_a_photograph_sends_it_anew_where_it_must(
    answer: dict[str, Any], pressed: str, path: str, question: dict[str, Any], reply: dict[str, Any]
) -> None:
    buttons = {"[data-format]": [{"format": "rle"}]}
    found = answer_of_page(PRESSED, answer=answer, pressed=pressed, reply=reply, buttons=buttons, regions=REGIONS)
    (before_path, before_id, first), parse, (after_path, after_id, second) = found["asked"]
    assert (before_path, before_id, parse) == (path, "old", "parse") and (after_path, after_id) == (path, "new")
    assert first == second and question.items() <= first.items()
    assert found["problem"] is True, "nothing is told to have failed"
    assert pressed != "ask-why" or found["heat"]["photograph"] == "new"


def test_every_module_finds_what_it_imports() -> None:
    script = """
        const missing = [];
        for (const name of given.names) {
          const error = await import("./" + name).catch((error) => error);
          if (error instanceof SyntaxError) missing.push(error.message);
        }
        answer(missing);
    """
    names = sorted(file.name for file in page_files.FOLDER.glob("*.js"))
    assert answer_of_page(script, names=names) == [] and "studio.js" in names


@pytest.mark.parametrize("is_file", [True, False])
def test_what_the_service_has_let_go_of_is_sent_anew_and_asked_once_more(answer: dict[str, Any], is_file: bool) -> None:
    found = answer_of_page(ASK_AGAIN, answer=answer, again={}, kept=[], isFile=is_file)
    sent = "/v1/parse?parser=tiny bytes" if is_file else "/v1/parse?parser=tiny&folder=7 "
    assert found["asked"] == ["/v1/clicks old", sent, "/v1/clicks new"]
    assert found["told"] == {"share": 0.5} and found["name"] == "a.png"
    assert found["ids"] == ["new"] * 4, "of the parse, the one beside it, its heat, and what was opened"


def test_what_is_still_kept_is_asked_once(answer: dict[str, Any]) -> None:
    found = answer_of_page(ASK_AGAIN, answer=answer, again={}, kept=["old"], isFile=True)
    assert found["asked"] == ["/v1/clicks old"] and found["ids"] == ["old"] * 4


def test_another_photograph_in_its_place_is_not_taken_for_it(answer: dict[str, Any]) -> None:
    with application_of({"tiny": tiny_parser()}) as application:
        other = Asked(application).parsed(png(random_image(48, 64, seed=1)))
    for again in ({"width": 65}, {"groups": other["groups"]}):
        found = answer_of_page(ASK_AGAIN, answer=answer, again=again, kept=[], isFile=False)
        assert found["told"] == "a.png has changed since it was opened; open it again."
        assert found["asked"][2:] == [] and found["ids"] == ["old"] * 4


def test_of_two_parsers_the_warnings_and_terms_of_both_are_told() -> None:
    script = """
        import { termsOf, warningsOf } from "./told_of_parsers.js";
        answer([[given.first], [given.first, given.second]].map((parses) => [warningsOf(parses), termsOf(parses)]));
    """
    first = {"parser": "street", "warnings": ["it is dark", "it is small"], "terms": "free", "seconds": 0.5}
    second = {"parser": "everyday", "warnings": ["it is unlike my pictures"], "terms": "", "seconds": 1.25}
    alone, both = answer_of_page(script, first=first, second=second)
    assert alone == [["It is dark.", "It is small."], "Terms of street: free. Parsed in 0.50 s."]
    assert both == [
        ["street: it is dark.", "street: it is small.", "everyday: it is unlike my pictures."],
        "Terms of street: free. Parsed in 0.50 s and 1.25 s.",
    ]
    assert answer_of_page(script, first=second, second={**second, "terms": "mine"})[1][1] == (
        "Terms of everyday: mine. Parsed in 1.25 s and 1.25 s."
    )


def test_a_parser_that_cannot_be_loaded_is_named_and_cannot_be_chosen() -> None:
    script = 'import { choiceOf } from "./told_of_parsers.js"; answer(given.parsers.map(choiceOf));'
    parsers = [
        {"name": "street", "title": "Streets", "error": None},
        {"name": "far", "title": "", "error": "the hub must answer, but got nothing; try again later."},
    ]
    assert answer_of_page(script, parsers=parsers) == [
        {"text": "street", "value": "street", "title": "Streets", "disabled": False},
        {"text": "far (cannot be loaded)", "value": "far", "title": parsers[1]["error"], "disabled": True},
    ]


def test_classes_are_told_in_words() -> None:
    script = """
import { inWords, partInWords } from "./elements.js";
answer([inWords("back_left_door"), inWords("rest"), partInWords("rest"), partInWords("wheel")]);
"""
    assert answer_of_page(script) == ["back left door", "rest", "no part", "wheel"]
