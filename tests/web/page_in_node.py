"""Modules of the studio's page run without a browser: by Node, or by the one that Playwright brings along."""

import json
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from mereo.web import page_files

SECONDS = 60
# What modules need of a browser: elements that take everything and show nothing. `press` is a click on one of them.
SURROUNDINGS = """
import { readFileSync } from "node:fs";
export const given = JSON.parse(readFileSync("given.json", "utf8"));
export const answer = (found) => process.stdout.write(JSON.stringify(found), () => process.exit(0));
class Element {
  listeners = {}; dataset = {}; style = {}; value = ""; checked = true; children = []; options = [];
  addEventListener(name, listener) { this.listeners[name] = listener; }
  querySelector() { return new Element(); }
  querySelectorAll() { return []; }
  getAttribute() { return null; }
}
const nothing = () => undefined;
for (const name of ["setAttribute", "append", "replaceChildren", "click", "focus"]) Element.prototype[name] = nothing;
const elements = new Map();
export const element = (id) => elements.get(id) ?? elements.set(id, new Element()).get(id);
export const press = (id) => element(id).listeners.click();
const found = (selector) => (given.buttons?.[selector] ?? [])
  .map((dataset, at) => Object.assign(element(selector + at), { dataset }));
globalThis.requestAnimationFrame = nothing;
const createElement = () => new Element(), createElementNS = createElement;
globalThis.document = { getElementById: element, createElement, createElementNS, querySelectorAll: found };
"""
FIRST = 'import { answer, element, given, press } from "./surroundings.js";\n'


def answer_of_page(script: str, **given: Any) -> Any:
    """What `script` (a module beside those of the page) passes to `answer`; `given` holds these values, with `buttons`
    what lists of elements hold: their datasets by selector."""
    with tempfile.TemporaryDirectory() as folder:
        for file in page_files.FOLDER.glob("*.js"):
            shutil.copy(file, folder)
        Path(folder, "package.json").write_text('{"type": "module"}')
        Path(folder, "given.json").write_text(json.dumps(given))
        Path(folder, "surroundings.js").write_text(SURROUNDINGS, encoding="utf-8")
        Path(folder, "test.js").write_text(FIRST + script, encoding="utf-8")
        command = [node(), "test.js"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def node() -> str:
    if found := shutil.which("node"):
        return found
    spec = find_spec("playwright")
    of_playwright = None if spec is None or spec.origin is None else Path(spec.origin).parent / "driver" / "node"
    if of_playwright is None or not of_playwright.is_file():
        pytest.skip("no Node on this machine")
    return str(of_playwright)
