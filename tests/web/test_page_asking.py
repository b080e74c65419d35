"""What the page asks: given up when nobody waits for it, and told of in the names of those who opened the files."""

from typing import Any

from page_in_node import answer_of_page

REFUSED = "a picture must be sound, but got a broken one in upload-0123456789ab; save it anew."


def test_a_question_that_was_given_up_is_not_asked_again_and_says_nothing() -> None:
    script = """
        import * as api from "./api.js";
        let asked = 0;
        globalThis.fetch = async () => {
          asked += 1;
          return new Response("{}", { status: 429, headers: { "Retry-After": "0.2" } });
        };
        const control = new AbortController(), told = api.why({}, control.signal).catch((error) => error.name);
        setTimeout(() => control.abort(), 50);
        const name = await told;
        await new Promise((resolve) => setTimeout(resolve, 400));
        answer([asked, name]);
    """
    assert answer_of_page(script) == [1, "AbortError"]


def test_a_refusal_that_comes_when_nobody_waits_is_not_told() -> None:
    script = """
        import * as api from "./api.js";
        const control = new AbortController();
        globalThis.fetch = async () => ({ ok: false, status: 503, json: async () => {
          control.abort();
          throw control.signal.reason;
        } });
        answer(await api.find({}, control.signal).catch((error) => error.name));
    """
    assert answer_of_page(script) == "AbortError"


NAMED = """
    import { askOf, ofFile, parsesFrom } from "./sources.js";
    import * as api from "./api.js";
    import { change } from "./state.js";
    globalThis.fetch = async () => new Response(JSON.stringify({ error: given.error }), { status: 415 });
    change({ service: { limits: { body_bytes: 1000 } } });
    const source = ofFile(new File(["bytes"], given.name)), signal = new AbortController().signal;
    const told = [
      await parsesFrom(source, { parser: "tiny", besideParser: "" }, signal).catch((error) => error.message),
      await askOf({ name: given.name, photograph: "a", source }, () => api.why({})).catch((error) => error.message),
    ];
    answer(told);
"""


def test_refusals_name_the_file_that_was_opened() -> None:
    for name in ("holiday.jpg", "$& $1.jpg"):
        told = answer_of_page(NAMED, error=REFUSED, name=name)
        assert told == [REFUSED.replace("upload-0123456789ab", name)] * 2


def test_of_several_files_none_is_forgotten() -> None:
    script = """
        import { listUnopened, ofFile, remember } from "./sources.js";
        import { state } from "./state.js";
        const sources = Array.from({ length: 30 }, (_, at) => ofFile(new File(["bytes"], at + ".jpg")));
        listUnopened(sources.slice(1));
        remember({ photograph: "id", source: sources[0] });
        const names = () => state.opened.map(({ source }) => source.name);
        const first = names();
        for (const source of sources.slice(1, 29)) remember({ photograph: "id " + source.name, source });
        answer([first, names()]);
    """
    first, later = answer_of_page(script)
    assert first == [f"{number}.jpg" for number in range(30)]
    assert later[:12] == [f"{number}.jpg" for number in range(28, 16, -1)] and later[12:] == ["29.jpg"]


def test_what_is_found_in_the_folder_is_opened_from_its_card() -> None:
    script = """
        import { connectQuestions } from "./asking_panels.js";
        import { ofFolder } from "./sources.js";
        import { change } from "./state.js";
        const made = [], opened = [];
        const make = document.createElement;
        document.createElement = (name) => { const one = make(name); made.push([name, one]); return one; };
        globalThis.fetch = async () => new Response(JSON.stringify(given.reply), { status: 200 });
        change({ parse: { photograph: "id", parser: "tiny", name: "a.png", source: {} }, place: { x: 3, y: 4 } });
        connectQuestions((source) => opened.push([source.key, source.name]));
        await press("ask-similar");
        const cards = made.filter(([name]) => name === "button" || name === "div");
        for (const [, card] of cards) card.listeners.click?.();
        answer([cards.map(([name]) => name), opened]);
    """
    found: dict[str, Any] = {
        "class": "car",
        "distance": 0.5,
        "thumbnail": "",
        "box_xyxy": [1, 2, 3, 4],
        "shown_xyxy": [0, 0, 8, 8],
    }
    reply = {
        "query": {"class": "car"},
        "found": [found | {"image": "b.png", "folder": 0}, found | {"image": "c.png", "folder": None}],
    }
    assert answer_of_page(script, reply=reply) == [["button", "div"], [["folder 0", "b.png"]]]
